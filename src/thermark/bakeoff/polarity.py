"""What it costs a contestant that cold is bright: the scored faces as prepared and inverted, on any data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.bakeoff.inputs import Places, inverts, said
from thermark.core.faces import Faces, open_table
from thermark.core.pictures import BASE
from thermark.core.predictions import Predictions, file_name
from thermark.core.scored import Split
from thermark.metrics.evaluate import Config, evaluate
from thermark.metrics.scores import Labels, labels
from thermark.report.inputs import found, titled
from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import label, shown

Errors = NDArray[np.float64]
SAID = (
    "Every contestant that looks at whole frames, on the scored frames as prepared and on the same with black for "
    "white (255 minus grey), in which warm is dark. *Found* are faces that it answered for within the cap; errors "
    "are means over the faces found both ways, for what only one polarity shows are other faces. Boxes that are "
    "told are the same both ways. Only a row compares: vocabularies have more points or fewer."
)


@dataclass(frozen=True)
class Both:
    """One contestant on one data set: the `metric` that ranks, and its errors of each seed and face (S, N) by
    polarity, infinite = missed; `boxes` says who found the faces.
    """

    metric: str
    boxes: str
    plain: Errors
    inverted: Errors

    @property
    def numbers(self) -> dict[str, float]:
        """Rates of faces, means over seeds, and mean errors of those found both ways, where there are any.

        A face whose error cannot be told, for want of its eyes, is not counted.
        """
        known = ~(np.isnan(self.plain) | np.isnan(self.inverted))
        once, other = np.isfinite(self.plain), np.isfinite(self.inverted)
        both = once & other
        rates = {"found": once, "found_inverted": other, "found_both": both}
        numbers = {name: float(each[known].mean()) for name, each in rates.items()}
        if not both.any():
            return numbers
        errors = {"error": self.plain, "error_inverted": self.inverted}
        return numbers | {name: float(each[both].mean()) for name, each in errors.items()}


@dataclass(frozen=True)
class Turned:
    """A data set that has inverted pictures: its `title`, and name -> both answers of each contestant that ran."""

    title: str
    contestants: Mapping[str, Both]


def measure(
    contestants: Mapping[str, bool], scoring: Mapping[str, Config], splits: Mapping[str, Split], places: Places
) -> dict[str, Turned]:
    """Return data set -> what inverting its pictures did, for each that has such a variant and is scored.

    `contestants`: name -> whether it looks at whole frames. Raises DataError for missing or outdated results.
    """
    made = {}
    for dataset, config in scoring.items():
        noted = places.framed / f"{dataset}.json"
        framed = found(noted) if noted.is_file() else {"variants": {}}
        changed = {name: about.get("settings", {}) for name, about in framed["variants"].items()}
        variant = next((name for name, settings in changed.items() if inverts(settings)), None)
        if variant is None or dataset not in splits:
            continue
        faces = open_table(places.faces / dataset)
        how = config.model_copy(update={"split": splits[dataset], "bootstrap": 0})
        read = labels(faces, how.vocabulary, how.bridges)
        both = {}
        for name in (each for each, whole in contestants.items() if whole):
            names = (file_name(dataset, each) for each in (BASE, variant))
            one, other = (said(places.predictions / name, file, framed["data"]) for file in names)
            both[name] = _both(faces, one, other, how, dataset, read)
        title = titled(found(places.reports / f"{dataset}.json"), dataset)
        made[dataset] = Turned(title, {name: each for name, each in both.items() if each is not None})
    return made


def _both(
    faces: Faces,
    plain: Sequence[Predictions],
    inverted: Sequence[Predictions],
    how: Config,
    dataset: str,
    read: Labels,
) -> Both | None:
    """Return both answers of a contestant, None where it has one only or none."""
    scored = [evaluate(faces, each, how, dataset, read=read) for each in (plain, inverted)]
    if any(each.summary["status"] != "ok" for each in scored):
        return None
    about = scored[0].summary
    return Both(str(about["metric"]), str(about["boxes"]), *(each.errors["per_seed"] for each in scored))


def section(made: Mapping[str, Turned]) -> str:
    """Return a table for each data set, nothing where none has inverted pictures."""
    if not made:
        return ""
    parts = ["## Polarity", SAID]
    for dataset, turned in made.items():
        parts.append(f"**{escaped(turned.title)}** ({code(dataset)})")
        parts.append(_table(turned.contestants) if turned.contestants else "No contestant ran on both.")
    return "\n\n".join(parts)


def _table(contestants: Mapping[str, Both]) -> str:
    metric = next(each.metric for each in contestants.values())
    title = label(metric)
    header = ["contestant", "boxes", "found, %", "inverted, %", "both ways, %", title, f"inverted: {title}"]
    rows = []
    for name, each in contestants.items():
        numbers = each.numbers
        rates = (f"{100 * numbers[rate]:.1f}" for rate in ("found", "found_inverted", "found_both"))
        errors = (shown(metric, numbers.get(error)) for error in ("error", "error_inverted"))
        rows.append([code(name), escaped(each.boxes), *rates, *errors])
    return table(header, rows)


def plain(made: Mapping[str, Turned]) -> dict[str, Any]:
    """Return everything as plain data: data set -> contestant -> numbers."""
    return {
        dataset: {name: {"metric": each.metric} | each.numbers for name, each in turned.contestants.items()}
        for dataset, turned in made.items()
    }
