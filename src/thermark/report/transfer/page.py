"""The numbers of a transfer study as text, for a terminal and as a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thermark.core import templates
from thermark.report.columns import rate
from thermark.report.markdown import FILTERS, code, table
from thermark.report.number_format import interval, shown, signed
from thermark.report.transfer.boxes import MEAN_OF_OTHERS
from thermark.report.transfer.camera_scores import LESS_FLOOR

PAGE = Path(__file__).with_name("templates") / "page.md"
METRIC = "nme_io"
STRATA = ("glasses", "state", "yaw", "person")
RATES = {"recall": rate("recall"), "precision": rate("precision"), "ap50": rate("AP50")}
HEADER = ("contestant", "NME, %", "95 % by person", "95 % by recording", "median", "above 10 %", "missed")
FLOOR = (f"less `{MEAN_OF_OTHERS}`, 95 % by person", "by recording")
TITLES = {
    "given": "In the publisher's boxes",
    "tight": "In tight boxes",
    "shift10": "In boxes that are a tenth of their sides away",
    "scale10": "In boxes that are a tenth larger or smaller",
    "found": "In the boxes of a detector",
    "surest": "In the boxes of a detector, where the network is surest",
    "detected": "In boxes that a contestant detects itself",
}

# Keys of decomposition.decompose -> what they are called.
DECOMPOSITION = {
    "moved": "moved as a whole",
    "aligned": "turned and scaled, too",
    "offset": "less constant offsets",
    "far_jaw": "turned faces: far jaw",
    "near_jaw": "near jaw",
    "rest": "all else",
}

Numbers = Mapping[str, Any]


def render(content: Numbers, details: bool = True) -> str:
    """Return a page about the numbers of `summarise`; without `details` its first tables alone."""
    overall: dict[str, dict[str, Numbers]] = {}
    sections: dict[str, dict[str, Numbers]] = {}
    for name, by_kind in content["contestants"].items():
        overall[name] = {kind: numbers["all"] for kind, numbers in by_kind.items()}
        for kind, numbers in by_kind.items():
            sections.setdefault(TITLES.get(kind, kind), {})[name] = numbers
    return templates.render(
        PAGE,
        FILTERS | {"percent": percent},
        **{"board": board, "by_part": by_part, "listed": listed, "decomposed": decomposed},
        **{"noise": noise, "detection": detection},
        **{"content": {"detection": {}, "left_out": {}, **content}, "details": details},
        **{"overall": overall, "sections": sections, "parts": ("points", *STRATA)},
    )


def board(title: str, contestants: Mapping[str, Mapping[str, Numbers]]) -> str:
    """Return a line a contestant, a column a part: NME, its spread over seeds, and misses; empty without parts.

    How many faces a part has is said where parts differ in that.
    """
    faces = {part: numbers["faces"] for parts in contestants.values() for part, numbers in parts.items()}
    several = len({*faces.values()}) > 1
    rows = [
        [code(name), *(_nme(parts[part]) if part in parts else "–" for part in faces)]
        for name, parts in contestants.items()
    ]
    header = [f"{part} ({count})" if several else part for part, count in faces.items()]
    return table([title, *header], rows) if faces else ""


def by_part(contestants: Mapping[str, Numbers], part: str) -> str:
    """Return the errors of contestants in boxes of one kind, on parts of the faces or groups of the points."""
    return board(part, {name: numbers.get(part, {}) for name, numbers in contestants.items()})


def decomposed(contestants: Mapping[str, Numbers]) -> str:
    """Return what the errors of contestants in boxes of one kind are made of; empty where nothing is known."""
    parts = {name: numbers.get("decomposition", {}) for name, numbers in contestants.items()}
    rows = [[code(name), *(percent(part.get(key)) for key in DECOMPOSITION)] for name, part in parts.items()]
    return table(["what is left", *DECOMPOSITION.values()], rows) if any(parts.values()) else ""


def listed(contestants: Mapping[str, Numbers]) -> str:
    """Return intervals, failures and misses of each contestant in boxes of one kind."""
    rows = []
    for name, parts in contestants.items():
        numbers = parts["all"]
        bounds = [interval(METRIC, *numbers.get(by, (None, None))) or "n/a" for by in ("subjects", "recordings")]
        rates = [percent(numbers.get(key)) for key in ("median", "failed")]
        missed = f"{numbers['missed']:g} of {numbers['faces']}"
        differences = [difference(gap) for gap in parts.get(LESS_FLOOR, {}).values()] or ["–"] * len(FLOOR)
        rows.append([code(name), _mean(numbers), *bounds, *rates, missed, *differences])
    return table((*HEADER, *FLOOR), rows)


def difference(gap: Numbers) -> str:
    """Return the error of one contestant less that of another, of `paired`, in percentage points."""
    bounds = [signed(gap[bound], METRIC) for bound in ("low", "high") if gap[bound] is not None]
    return signed(gap["difference"], METRIC) + (f" ({' to '.join(bounds)})" if bounds else "")


def noise(bounds: Mapping[str, Numbers | None]) -> str:
    """Return what is known of the labels' noise."""
    rows = [
        [name, *map(percent, (bound["nme"], bound["median"])), str(bound["pictures"])]
        if bound
        else [name, *["–"] * 3]
        for name, bound in bounds.items()
    ]
    return table(["noise of the machine labels", "mean, %", "median, %", "pictures"], rows)


def detection(polarities: Mapping[str, Numbers]) -> str:
    """Return what a detector finds in pictures as they are and inverted, at its threshold."""
    header = ["faces found", *(head.title for head in RATES.values()), "missed", "false alarms", "threshold"]
    rows = [
        [
            name,
            *(head.text(numbers[key]) for key, head in RATES.items()),
            *(f"{numbers['missed']} of {numbers['faces']}", str(numbers["false_alarms"])),
            f"{numbers['threshold']:.3f}",
        ]
        for name, numbers in polarities.items()
    ]
    return table(header, rows)


def percent(value: float | None) -> str:
    """Return a part of the distance of the eyes, or of the faces, as printed."""
    return shown(METRIC, value)


def _nme(numbers: Numbers) -> str:
    return _mean(numbers) + (f", {numbers['missed']:g} missed" if numbers["missed"] else "")


def _mean(numbers: Numbers) -> str:
    spread = f" ± {percent(numbers['nme_seed_std'])}" if "nme_seed_std" in numbers else ""
    return percent(numbers.get("nme")) + spread
