"""What the report of part 2 reads: exactly the heads, contestants and pseudo-labels that are named."""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.files import read_arrays
from thermark.core.origin import Origin
from thermark.metrics.paired import Errors
from thermark.report.inputs import existing, found, titled

Numbers = Mapping[str, Any]
ALL, PUBLISHED = "all", "published"
PICTURES = ("png", "luma")  # sources that are the 8-bit pictures
HEADED = "+head"  # what the timings' names of frozen backbones end with; all others are runs


@dataclass(frozen=True)
class Profile:
    """What params.yaml says: names of `heads` and `datasets`, sections of `runs`, `contestants` and `crops`."""

    heads: Sequence[str]
    datasets: Collection[str]
    runs: Mapping[str, Numbers]
    contestants: Mapping[str, Numbers]
    crops: Mapping[str, Numbers]

    @property
    def networks(self) -> dict[str, str]:
        """Contestant -> the run that it asks, of those that ask one."""
        return {name: str(own["run"]) for name, own in self.contestants.items() if own.get("run")}

    @property
    def pngs(self) -> tuple[str, ...]:
        """The crop sets whose pictures are 8-bit ones where those of the data set are not."""
        return tuple(
            key for key, own in self.crops.items() if (own.get("changes") or {}).get("source") in PICTURES
        )


@dataclass(frozen=True)
class Places:
    """Folders of earlier stages, and a file that need not be there.

    `reports`/<dataset>.json, `scores`/<head>.json, `curves`/<head>.csv, `details`/<contestant>/<dataset>.json,
    `errors`/<contestant>/<dataset>.npz, `pseudo_labels`/<key>.json; `speed` is a JSON file.
    """

    reports: Path
    scores: Path
    curves: Path
    details: Path
    errors: Path
    pseudo_labels: Path
    speed: Path


@dataclass(frozen=True)
class Head:
    """A head: what its run measured, and (labels, seed, mean error in frame px) of every training."""

    key: str
    numbers: Numbers
    trainings: tuple[tuple[int, int, float], ...] = ()

    @property
    def ran(self) -> bool:
        """Whether there are numbers."""
        return bool(self.numbers["status"] == "ok")

    @property
    def run(self) -> str:
        """What its model, and the contestant that asks it, is called."""
        return f"head_{self.key}"

    @property
    def reason(self) -> str:
        """Why there are none."""
        return str(self.numbers.get("reason") or self.numbers["status"])

    def tested(self, scope: str) -> Numbers:
        """Return the numbers on the `published` test crops or on `all`, empty where there are none."""
        own = (self.numbers.get("test") or {}).get(scope) or {}
        return own if own.get("crops") else {}

    @property
    def budget(self) -> list[Numbers]:
        """The numbers of each budget of labels, fewest first and those of all labels last."""
        own = self.numbers.get("budget") or {}
        return [own[key] for key in sorted(own, key=lambda key: (key == ALL, own[key]["labels"]))]

    @property
    def seeds(self) -> int:
        """Over how many seeds the numbers are means."""
        return int(self.numbers.get("seeds") or 1)

    def complete(self, each: Numbers) -> bool:
        """Return whether this is the budget of all labels."""
        return each is self.numbers["budget"].get(ALL)


@dataclass(frozen=True)
class Study:
    """Everything that the report shows.

    `here`: whether the profile has the data set. `contestants`: name -> summary as in the leaderboard; `errors`:
    the same -> per-face errors, of those that ran; `networks`: the same -> the run that it asks;
    `pseudo_labels`: key -> how far they are from true labels; `speed`: machine and rows, empty where nobody has
    measured; `runs`: name -> section; `eight_bit`: crop sets of 8-bit pictures.
    """

    dataset: str
    title: str
    origin: Origin
    here: bool
    heads: tuple[Head, ...]
    contestants: Mapping[str, Numbers]
    pseudo_labels: Mapping[str, Numbers]
    speed: Numbers
    errors: Mapping[str, Errors] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, Numbers] = field(default_factory=dict)
    eight_bit: tuple[str, ...] = ()

    @property
    def ran(self) -> list[Head]:
        """The heads that have numbers."""
        return [head for head in self.heads if head.ran]

    @property
    def timed(self) -> Mapping[str, Numbers]:
        """What was timed: name -> parameters, multiplications and times.

        A run's are those of this profile only if its input has the size that this profile gives it.
        """
        rows: Mapping[str, Numbers] = self.speed.get("rows", {})
        return {name: row for name, row in rows.items() if self._own(base(name), rows)}

    @property
    def pngs(self) -> list[str]:
        """The crop sets of 8-bit pictures that heads among the contestants have learned from."""
        asked = {self.networks.get(name) for name in self.contestants}
        seen = [head.numbers.get("crops") for head in self.ran if head.run in asked]
        return [key for key in self.eight_bit if key in seen]

    @property
    def unplanned(self) -> dict[str, Numbers]:
        """The contestants without numbers that ask a head which this profile does not train."""
        known = {*self.runs, *(head.run for head in self.heads)}
        return {
            name: own
            for name, own in self.contestants.items()
            if own.get("status") != "ok" and self.networks.get(name, "") not in {"", *known}
        }

    def _own(self, name: str, rows: Mapping[str, Numbers]) -> bool:
        size = rows.get(name, {}).get("input")
        return name.endswith(HEADED) or (size is not None and size == self.runs.get(name, {}).get("input_size"))


def read(
    dataset: str, profile: Profile, contestants: Sequence[str], opinions: Collection[str], places: Places
) -> Study:
    """Read what was measured; in a profile without the data set nobody ran on it.

    `opinions` are keys of pseudo-labels. Raises DataError for results of named heads or contestants that are
    missing, or broken.
    """
    here = dataset in profile.datasets
    report = found(places.reports / f"{dataset}.json") if here else {}
    absent = {"status": "skipped", "reason": f"{dataset} is not in this profile"}
    own = {name: _summary(name, dataset, places) if here else absent for name in contestants}
    return Study(
        dataset=dataset,
        title=titled(report, dataset) if here else dataset,
        origin=report.get("origin", "real"),
        here=here,
        heads=tuple(_head(key, places) for key in profile.heads),
        contestants=own,
        pseudo_labels={key: found(places.pseudo_labels / f"{key}.json") for key in opinions},
        speed=files.read_json(places.speed) if places.speed.is_file() else {},
        errors={
            name: read_arrays(existing(places.errors / name / f"{dataset}.npz"))
            for name, each in own.items()
            if each.get("status") == "ok"
        },
        networks=profile.networks,
        runs=profile.runs,
        eight_bit=profile.pngs,
    )


def base(row: str) -> str:
    """Return the row of a network at its own input, of one at another size."""
    return row.partition("@")[0]


def labels(each: Numbers) -> int:
    """Return how many labels a budget has, which are stored as every mean over seeds is."""
    return int(each["labels"])


def _head(key: str, places: Places) -> Head:
    numbers = found(places.scores / f"{key}.json")
    if numbers["status"] != "ok":
        return Head(key, numbers)
    return Head(key, numbers, _trainings(existing(places.curves / f"{key}.csv")))


def _summary(name: str, dataset: str, places: Places) -> Numbers:
    summary: Numbers = found(places.details / name / f"{dataset}.json")["summary"]
    return summary


def _trainings(path: Path) -> tuple[tuple[int, int, float], ...]:
    """Return labels, seed and error of each training; where nothing was found there is no error and no row."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        return tuple(
            (int(row["labels"]), int(row["seed"]), float(row["native_mean"])) for row in rows if row["native_mean"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is no curve of labels: {error}", "run `dvc repro`, which makes it again"
        ) from error
