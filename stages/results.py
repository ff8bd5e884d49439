"""Write one record a data set and contestant, and the error of every face, from what evaluation left."""

import argparse
from pathlib import Path

from thermark.core import errors
from thermark.core.config import section, value
from thermark.core.files import read_json
from thermark.core.scored import scored
from thermark.metrics.evaluate import reading
from thermark.report.leaderboard import profile
from thermark.report.results import build, compare
from thermark.report.results.collect import EvaluationPaths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "scored", "runs", "compared"):
        parser.add_argument(f"--{name}", required=True)
    for name in (
        *EvaluationPaths.__dataclass_fields__,
        "contestants",
        "models",
        "code",
        "env",
        "out",
        "comparisons",
    ):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    params = Path("params.yaml")
    splits = scored(params, options.scored)
    sections = value(params, options.params)
    runs = profile.sections(value(params, options.runs), options.runs)
    build.build(
        {name: reading(f"{options.params}.{name}", raw, splits.get(name)) for name, raw in sections.items()},
        build.contestant_info(profile.listed(options.contestants), runs, options.models),
        EvaluationPaths(*(getattr(options, name) for name in EvaluationPaths.__dataclass_fields__)),
        build.provenance(read_json(options.code), read_json(options.env)),
        section(params, options.compared, compare.Config),
        options.out,
        options.comparisons,
    )


if __name__ == "__main__":
    errors.run(main)
