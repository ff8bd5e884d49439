"""Write the study of contestants on a real camera: boxes of several kinds, parts of the faces, noise of labels."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section
from thermark.report.transfer import study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", required=True)
    for name in (*study.Paths.__dataclass_fields__, "text", "numbers", "errors"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    study.build(
        section(Path("params.yaml"), options.params, study.Config),
        study.Paths(options.faces, options.reports, options.predictions),
        options.text,
        options.numbers,
        options.errors,
    )


if __name__ == "__main__":
    errors.run(main)
