"""The numbers of a transfer study as text: one table a kind of box, then parts of the faces, then noise."""

from collections.abc import Mapping, Sequence
from typing import Any

from thermark.report.markdown import code, table

Numbers = Mapping[str, Any]
TITLES = {
    "given": "In the publisher's boxes",
    "tight": "In tight boxes",
    "shift10": "In boxes that are a tenth of their sides away",
    "scale10": "In boxes that are a tenth larger or smaller",
    "found": "In the boxes of a detector",
    "surest": "In the boxes of a detector, where the network is surest",
}


def overview(contestants: Mapping[str, Mapping[str, Numbers]]) -> str:
    """Return one line a contestant: NME of each kind of box, with the faces missed. For a terminal and a page."""
    shown = kinds(contestants)
    rows = [
        [code(name), *(_short(boxes[kind]["all"]) if kind in boxes else "–" for kind in shown)]
        for name, boxes in contestants.items()
    ]
    return table(["NME inter-ocular, %, 50 points", *shown], rows)


def kinds(contestants: Mapping[str, Mapping[str, Numbers]]) -> list[str]:
    """Return the kinds of boxes that anybody was scored in, in their order."""
    return list(dict.fromkeys(kind for boxes in contestants.values() for kind in boxes))


def boxes(contestants: Mapping[str, Mapping[str, Numbers]], kind: str) -> str:
    """Return the table of one kind of box: intervals, failures, misses and groups of points."""
    shown = {name: each[kind] for name, each in contestants.items() if kind in each}
    parts = list(dict.fromkeys(part for each in shown.values() for part in each["points"]))[1:]
    header = [
        "contestant",
        "NME, %",
        "95 % by person",
        "95 % by recording",
        "median",
        "above 10 %",
        "missed",
        *parts,
    ]
    rows = [
        [
            code(name),
            _percent(each["all"].get("nme")) + _spread(each["all"]),
            *(_bounds(each["all"].get(by)) for by in ("subjects", "recordings")),
            _percent(each["all"].get("median")),
            _percent(each["all"].get("failed"), 1),
            f"{each['all']['missed']:g} of {each['all']['faces']}",
            *(_percent(each["points"].get(part, {}).get("nme")) for part in parts),
        ]
        for name, each in shown.items()
    ]
    return table(header, rows)


def strata(contestants: Mapping[str, Mapping[str, Numbers]], kind: str, stratum: str) -> str:
    """Return the NME of each part of a stratum in one kind of box, nothing where there is none."""
    shown = {name: each[kind].get(stratum, {}) for name, each in contestants.items() if kind in each}
    values = sorted({value for each in shown.values() for value in each})
    if not values:
        return ""
    counts = {value: next(each[value]["faces"] for each in shown.values() if value in each) for value in values}
    rows = [[code(name), *(_short(each[value]) for value in values)] for name, each in shown.items()]
    return table([stratum, *(f"{value} ({counts[value]})" for value in values)], rows)


def noise(measures: Mapping[str, Mapping[str, Any] | None]) -> str:
    """Return what is known of the labels' noise."""
    rows = [
        [name, *([_percent(each["nme"]), _percent(each["median"]), str(each["pictures"])] if each else ["–"] * 3)]
        for name, each in measures.items()
    ]
    return table(["noise of the machine labels", "mean, %", "median, %", "pictures"], rows)


def detection(polarities: Mapping[str, Numbers]) -> str:
    """Return what a detector finds in pictures as they are and inverted, at its own threshold."""
    header = ["faces found", "recall, %", "precision, %", "AP50, %", "missed", "false alarms", "threshold"]
    rows = [
        [
            name,
            *(_percent(own[key], 1) for key in ("recall", "precision", "ap50")),
            f"{own['missed']} of {own['faces']}",
            str(own["false_alarms"]),
            f"{own['threshold']:.3f}",
        ]
        for name, own in polarities.items()
    ]
    return table(header, rows)


def worst(contestants: Mapping[str, Sequence[Mapping[str, Any]]], count: int = 5) -> str:
    """Return the ids of the worst faces of each contestant: by name, never as pictures."""
    rows = [
        [code(name), ", ".join(f"{code(each['face'])} {_percent(each['nme'])}" for each in faces[:count])]
        for name, faces in contestants.items()
    ]
    return table(["contestant", "worst faces, NME in %"], rows, texts=2)


def _short(numbers: Numbers) -> str:
    missed = f", {numbers['missed']:g} missed" if numbers["missed"] else ""
    return f"{_percent(numbers.get('nme'))}{_spread(numbers)}{missed}"


def _percent(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}"


def _spread(numbers: Numbers) -> str:
    return f" ± {_percent(numbers['nme_seed_std'])}" if "nme_seed_std" in numbers else ""


def _bounds(pair: Sequence[float] | None) -> str:
    return "n/a" if pair is None else f"{_percent(pair[0])}–{_percent(pair[1])}"
