"""Score one contestant on all data sets from files alone."""

import argparse
from pathlib import Path
from typing import Any

from thermark.core import errors
from thermark.core.config import parse, value
from thermark.core.errors import ConfigError
from thermark.core.scored import scored
from thermark.metrics.evaluate import Config
from thermark.metrics.outputs import Outputs, score_all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", required=True)
    parser.add_argument("--params", required=True)
    parser.add_argument("--scored", required=True)
    for name in ("faces", "reports", "predictions", *Outputs.__dataclass_fields__):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    sections, splits = value(params, options.params), scored(params, options.scored)
    score_all(
        options.contestant,
        {name: reading(f"{options.params}.{name}", raw, splits.get(name)) for name, raw in sections.items()},
        options.faces,
        options.reports,
        options.predictions,
        Outputs(*(getattr(options, name) for name in Outputs.__dataclass_fields__)),
    )


def reading(where: str, raw: dict[str, Any], split: str | None) -> Config:
    """Return how a data set is scored; which of its faces are is said once, for predictions and scores alike."""
    if split is None or "split" in raw:
        raise ConfigError(f"{where} does not say which faces are scored", "say `test` or `all` under `scored`")
    return parse(raw | {"split": split}, Config, where)


if __name__ == "__main__":
    errors.run(main)
