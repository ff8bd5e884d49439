"""Pack the whole frames of one data set, as prepared and in its variants."""

import argparse
from importlib import import_module
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section, value
from thermark.core.scored_splits import read_scored_splits
from thermark.datasets.prepare import framing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("dataset", "loader", "params", "settings", "scored"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("raw", "faces", "report", "out", "framed"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    framing.frame(
        import_module(f"thermark.datasets.{options.loader}"),
        options.raw,
        value(params, options.settings),
        section(params, options.params, framing.Config),
        read_scored_splits(params, options.scored).get(options.dataset),
        options.faces,
        options.report,
        options.out,
        options.framed,
    )


if __name__ == "__main__":
    errors.run(main)
