"""Report what tiny heads learn from few labels, beside the post's numbers, and what their students cost."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section, value
from thermark.finetune import build
from thermark.finetune.inputs import Places, Profile
from thermark.report.profile import listed, sections

SECTIONS = ("heads", "datasets", "runs", "crops")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in (*SECTIONS, "params"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*Places.__dataclass_fields__, "contestants", "text", "numbers", "figure", "table"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    heads, datasets, runs, crops = (
        sections(value(params, name), name) for name in (getattr(options, each) for each in SECTIONS)
    )
    build.build(
        Profile(list(heads), list(datasets), runs, listed(options.contestants), crops),
        Places(*(getattr(options, name) for name in Places.__dataclass_fields__)),
        options.text,
        options.numbers,
        options.figure,
        options.table,
        section(params, options.params, build.Config),
    )


if __name__ == "__main__":
    errors.run(main)
