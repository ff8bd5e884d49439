"""Results of heads, contestants and pseudo-labels that params.yaml names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path

from pydantic import Field, NonNegativeFloat, model_validator

from thermark.core import files
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.origin import Origin
from thermark.report import long_table
from thermark.report.fewshot.head import HeadResult, Numbers
from thermark.report.paths import ReportPaths
from thermark.report.results.comparisons import Comparisons, Family, open_comparisons
from thermark.report.results.record import Record, ResultSet, open_named
from thermark.report.stage_files import existing, open_json

PICTURES = ("png", "luma")  # sources that are the 8-bit pictures
HEADED = "+head"  # what the timings' names of frozen backbones end with; all others are runs
KINDS = ("head", "student", "control")
CURVE = {"labels": int, "seed": int, "native_mean": float}


class Config(Section):
    """What the page shows beside the heads.

    `dataset`: the noses. `contestants`: heads and students on whole frames; `students`: which of them learned from
    which pseudo-labels. `networks`: contestant -> the row of its timing, where that is not called as its run;
    `large`: the row that the others are compared with. `within`: by how much of the error with all labels a budget
    may miss it to be enough.
    """

    dataset: str = "thermeval"
    contestants: tuple[str, ...] = ()
    students: dict[str, str] = Field(default_factory=dict)
    networks: dict[str, str] = Field(default_factory=dict)
    large: str = "sapiens2_04b+head"
    within: NonNegativeFloat = 0.1

    @model_validator(mode="after")
    def _known(self) -> "Config":
        for name, named in (("students", self.students), ("networks", self.networks)):
            if strangers := sorted(set(named) - set(self.contestants)):
                raise ValueError(f"{name} names {strangers[0]!r}, which is none of the contestants")
        return self


@dataclass(frozen=True)
class Profile:
    """Sections of params.yaml: names of `heads`, sections of `runs`, `contestants` and `crops`."""

    heads: Sequence[str]
    runs: Mapping[str, Numbers]
    contestants: Mapping[str, Numbers]
    crops: Mapping[str, Numbers]


@dataclass(frozen=True)
class FewshotData:
    """Everything that the page shows.

    `results`: the records of the noses, None where the profile has none; `heads`: all that are named;
    `pseudo_labels`: key -> how far they are from true labels; `speed`: machine and rows, empty where nothing was
    timed.
    """

    config: Config
    profile: Profile
    results: ResultSet | None
    comparisons: Comparisons
    heads: tuple[HeadResult, ...]
    pseudo_labels: Mapping[str, Numbers] = field(default_factory=dict)
    speed: Numbers = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the data set is called."""
        return self.results.data_set.title if self.results else self.config.dataset

    @property
    def origin(self) -> Origin:
        """Where its pictures come from."""
        return self.results.data_set.origin if self.results else "real"

    @property
    def ran(self) -> list[HeadResult]:
        """The heads that have numbers."""
        return [head for head in self.heads if head.ran]

    @property
    def records(self) -> dict[str, Record]:
        """The contestants: heads, then students, then controls."""
        names = sorted(self.config.contestants, key=lambda name: KINDS.index(self.kind(name)))
        return {name: self._record(name) for name in names}

    @property
    def scored(self) -> dict[str, Record]:
        """Those of them that have numbers."""
        return {name: record for name, record in self.records.items() if record.ran}

    @property
    def families(self) -> list[Family]:
        """The declared comparisons of these contestants alone, on this data set."""
        families = self.comparisons.among(self.config.contestants)
        pairs = {
            family.name: tuple(p for p in family.pairs if p.dataset == self.config.dataset) for family in families
        }
        return [
            family.model_copy(update={"pairs": pairs[family.name]}) for family in families if pairs[family.name]
        ]

    @property
    def networks(self) -> dict[str, str]:
        """Contestant -> the run whose network it uses, of those that have one."""
        return {
            name: str(section["run"]) for name, section in self.profile.contestants.items() if section.get("run")
        }

    @property
    def timed(self) -> Mapping[str, Numbers]:
        """What was timed: name -> parameters, multiplications and times.

        A run's are those of this profile only if its input has the size that this profile gives it.
        """
        rows: Mapping[str, Numbers] = self.speed.get("rows", {})

        def is_current(name: str) -> bool:
            size = rows.get(name, {}).get("input")
            fits = size is not None and size == self.profile.runs.get(name, {}).get("input_size")
            return name.endswith(HEADED) or fits

        return {name: row for name, row in rows.items() if is_current(base(name))}

    @property
    def pngs(self) -> list[str]:
        """The crop sets of 8-bit pictures that heads among the contestants have learned from."""
        runs = {self.networks.get(name) for name in self.config.contestants}
        used = [head.numbers.get("crops") for head in self.ran if head.run in runs]
        sources = {
            key: (section.get("changes") or {}).get("source") for key, section in self.profile.crops.items()
        }
        return [key for key, source in sources.items() if source in PICTURES and key in used]

    @property
    def unplanned(self) -> dict[str, Record]:
        """The contestants without numbers that use a head which this profile does not train."""
        planned = {"", *self.profile.runs, *(head.run for head in self.heads)}
        return {
            name: record
            for name, record in self.records.items()
            if not record.ran and self.networks.get(name, "") not in planned
        }

    def row(self, contestant: str) -> str:
        """Return what a contestant's network is called in the timings."""
        return self.config.networks.get(contestant, self.networks.get(contestant, contestant))

    def kind(self, contestant: str) -> str:
        """Return what a contestant is, one of `KINDS`: one that learned from no pseudo-labels is a head."""
        if contestant not in self.config.students:
            return "head"
        return "control" if self._pseudo_labels_of(contestant).get("source") == "true" else "student"

    def head(self, contestant: str) -> str:
        """Return the contestant whose predictions a student learned, nothing for a head or a control."""
        return (
            str(self._pseudo_labels_of(contestant).get("head", "")) if self.kind(contestant) == "student" else ""
        )

    def of(self, *kinds: str) -> list[str]:
        """Return the contestants of some kinds, whether they ran or not."""
        return [name for name in self.records if self.kind(name) in kinds]

    def _pseudo_labels_of(self, contestant: str) -> Numbers:
        return self.pseudo_labels.get(self.config.students.get(contestant, ""), {})

    def _record(self, name: str) -> Record:
        dataset = self.config.dataset
        if self.results is None:
            absent = {"dataset": dataset, "kind": "", "tier": "measured", "trained_on": "nothing"}
            reason = f"{dataset} is not in this profile"
            return Record.model_validate(absent | {"contestant": name, "status": "skipped", "reason": reason})
        if record := self.results.of(name):
            return record
        raise DataError(f"{dataset} has no record of {name}", "run `dvc repro`")


def read(config: Config, profile: Profile, paths: ReportPaths) -> FewshotData:
    """Read what was measured; in a profile without the data set no contestant ran on it.

    Raises DataError for results of named heads or contestants that are missing, or broken.
    """
    return FewshotData(
        config=config,
        profile=profile,
        results=open_named(paths.results, [config.dataset]).get(config.dataset),
        comparisons=open_comparisons(paths.comparisons),
        heads=tuple(_head(key, paths) for key in profile.heads),
        pseudo_labels={
            key: open_json(paths.pseudo_labels / f"{key}.json") for key in dict.fromkeys(config.students.values())
        },
        speed=files.read_json(paths.speed) if paths.speed.is_file() else {},
    )


def base(row: str) -> str:
    """Return the row of a network at its own input, of one at another size."""
    return row.partition("@")[0]


def _head(key: str, paths: ReportPaths) -> HeadResult:
    numbers = open_json(paths.scores / f"{key}.json")
    head = HeadResult(key, numbers)
    return HeadResult(key, numbers, _trainings(existing(paths.curves / f"{key}.csv"))) if head.ran else head


def _trainings(path: Path) -> tuple[tuple[int, int, float], ...]:
    """Return labels, seed and error of each training; where nothing was found there is no error and no row."""
    columns = [long_table.read(path, CURVE)[name].tolist() for name in CURVE]
    return tuple(training for training in zip(*columns, strict=True) if not isnan(training[-1]))
