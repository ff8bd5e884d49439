"""What the bake-off reads: one set of labelled noses, and what every contestant of the profile said on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thermark.core.annotated import Annotated
from thermark.core.errors import DataError
from thermark.core.faces import Faces, open_table
from thermark.core.frames import Frames
from thermark.core.origin import Origin
from thermark.core.pictures import BASE, INVERT
from thermark.core.predictions import Predictions, file_name
from thermark.core.runs import seed_folders
from thermark.metrics.outputs import relatives
from thermark.report.inputs import existing, found, titled

NOSE = "nose1"
Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Places:
    """Folders of earlier stages.

    `reports`/<dataset>.json, `framed`/<dataset>.json, `details`/<contestant>/<dataset>.json, `faces`/<dataset>/,
    `predictions`/<contestant>/<dataset>.npz and <dataset>@<variant>.npz, of seeds in
    `predictions`/<contestant>/seed<k>/.
    """

    reports: Path
    framed: Path
    details: Path
    faces: Path
    predictions: Path


@dataclass(frozen=True)
class Contestant:
    """One contestant: its scores as in the leaderboard, and what it predicted.

    `said`: on the frames as prepared, one of each seed. `shown`: variant of the pictures -> the same on that, one
    of each seed; only contestants that look at whole frames have them.
    """

    name: str
    summary: Summary
    subsets: Mapping[str, Mapping[str, Summary]]
    said: tuple[Predictions, ...]
    shown: Mapping[str, tuple[Predictions, ...]]

    @property
    def ran(self) -> bool:
        """Whether there are numbers."""
        return bool(self.summary.get("status") == "ok")

    @property
    def reason(self) -> str:
        """Why there are none, with the status that says how much of a failure that is."""
        return f"{self.summary['status']}: {self.summary['reason']}"

    def unseen(self, picture: str) -> str:
        """Return why there is nothing on a variant of the pictures, or nothing where there is."""
        if not self.ran:
            return self.reason.removeprefix("skipped: ")
        if picture not in self.shown:
            return "it looks at faces, not at whole frames"
        return next((one.reason for one in self.shown[picture] if one.status != "ok"), "")

    @property
    def seeds(self) -> int:
        """Over how many seeds of a run its numbers are means, 0 where it comes from no training of ours."""
        return int(self.summary.get("seeds", 0))

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The names of the face sets it has learned from."""
        return tuple(dict.fromkeys(name for one in self.said for name in one.trained_on))


@dataclass(frozen=True)
class Study:
    """The bake-off: labelled noses, and all contestants.

    `annotated`: what the annotation files say, which published protocols count. `sizes`: frame id -> (width,
    height) px. `variants`: name -> settings of the pictures that it changes. `relatives`: the face sets read from
    the same files: who learned from one has seen frames of this. `ownerless`: noses outside of every person, which
    no face set has, and parts 1 and 3 of the posts count.
    """

    dataset: str
    title: str
    origin: Origin
    faces: Faces
    annotated: Annotated
    sizes: Mapping[str, tuple[int, int]]
    settings: Mapping[str, Any]
    variants: Mapping[str, Mapping[str, Any]]
    relatives: frozenset[str]
    ownerless: int
    contestants: tuple[Contestant, ...]

    @property
    def ran(self) -> list[Contestant]:
        """The contestants that have numbers."""
        return [each for each in self.contestants if each.ran]

    @property
    def scored(self) -> Faces:
        """The faces of the test split."""
        return self.faces.take(self.faces.splits == "test")


def read(dataset: str, settings: Mapping[str, Any], contestants: Mapping[str, bool], places: Places) -> Study:
    """Read what is compared on `dataset`, whose section of params.yaml is `settings`.

    Where nobody looks at whole frames there need be none, and there are no variants. Raises DataError for what is
    missing, of another version of the face set, or labelled in anything but noses.
    """
    report = found(places.reports / f"{dataset}.json")
    faces, frames = _table(places.faces / dataset)
    variants = _variants(dataset, places) if any(contestants.values()) else {}
    reader = _Reader(dataset, report["fingerprint"], tuple(variants), places)
    everyone = tuple(reader.contestant(name, whole) for name, whole in contestants.items())
    taught = {name for each in everyone for name in each.trained_on}
    return Study(
        dataset=dataset,
        title=titled(report, dataset),
        origin=report["origin"],
        faces=faces,
        annotated=Annotated.open(places.faces / dataset),
        sizes={str(name): (int(w), int(h)) for name, (w, h) in zip(frames.ids, frames.sizes, strict=True)},
        settings=settings,
        variants=variants,
        relatives=relatives(dataset, taught, places.reports) | {dataset},
        ownerless=report.get("found", {}).get("nose_without_person", {}).get("count", 0),
        contestants=everyone,
    )


def _table(folder: Path) -> tuple[Faces, Frames]:
    """Return faces and frames; both must be of noses, in one order."""
    faces, frames = open_table(folder), Frames.open(existing(folder / "frames.npz"))
    place = {str(name): index for index, name in enumerate(frames.ids)}
    order = [place.get(str(name), -1) for name in faces.frames]
    if set(faces.vocabularies) != {NOSE} or order != sorted(order) or -1 in order:
        raise DataError(f"{folder.name} is no table of noses in the order of its frames", "run `dvc repro` again")
    return faces, frames


def _variants(dataset: str, places: Places) -> dict[str, Mapping[str, Any]]:
    """Return the settings that each variant of the pictures changes; those that invert are of another study."""
    framed = found(places.framed / f"{dataset}.json")
    settings = {name: each["settings"] for name, each in framed["variants"].items() if name != BASE}
    return {name: changed for name, changed in settings.items() if not inverts(changed)}


def inverts(changed: Mapping[str, Any]) -> bool:
    """Tell whether a variant with these settings shows warm as dark."""
    return bool(changed.get(INVERT, False))


@dataclass(frozen=True)
class _Reader:
    dataset: str
    data: str
    variants: tuple[str, ...]
    places: Places

    def contestant(self, name: str, whole: bool) -> Contestant:
        details = found(self.places.details / name / f"{self.dataset}.json")
        if details["summary"].get("status") != "ok":
            return Contestant(name, details["summary"], {}, (), {})
        folder = self.places.predictions / name
        shown = {each: said(folder, file_name(self.dataset, each), self.data) for each in self.variants if whole}
        plain = said(folder, file_name(self.dataset), self.data)
        return Contestant(name, details["summary"], details["subsets"], plain, shown)


def said(folder: Path, name: str, data: str) -> tuple[Predictions, ...]:
    """Return a contestant's predictions in files of this name, one of each seed.

    Raises DataError for one that is missing or of another version of the face set than `data`.
    """
    found = tuple(Predictions.open(existing(each / name)) for each in seed_folders(folder) or [folder])
    for one in found:
        one.require(data)
    return found
