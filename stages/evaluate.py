"""Score one contestant on all data sets from files alone."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import parse, value
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import Outputs, score_all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", required=True)
    parser.add_argument("--params", required=True)
    for name in ("faces", "reports", "predictions", *Outputs.__dataclass_fields__):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    sections = value(Path("params.yaml"), options.params)
    score_all(
        options.contestant,
        {name: parse(raw, Config, f"{options.params}.{name}") for name, raw in sections.items()},
        options.faces,
        options.reports,
        options.predictions,
        Outputs(*(getattr(options, name) for name in Outputs.__dataclass_fields__)),
    )


if __name__ == "__main__":
    errors.run(main)
