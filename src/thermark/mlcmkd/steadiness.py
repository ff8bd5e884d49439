"""Training stability of every run, over a window of steps, as numbers and as a table."""

from collections.abc import Mapping

from thermark.metrics.stability import FEWEST, over_seeds, stability, windowed
from thermark.mlcmkd.inputs import Study
from thermark.report.markdown import code, table

COLUMNS = {"std": "std", "cv": "CV", "mean_step_change": "mean step change", "r2": "R²", "mean": "mean"}
LEGEND = (
    "The gradient norm before clipping in steps {first} to {last} (the first is 1), or as many of them as a "
    "training had: std about the mean (ddof 0), CV = std / mean, mean change from step to step, R² of a straight "
    "line. Batch and losses decide the scale, so that only rows of one batch compare. Runs other than KTL are in "
    "the metrics file and the figure."
)
Numbers = dict[str, dict[str, float]]


def measure(study: Study, start: int, stop: int) -> Numbers:
    """Return each run's numbers over the steps in [start, stop), means over seeds, with the `steps` there were.

    A run with fewer than three steps in the window, or whose gradient was always 0, has no more than its `steps`.
    """
    numbers: Numbers = {}
    for run, logs in study.logs.items():
        norms = [windowed(*log, start, stop) for log in logs]
        steps = min(map(len, norms), default=0)
        said = steps >= FEWEST and all(each.any() for each in norms)
        found = over_seeds([stability(each) for each in norms]) if said else {}
        numbers[run] = {"steps": steps} | found
    return numbers


def section(numbers: Numbers, study: Study, start: int, stop: int) -> str:
    """Return the numbers of the KTL runs as Markdown: those that the paper compares, and their variants."""
    shown = [run for run in numbers if study.runs[run].get("recipe") == "ktl" and "std" in numbers[run]]
    parts = ["## Training stability (Table V)"]
    if not shown:
        return "\n\n".join([*parts, "No KTL run of this profile logged enough steps."])
    parts.append(LEGEND.format(first=start, last=stop - 1))
    rows = [
        [
            code(run),
            str(study.runs[run].get("batch", "–")),
            f"{numbers[run]['steps']:.0f}",
            *(_number(numbers[run], name) for name in COLUMNS),
        ]
        for run in shown
    ]
    return "\n\n".join([*parts, table(["run", "batch", "steps", *COLUMNS.values()], rows)])


def _number(numbers: Mapping[str, float], name: str) -> str:
    spread_of_seeds = numbers.get(f"{name}_seed_std")
    return f"{numbers[name]:.4f}" + ("" if spread_of_seeds is None else f" ± {spread_of_seeds:.4f}")
