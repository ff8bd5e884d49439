"""Write the study of contestants on a real camera: boxes of several kinds, parts of the faces, noise of labels."""

import argparse
from pathlib import Path

from thermark.core import command_line, errors
from thermark.core.config import section
from thermark.report.transfer import study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    for name in (*command_line.names(study.Paths), "text", "numbers", "errors"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    study.build(
        section(Path("params.yaml"), options.params, study.Config),
        command_line.filled(study.Paths, options),
        options.text,
        options.numbers,
        options.errors,
    )


if __name__ == "__main__":
    errors.run(main)
