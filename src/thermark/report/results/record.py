"""What is known of one contestant on one data set, in a schema that has a number.

Every table, the page, the gate and the exports read records and the per-face errors beside them, nothing else.
Readers accept every schema that was ever written: `open_set` brings an older one up to date.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from thermark.core import files
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.origin import Origin
from thermark.datasets.readers.card import Labels
from thermark.report.stage_files import existing

SCHEMA = 1
# `reproduced`: measured here on real data, and every comparable published number of it agrees.
Tier = Literal["published", "reproduced", "measured", "rendered data only"]
TrainedOn = Literal["RGB", "thermal", "this set's train split", "nothing"]
Status = Literal["ok", "skipped", "failed"]
# From an older schema to the next one.
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


class Bounded(Section):
    """A metric's value, in the unit that `metrics.registry.describe` gives; the mean over seeds if there are any.

    `low` and `high` bound its 95 % interval over subjects (and seeds, where there are several); `seed_std` is the
    standard deviation over seeds. `faces`: of how many it is made. An absent `value`: undefined.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    seed_std: float | None = None
    faces: int


class Estimate(Bounded):
    """A metric on all faces, or on those that were found, of so many `subjects`."""

    subjects: int


class PartResult(Bounded):
    """The main metric on a part of the faces or landmarks; `missed` of them have no answer."""

    missed: int


class Floor(Section):
    """How far a contestant's points scatter when the picture moves by a pixel or two.

    `px` source pixels, `value` in the unit of the main metric, neither where no face was found in all `views`;
    `faces` it was measured on, `lost` in some view, `flickering` those of them that are found in another.
    """

    px: float | None
    value: float | None
    faces: int
    lost: int
    flickering: int
    views: int


class Protocol(Section):
    """How a data set is scored; two records compare only under the same one.

    `vocabulary` of landmarks; `split` of the faces; `bridges` between vocabularies; `cap` of a match, as a part of
    the face; `main`, the metric that ranks; `miss`, what a missed face counts in `<main>_all`; `labels`, the
    fingerprint of the labelled faces; `boxes`, the kind of the prompts.
    """

    vocabulary: str
    split: Literal["test", "all"]
    bridges: dict[str, str]
    cap: float
    main: str
    miss: float
    labels: str
    boxes: str

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that are equal for equal protocols only."""
        return sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()[:12]


class DataSet(Section):
    """What a data set is: its title, where its pictures and labels come from, its terms.

    `face`: the mean place of each landmark (x, y) in a box of width 1, None where none is labelled; `links`: none
    where there is nothing to draw. `vocabularies`: those of its labels.
    """

    name: str
    title: str
    origin: Origin
    labels: Labels
    modality: Literal["thermal", "rgb"]
    licence: str
    citation: str
    notes: str
    faces: int
    subjects: int
    face: tuple[tuple[float, float] | None, ...] = ()
    vocabularies: tuple[str, ...] = ()


class Record(Section):
    """One contestant on one data set.

    `kind`: the recipe or family; `run`: the one that trained its network here, if any; `metrics` by name,
    `found` and `<main>_all` among them; `parts`: stratum -> value -> main metric; `landmarks`: the main metric
    of each point; `per_seed`: the main metric of each seed; `predictions` and `errors`: sha256 of the files;
    `exact`: what no chance moves, `parameters` and `macs`.
    One that did not run has a `status`, a `reason` and no numbers.
    """

    dataset: str
    contestant: str
    kind: str
    run: str = ""
    status: Status
    reason: str = ""
    tier: Tier
    trained_on: TrainedOn
    trained_sets: tuple[str, ...] = ()
    boxes: str = ""
    seeds: int = 0
    points: int = 0
    faces: int = 0
    subjects: int = 0
    missed: int = 0
    metrics: dict[str, Estimate] = Field(default_factory=dict)
    per_seed: tuple[float | None, ...] = ()
    parts: dict[str, dict[str, PartResult]] = Field(default_factory=dict)
    landmarks: tuple[float | None, ...] = ()
    floor: Floor | None = None
    exact: dict[str, int | float] = Field(default_factory=dict)
    predictions: tuple[str, ...] = ()
    errors: str = ""

    @property
    def ran(self) -> bool:
        """Whether there are numbers."""
        return self.status == "ok"

    @property
    def why(self) -> str:
        """Why there are none: skipped or failed, and the reason."""
        return f"{self.status}: {self.reason}"


class Provenance(Section):
    """What made the records: hashes of the code behind predictions and scores, and versions of packages.

    `commit` and `lock` (sha256 of dvc.lock) cannot stand in a file of that commit: they are empty there, and
    exports write them.
    """

    code: dict[str, str]
    environment: dict[str, str]
    arithmetic: str
    commit: str = ""
    lock: str = ""


class ResultSet(Section):
    """All records of one data set, and what they have in common."""

    data_set: DataSet
    protocol: Protocol
    made: Provenance
    records: tuple[Record, ...]

    def of(self, contestant: str) -> Record | None:
        """Return a contestant's record, None where it is not listed."""
        return next((record for record in self.records if record.contestant == contestant), None)


def write_set(path: Path, results: ResultSet) -> None:
    """Write as JSON, a line a record, so that a change of one contestant is a change of one line."""
    plain = files.rounded(results.model_dump(mode="json", exclude_defaults=True))
    records = ",\n".join(f"  {_line(record)}" for record in plain.pop("records", []))
    head = "".join(f'"{name}": {_line(value)},\n' for name, value in ({"schema": SCHEMA} | plain).items())
    files.write_text(path, f'{{\n{head}"records": [\n{records}\n]\n}}\n')


def _line(content: Any) -> str:
    return json.dumps(content, sort_keys=True, allow_nan=False)


def read_set(text: str, where: str) -> ResultSet:
    """Return the records of a JSON text of any schema that was ever written.

    Raises DataError that names `where` for anything else, a newer schema among it.
    """
    try:
        raw = json.loads(text)
        schema = raw.pop("schema")
        while schema < SCHEMA:
            raw, schema = UPGRADES[schema](raw), schema + 1
        if schema > SCHEMA:
            raise DataError(f"{where} has schema {schema}, this version reads {SCHEMA}", "use a newer Thermark")
        results = ResultSet.model_validate_json(json.dumps(raw))
        listed = Counter(record.contestant for record in results.records)
        if twice := [name for name, count in listed.items() if count > 1]:
            raise ValueError(f"{twice[0]} is listed twice")
        return results
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{where} holds no results: {cause}", "run `dvc repro`") from error


def open_set(path: Path) -> ResultSet:
    """Return the records of a file; raises DataError where it is absent or holds none."""
    return read_set(existing(path).read_text(encoding="utf-8"), str(path))


def open_named(folder: Path, names: Iterable[str]) -> dict[str, ResultSet]:
    """Return data set -> results of those of the named sets that are here; raises DataError without a folder."""
    if not folder.is_dir():
        raise DataError(f"{folder} is missing", "run `dvc repro`")
    return {name: open_set(folder / f"{name}.json") for name in names if (folder / f"{name}.json").is_file()}


def open_all(folder: Path) -> dict[str, ResultSet]:
    """Return data set -> results of all files of a folder; raises DataError where there is none."""
    sets = {path.stem: open_set(path) for path in sorted(folder.glob("*.json"))}
    if not sets:
        raise DataError(f"{folder} holds no results", "run `dvc repro`")
    return sets
