"""The distillation study: published against reproduced, does it help, how steadily does it train."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from thermark.core import files
from thermark.core.config import Section
from thermark.metrics.stability import FEWEST
from thermark.mlcmkd import against, compare, drawing, steadiness
from thermark.mlcmkd.compare import Comparison
from thermark.mlcmkd.inputs import FaceSet, Places, Result, Study, read
from thermark.published import load
from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import label, shown
from thermark.report.profile import Sections


class Config(Section):
    """Stability is measured over the steps in [start, stop), counted from 1: 1 and 301 are the first 300.

    `tolerance`: what a reproduced error may differ by, as a fraction like the error. `bootstrap`: replicates of an
    interval.
    """

    start: PositiveInt = 1
    stop: PositiveInt = 301
    tolerance: NonNegativeFloat = 0.001
    bootstrap: NonNegativeInt = 1000
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _long_enough(self) -> "Config":
        if self.stop - self.start < FEWEST:
            raise ValueError(f"from start to stop there must be {FEWEST} steps")
        return self


def build(
    contestants: Sections,
    runs: Sections,
    converted: Sections,
    datasets: Sequence[str],
    places: Places,
    text: Path,
    numbers: Path,
    stability: Path,
    figure: Path,
    config: Config,
) -> None:
    """Write the study of the learned `contestants` on the named data sets, even where there are none.

    Their networks are of `runs` or `converted` checkpoints, by name.

    `text`: Markdown; `numbers`: the same as JSON; `stability`: run -> numbers, as JSON; `figure`: gradient norms.
    Raises DataError for missing results, a broken gradient log or contestants scored on different faces.
    """
    study = read(contestants, runs, converted, datasets, places)
    measured = steadiness.measure(study, config.start, config.stop)
    published = load("mlcmkd")
    rows = against.compare(published, study, measured, config.tolerance)
    made = compare.compare(study, config.bootstrap, config.seed)
    parts = [
        "# MLCM-KD: distillation from RGB to thermal, and to smaller networks",
        compare.section(made, study),
        *_own(study),
        against.section(published, rows, study, config.tolerance),
        steadiness.section(measured, study, config.start, config.stop),
    ]
    files.write_text(text, "\n\n".join(parts) + "\n")
    files.write_json(
        numbers, {"comparisons": list(map(_comparison, made)), "published": list(map(against.plain, rows))}
    )
    files.write_json(stability, measured)
    drawing.draw(study.logs, study.runs, config.start, config.stop, figure)


def _own(study: Study) -> list[str]:
    """Return a table of all runs on all data sets, each in its main metric."""
    if not study.runs:
        return []
    header = ["run", "seeds", *(f"{escaped(each.title)}: {label(study.metric(each.name))}" for each in study.sets)]
    rows = [
        [code(run), _seeds(study, run), *(_score(study, run, each) for each in study.sets)] for run in study.runs
    ]
    said = (
        "Mean over seeds, ± their standard deviation where there are several, and the 95 % interval: over "
        "subjects and seeds where there are several, over subjects only where there is one."
    )
    return ["## The runs of this profile", said, table(header, rows)]


def _seeds(study: Study, run: str) -> str:
    """Return over how many seeds the numbers of a run are means, a dash where it has none."""
    ran = (study.results[run, each.name] for each in study.sets)
    return str(max((each.seeds for each in ran if each.ran), default="–"))


def _score(study: Study, run: str, face_set: FaceSet) -> str:
    result: Result = study.results[run, face_set.name]
    if not result.ran:
        return escaped(str(result.summary["status"]))
    metric = study.metric(face_set.name)
    value, std, low, high = (result.summary.get(f"{metric}{end}") for end in ("", "_seed_std", "_low", "_high"))
    spread = "" if std is None else f" ± {shown(metric, std)}"
    bounds = "" if low is None else f" ({shown(metric, low)}–{shown(metric, high)})"
    return f"{shown(metric, value)}{spread}{bounds}"


def _comparison(each: Comparison) -> dict[str, Any]:
    return {name: value for name, value in asdict(each).items() if name != "result"} | {
        **asdict(each.result),
        "verdict": each.result.verdict,
    }
