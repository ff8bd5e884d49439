"""What the zero-shot page reads of a data set: records, errors, and predictions on variants of its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermark.core.annotations import Annotations
from thermark.core.errors import DataError
from thermark.core.faces import Faces, open_table
from thermark.core.frames import Frames
from thermark.core.packed_images import BASE, INVERT
from thermark.core.predictions import Predictions
from thermark.fewshot.posts import Split, split
from thermark.metrics.outputs import relatives
from thermark.report.paths import ReportPaths
from thermark.report.results.face_errors import Errors, open_errors
from thermark.report.results.record import Record, ResultSet, open_set
from thermark.report.stage_files import existing, open_json, predicted

NOSE = "nose1"
SeedPredictions = Sequence[Predictions]  # one of each seed


@dataclass(frozen=True)
class ZeroshotData:
    """A data set as it was scored, and its pictures.

    `contestants`: name -> whether it looks at whole frames, and so at variants of them; `records` are theirs.
    `errors`: contestant -> those of each scored face, in the unit of the main metric; `faces`: all (N,), of which
    `scored` (N,) are. `tone_variants`: variant -> the settings of the pictures that it changes; `inverted`: the
    variant in which warm is dark, if there is one.
    """

    name: str
    paths: ReportPaths
    contestants: Mapping[str, bool]
    results: ResultSet
    records: tuple[Record, ...]
    errors: Mapping[str, Errors]
    faces: Faces
    scored: NDArray[np.bool_]
    tone_variants: Mapping[str, Mapping[str, Any]]
    inverted: str | None

    @cached_property
    def annotated(self) -> Annotations:
        """The content of the annotation files, which published protocols count."""
        return Annotations.open(self.paths.faces / self.name)

    @cached_property
    def pairs(self) -> Split:
        """The posts' crops and their split; raises DataError for a data set that is not one of noses."""
        if set(self.faces.vocabularies) != {NOSE}:
            raise DataError(f"{self.name} is no table of noses", "name another data set as `zeroshot.dataset`")
        frames = Frames.open(existing(self.paths.faces / self.name / "frames.npz"))
        return split(
            self.faces, dict(zip(frames.ids.tolist(), frames.sizes.tolist(), strict=True)), self.annotated
        )

    @cached_property
    def relatives(self) -> frozenset[str]:
        """The face sets that are read from the same files: contestants trained on one have seen frames of this."""
        training_sets = {name for record in self.records for name in record.trained_sets}
        return relatives(self.name, training_sets, self.paths.reports) | {self.name}

    @property
    def unowned_noses(self) -> int:
        """How many noses are outside of every person, which no face set has, and the posts count."""
        report = open_json(self.paths.reports / f"{self.name}.json")
        return int(report.get("found", {}).get("nose_without_person", {}).get("count", 0))

    def predictions(self, record: Record, variant: str = BASE) -> SeedPredictions | str:
        """Return a contestant's predictions on a variant of the pictures, or why there are none.

        Raises DataError for a file that is missing or of another version of the data set.
        """
        if not record.ran:
            return record.reason if record.status == "skipped" else record.why
        if variant != BASE and (
            variant not in {*self.tone_variants, self.inverted} or not self.contestants[record.contestant]
        ):
            return "it looks at faces, not at whole frames"
        folder = self.paths.predictions / record.contestant
        by_seed = predicted(folder, self.name, variant, self.results.protocol.labels)
        return next((one.reason for one in by_seed if one.status != "ok"), by_seed)


def read(dataset: str, contestants: Mapping[str, bool], paths: ReportPaths) -> ZeroshotData:
    """Return a data set as it was scored; without a contestant that takes whole frames it has no variants.

    Raises DataError for what is missing or of another version.
    """
    results = open_set(paths.results / f"{dataset}.json")
    if open_json(paths.reports / f"{dataset}.json")["fingerprint"] != results.protocol.labels:
        raise DataError(f"the records of {dataset} are of another version of it", "run `dvc repro` again")
    records = {name: results.of(name) for name in contestants}
    if absent := [name for name, record in records.items() if record is None]:
        raise DataError(f"{absent[0]} has no record on {dataset}", "run `dvc repro`, which writes it")
    framed = open_json(paths.framed / f"{dataset}.json")["variants"] if any(contestants.values()) else {}
    changed = {name: about["settings"] for name, about in framed.items() if name != BASE}
    inverted = [name for name, settings in changed.items() if settings.get(INVERT)]
    tone_variants = {name: settings for name, settings in changed.items() if name not in inverted}
    faces = open_table(paths.faces / dataset)
    return ZeroshotData(
        dataset,
        paths,
        contestants,
        results,
        tuple(filter(None, records.values())),
        open_errors(paths.results / f"{dataset}.parquet"),
        faces,
        (faces.splits == "test") | (results.protocol.split == "all"),
        tone_variants,
        next(iter(inverted), None),
    )
