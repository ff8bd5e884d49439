"""Compare the zero-shot contestants under the posts' protocols and under ours, and with the published numbers."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import parse, section, value
from thermark.metrics.evaluate import Config
from thermark.report.leaderboard.profile import listed, whole_frames
from thermark.report.zeroshot import build
from thermark.report.zeroshot.inputs import Places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("datasets", "evaluate", "params"):
        parser.add_argument(f"--{name}", required=True)
    for name in (*Places.__dataclass_fields__, "contestants", "text", "numbers", "figure"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    scoring = value(params, options.evaluate)
    build.build(
        whole_frames(listed(options.contestants)),
        value(params, options.datasets),
        {name: parse(raw, Config, f"{options.evaluate}.{name}") for name, raw in scoring.items()},
        Places(*(getattr(options, name) for name in Places.__dataclass_fields__)),
        options.text,
        options.numbers,
        options.figure,
        section(params, options.params, build.Config),
    )


if __name__ == "__main__":
    errors.run(main)
