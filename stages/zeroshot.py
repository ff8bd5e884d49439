"""Run one contestant that finds faces itself, or is told where they are, on the whole frames of every data set."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section, value
from thermark.core.scored import scored
from thermark.zeroshot import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("contestant", "params", "patience", "scored"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("assets", "faces", "frames", "framed", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    params = Path("params.yaml")
    run.predict_all(
        options.contestant,
        value(params, options.params),
        section(params, options.patience, run.Config),
        scored(params, options.scored),
        run.Places(options.assets, options.model, options.faces, options.frames, options.framed),
        options.out,
    )


if __name__ == "__main__":
    errors.run(main)
