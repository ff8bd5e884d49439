"""Stages as the pipeline runs them: from their command line, in a folder with params.yaml."""

import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

STAGES = Path(__file__).parents[1] / "stages"


def run_stage(name: str, folder: Path, params: dict, options: Mapping[str, object]) -> None:
    """Run `stages/<name>.py` in `folder`, whose params.yaml becomes `params`, with `--option value` for each."""
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    flags = [word for option, value in options.items() for word in (f"--{option}", str(value))]
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setattr(sys, "argv", [str(STAGES / f"{name}.py"), *flags])
        runpy.run_path(str(STAGES / f"{name}.py"), run_name="__main__")


def exit_code(name: str, folder: Path, params: dict, options: Mapping[str, object]) -> int:
    """Run a stage as `run_stage` does and return the code with which its process would end."""
    try:
        run_stage(name, folder, params, options)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
