"""The distillation study: published against reproduced, does it help, how steadily does it train."""

from pathlib import Path

from pydantic import PositiveInt, model_validator

from thermark.core import files, templates
from thermark.core.config import Section
from thermark.metrics.stability import FEWEST
from thermark.report.distillation import comparison_summary, drawing, gradient_stability, published_comparison
from thermark.report.distillation.distillation_data import DistillationData
from thermark.report.markdown import FILTERS, code, escaped, table
from thermark.report.number_format import label, shown
from thermark.report.reference_results import load
from thermark.report.reference_results.compare import TOLERATED_ERROR, WIDEST
from thermark.report.results import printed
from thermark.report.results.estimates import interval, plus_minus
from thermark.report.results.record import ResultSet

PAGE = Path(__file__).with_name("templates") / "page.md"


class Config(Section):
    """Stability is measured over the steps in [start, stop), counted from 1: 1 and 301 are the first 300.

    `answers`: the families of comparisons with labels alone, which the first sentence sums up.
    """

    start: PositiveInt = 1
    stop: PositiveInt = 301
    answers: tuple[str, ...] = ("distillation", "same_start")

    @model_validator(mode="after")
    def _long_enough(self) -> "Config":
        if self.stop - self.start < FEWEST:
            raise ValueError(f"from start to stop there must be {FEWEST} steps")
        return self


def build(
    study: DistillationData, config: Config, text: Path, numbers: Path, stability: Path, figure: Path
) -> None:
    """Write the study of the learned contestants, even where there are none.

    `text`: Markdown; `numbers`: published numbers and ours as JSON; `stability`: run -> numbers, as JSON;
    `figure`: gradient norms.
    """
    measured = gradient_stability.measure(study, config.start, config.stop)
    published = load("mlcmkd")
    rows = published_comparison.compare(published, study, measured)
    page = templates.render(
        PAGE,
        FILTERS,
        **{
            "published_comparison": published_comparison,
            "comparison_summary": comparison_summary,
            "printed": printed,
            "study": study,
            "config": config,
        },
        **{"published": published, "rows": rows, "runs": _runs(study)},
        **{"tolerance": 100 * TOLERATED_ERROR, "widest": WIDEST * 100 * TOLERATED_ERROR},
        steadiness=gradient_stability.listed(measured, study),
    )
    files.write_text(text, page)
    files.write_json(numbers, {"published": list(map(published_comparison.plain, rows))})
    files.write_json(stability, measured)
    drawing.draw(study.logs, study.runs, config.start, config.stop, figure)


def _runs(study: DistillationData) -> str:
    """Return a table of all runs on all data sets, each in its main metric; empty without any."""
    titles = [
        f"{escaped(results.data_set.title)}: {label(results.protocol.main)}" for results in study.sets.values()
    ]
    rows = []
    for run in study.runs:
        records = [results.of(run) for results in study.sets.values()]
        seeds = max((record.seeds or 1 for record in records if record and record.ran), default="–")
        rows.append([code(run), str(seeds), *(_score(run, results) for results in study.sets.values())])
    return table(["run", "seeds", *titles], rows) if rows else ""


def _score(run: str, results: ResultSet) -> str:
    record, main = results.of(run), results.protocol.main
    if record is None or not record.ran:
        return escaped(record.status) if record else "–"
    bounds = interval(record, main)
    ends = "" if bounds == "n/a" else f" ({bounds})"
    return f"{shown(main, record.metrics[main].value)}{plus_minus(record, main)}{ends}"
