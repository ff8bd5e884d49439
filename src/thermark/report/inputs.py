"""What the report reads: exactly the data sets and contestants that are named, never what else lies around."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.origin import Origin
from thermark.metrics.names import describe

Summary = dict[str, Any]
RELATIVE = ("nme_io", "nme_diag")  # metrics whose per-face values have a column of their name


@dataclass(frozen=True)
class Places:
    """Folders of earlier stages.

    In git: `reports`/<dataset>.json, `details`/<contestant>/<dataset>.json, `ced`/<contestant>/<dataset>.csv,
    `training`/<run>.csv. For the galleries: `faces`/<dataset>/, `errors`/<contestant>/<dataset>.npz,
    `predictions`/<contestant>/<dataset>.npz or, of seeds, `predictions`/<contestant>/seed<k>/<dataset>.npz.
    """

    reports: Path
    details: Path
    ced: Path
    training: Path
    faces: Path
    predictions: Path
    errors: Path


@dataclass(frozen=True)
class Entry:
    """One contestant on one data set: its flat summary and the summaries of subsets."""

    contestant: str
    summary: Summary
    subsets: dict[str, dict[str, Summary]]

    @property
    def ran(self) -> bool:
        """Whether there are numbers."""
        return bool(self.summary.get("status") == "ok")

    @property
    def seeds(self) -> int:
        """Over how many seeds the numbers are means."""
        return int(self.summary.get("seeds", 1))


@dataclass(frozen=True)
class Board:
    """The results of one data set, contestants in the order given.

    `report` holds its card (origin and terms) and what was found in it, such as whether its images are rendered.
    """

    dataset: str
    report: dict[str, Any]
    entries: tuple[Entry, ...]

    @property
    def main(self) -> str:
        """The metric that ranks, which the labels decide: `nme_io`, `nme_diag` or `error_px_mean`."""
        return next((entry.summary["metric"] for entry in self.entries if entry.ran), "nme_io")

    @property
    def origin(self) -> Origin:
        """Where its images come from: a camera or archive, or our renderer, or our guess of temperatures."""
        return self.report["origin"]  # type: ignore[no-any-return]

    @property
    def machine(self) -> bool:
        """Whether another network said where the points of these real pictures are."""
        return self.origin == "real" and machine(self.report)

    @property
    def title(self) -> str:
        """What the data set is called in headings."""
        return titled(self.report, self.dataset)


def titled(report: Mapping[str, Any], dataset: str) -> str:
    """Return what a data set is called; what we or a machine made is not called by the real one's name alone."""
    name = str(report["card"].get("title") or dataset)
    if report["origin"] == "thermalised":
        return f"FaceSynthetics, thermalised in the layout of {name}"
    if report["origin"] == "rendered":
        return f"{name}, rendered"
    return f"{name}, machine labels" if machine(report) else name


def machine(report: Mapping[str, Any]) -> bool:
    """Return whether a data card says that its labels are a network's."""
    return bool(report["card"].get("labels") == "machine")


def left_out(datasets: Iterable[str], reports: Path) -> dict[str, str]:
    """Return data set -> the reason why it is not here, of those that are not."""
    told = {name: found(reports / f"{name}.json").get("absent") for name in datasets}
    return {name: str(reason) for name, reason in told.items() if reason}


def boards(datasets: Mapping[str, Sequence[str]], places: Places) -> list[Board]:
    """Read the results of each data set that is here and of its contestants; raises DataError for one missing."""
    absent = left_out(datasets, places.reports)
    return [
        Board(
            dataset,
            found(places.reports / f"{dataset}.json"),
            tuple(_entry(dataset, contestant, places) for contestant in contestants),
        )
        for dataset, contestants in datasets.items()
        if dataset not in absent
    ]


def found(path: Path) -> Any:
    """Read a JSON file that an earlier stage wrote; raises DataError when it is absent."""
    return files.read_json(existing(path))


def existing(path: Path) -> Path:
    """Return `path`; raises DataError when it is absent."""
    if not path.is_file():
        raise DataError(f"{path} is missing", "run `dvc repro`, which writes it")
    return path


def column(metric: str) -> str:
    """Return the column of per-face errors whose mean is the metric."""
    return metric if metric in RELATIVE else "error_px"


def ranked(board: Board) -> list[Entry]:
    """Return entries from best to worst by the main metric; those without numbers come last.

    Contestants whose means are not comparable (see `comparable`) come after all that are.
    """
    sign = -1 if describe(board.main).higher_is_better else 1

    def order(entry: Entry) -> tuple[int, float, str]:
        value = entry.summary.get(board.main)
        tier = 3 if not entry.ran else 2 if value is None else 0 if comparable(entry, board) else 1
        return tier, sign * (value or 0.0), entry.contestant

    return sorted(board.entries, key=order)


def idle(boards: Sequence[Board]) -> dict[str, Entry]:
    """Return those who have no numbers on any of several boards for one and the same reason, each with an entry.

    Nobody where nobody has numbers: then the boards say so.
    """
    found: dict[str, list[Entry]] = {}
    for board in boards:
        for entry in board.entries:
            found.setdefault(entry.contestant, []).append(entry)
    if not any(entry.ran for entries in found.values() for entry in entries):
        return {}
    return {
        name: entries[0]
        for name, entries in found.items()
        if len(entries) > 1
        and not any(entry.ran for entry in entries)
        and len({str(entry.summary.get("reason")) for entry in entries}) == 1
    }


def without(absent: Mapping[str, Entry], board: Board) -> Board:
    """Return a board without the contestants that are told of elsewhere."""
    return replace(board, entries=tuple(entry for entry in board.entries if entry.contestant not in absent))


def comparable(entry: Entry, board: Board) -> bool:
    """Whether means over found faces may be compared: few misses, and all points of the others scored."""
    if not entry.ran:
        return False
    points = max(other.summary.get("points", 0) for other in board.entries)
    return few_misses(entry.summary) and bool(entry.summary["points"] == points)


def few_misses(summary: Summary) -> bool:
    """Whether at most 1 % of the prompted faces were missed, so that means over found faces leave little out."""
    missed = summary.get("missed_prompted", summary["missed"])
    return bool(missed <= 0.01 * (summary["faces"] - summary.get("unprompted", 0)))


def _entry(dataset: str, contestant: str, places: Places) -> Entry:
    details = found(places.details / contestant / f"{dataset}.json")
    return Entry(contestant, details["summary"], details["subsets"])
