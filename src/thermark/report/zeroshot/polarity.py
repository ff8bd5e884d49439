"""How much a contestant loses when cold is bright: the scored faces as prepared and inverted, on any data set."""

from collections.abc import Mapping

import numpy as np

from thermark.fewshot.posts import Floats
from thermark.metrics.evaluate import Config, evaluate
from thermark.metrics.scores import labels
from thermark.report.columns import Format, Values, rate
from thermark.report.number_format import label, scale
from thermark.report.paths import ReportPaths
from thermark.report.zeroshot.measure import flat
from thermark.report.zeroshot.nose_points import Numbers
from thermark.report.zeroshot.zeroshot_data import ZeroshotData, read


def heads(metric: str) -> dict[str, Format]:
    """Return the columns of polarity, where errors are in the unit of `metric`."""
    error = Format(label(metric), scale(metric))
    errors = {"error": error, "error_inverted": error._replace(title=f"inverted: {error.title}")}
    return {"found": rate("found"), "found_inverted": rate("inverted"), "found_both": rate("both ways")} | errors


def studies(
    contestants: Mapping[str, bool], scoring: Mapping[str, Config], paths: ReportPaths
) -> list[ZeroshotData]:
    """Return the scored sets that have inverted pictures; `contestants`: name -> whether it looks at whole frames.

    Raises DataError for missing or outdated results.
    """
    on_frames = {name: True for name, sees_frames in contestants.items() if sees_frames}
    here = [name for name in scoring if on_frames and (paths.results / f"{name}.json").is_file()]
    framed = [name for name in here if (paths.framed / f"{name}.json").is_file()]
    return [study for name in framed if (study := read(name, on_frames, paths)).inverted]


def measure(study: ZeroshotData, scoring: Config) -> Values:
    """Return the numbers of contestants that ran both ways; raises DataError for outdated predictions."""
    how = scoring.model_copy(update={"split": study.results.protocol.split, "bootstrap": 0})
    targets, numbers_of = labels(study.faces, how.vocabulary, how.bridges), {}
    for record in study.records:
        predictions = study.predictions(record, str(study.inverted))
        if not isinstance(predictions, str):
            inverted = evaluate(study.faces, predictions, how, study.name, read=targets).errors["per_seed"]
            numbers_of[record.contestant] = numbers(study.errors[record.contestant]["per_seed"], inverted)
    return flat({("polarity", name, ""): values for name, values in numbers_of.items()})


def numbers(plain: Floats, inverted: Floats) -> Numbers:
    """Return rates of faces, means over seeds, and mean errors of those found both ways, where there are any.

    The errors are of each seed and face (S, N) by polarity, infinite = missed. A face whose error is undefined,
    since its eyes are not labelled, is not counted.
    """
    defined = ~(np.isnan(plain) | np.isnan(inverted))
    both = np.isfinite(plain) & np.isfinite(inverted)
    rates = {"found": np.isfinite(plain), "found_inverted": np.isfinite(inverted), "found_both": both}
    errors = {"error": plain, "error_inverted": inverted} if both.any() else {}
    means = {name: float(values[defined].mean()) for name, values in rates.items()}
    return means | {name: float(values[both].mean()) for name, values in errors.items()}
