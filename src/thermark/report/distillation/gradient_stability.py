"""Training stability of every run, over a window of steps, as numbers and as a table."""

from thermark.metrics.stability import FEWEST, over_seeds, stability, windowed
from thermark.report.distillation.distillation_data import DistillationData
from thermark.report.markdown import code, table

COLUMNS = {"std": "std", "cv": "CV", "mean_step_change": "mean step change", "r2": "R²", "mean": "mean"}
Numbers = dict[str, dict[str, float]]


def measure(study: DistillationData, start: int, stop: int) -> Numbers:
    """Return each run's numbers over the steps in [start, stop), means over seeds, with the `steps` there were.

    A run with fewer than three steps in the window, or whose gradient was always 0, has no more than its `steps`.
    """
    numbers: Numbers = {}
    for run, logs in study.logs.items():
        norms = [windowed(*log, start, stop) for log in logs]
        steps = min(map(len, norms), default=0)
        enough = steps >= FEWEST and all(seed.any() for seed in norms)
        measured = over_seeds([stability(seed) for seed in norms]) if enough else {}
        numbers[run] = {"steps": steps} | measured
    return numbers


def listed(numbers: Numbers, study: DistillationData) -> str:
    """Return the table of the KTL runs, those that the paper compares and their variants; empty without any."""
    rows = []
    for run, measured in numbers.items():
        if study.runs[run].get("recipe") == "ktl" and "std" in measured:
            spreads = {name: measured.get(f"{name}_seed_std") for name in COLUMNS}
            cells = [
                f"{measured[name]:.4f}" + ("" if spread is None else f" ± {spread:.4f}")
                for name, spread in spreads.items()
            ]
            rows.append([code(run), str(study.runs[run].get("batch", "–")), f"{measured['steps']:.0f}", *cells])
    return table(["run", "batch", "steps", *COLUMNS.values()], rows) if rows else ""
