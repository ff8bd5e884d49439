"""What it costs a contestant that cold is bright: the scored faces as prepared and inverted, on any data set."""

from collections.abc import Mapping

import numpy as np

from thermark.fewshot.posts import Floats
from thermark.metrics.evaluate import Config, evaluate
from thermark.metrics.scores import labels
from thermark.report.numbers import label, scale
from thermark.report.zeroshot.inputs import Places, Study, read
from thermark.report.zeroshot.measure import flat
from thermark.report.zeroshot.nose_points import Numbers
from thermark.report.zeroshot.showing import Head, Values, rate


def heads(metric: str) -> dict[str, Head]:
    """Return the columns of polarity, where errors are in the unit of `metric`."""
    error = Head(label(metric), scale(metric))
    errors = {"error": error, "error_inverted": error._replace(title=f"inverted: {error.title}")}
    return {"found": rate("found"), "found_inverted": rate("inverted"), "found_both": rate("both ways")} | errors


def studies(contestants: Mapping[str, bool], scoring: Mapping[str, Config], places: Places) -> list[Study]:
    """Return the scored sets that have inverted pictures; `contestants`: name -> whether it looks at whole frames.

    Raises DataError for missing or outdated results.
    """
    whole = {name: True for name, each in contestants.items() if each}
    here = [name for name in scoring if whole and (places.results / f"{name}.json").is_file()]
    framed = [name for name in here if (places.framed / f"{name}.json").is_file()]
    return [study for name in framed if (study := read(name, whole, places)).inverted]


def measure(study: Study, scoring: Config) -> Values:
    """Return the numbers of who ran both ways; raises DataError for outdated predictions."""
    how = scoring.model_copy(update={"split": study.results.protocol.split, "bootstrap": 0})
    truth, made = labels(study.faces, how.vocabulary, how.bridges), {}
    for record in study.records:
        said = study.said(record, str(study.inverted))
        if not isinstance(said, str):
            inverted = evaluate(study.faces, said, how, study.name, read=truth).errors["per_seed"]
            made[record.contestant] = numbers(study.errors[record.contestant]["per_seed"], inverted)
    return flat({("polarity", name, ""): own for name, own in made.items()})


def numbers(plain: Floats, inverted: Floats) -> Numbers:
    """Return rates of faces, means over seeds, and mean errors of those found both ways, where there are any.

    The errors are of each seed and face (S, N) by polarity, infinite = missed. A face whose error cannot be told,
    for want of its eyes, is not counted.
    """
    known = ~(np.isnan(plain) | np.isnan(inverted))
    both = np.isfinite(plain) & np.isfinite(inverted)
    rates = {"found": np.isfinite(plain), "found_inverted": np.isfinite(inverted), "found_both": both}
    errors = {"error": plain, "error_inverted": inverted} if both.any() else {}
    found = {name: float(each[known].mean()) for name, each in rates.items()}
    return found | {name: float(each[both].mean()) for name, each in errors.items()}
