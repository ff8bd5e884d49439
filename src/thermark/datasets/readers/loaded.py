"""What a loader hands over: tables, and what it found wrong on the way."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from thermark.core.annotations import Annotations
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.core.frames import Frames, Modality
from thermark.core.geometry import bounding_box
from thermark.core.radiometry import Tone
from thermark.datasets.readers.card import Boxes

Share = Annotated[float, Field(ge=0, le=1)]

SAMPLE = 200  # files of many that are looked at where all would take minutes
# For sets of one camera in one room: people before the same wall look nearly alike to a hash of the frame.
SAME_CAMERA = 1.0


class Source(Section):
    """Settings that every data set has.

    `loader`: the module of datasets/ that reads it; `raw`: the folder of the raw files under data/raw;
    `max_bad_fraction`: frames that may be unreadable, as a fraction of all, before preparing fails;
    `max_near_duplicates`: test frames that may nearly equal one of train or val, as a fraction of all test frames;
    `strict`: fail too when an image lacks its annotation, or an annotation its image, instead of going on without.
    `box`: the kind that prompts are made to be (boxes.py), by default that of the data card.
    """

    loader: str = ""
    raw: str
    max_bad_fraction: Share = 0.01
    max_near_duplicates: Share = 0.01
    strict: bool = False
    box: Boxes | None = None


class OneCamera(Source):
    """Settings of a thermal set of one camera in one place: how its temperatures become grey, too."""

    tone: Tone = Tone()
    max_near_duplicates: Share = SAME_CAMERA


Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Check:
    """One question to which a data set on arrival has a known answer.

    `expected` and `found` are texts; `failed` stops the preparation, `warning` does not; `remedy` is
    what to do unless all is well.
    """

    name: str
    expected: str
    found: str
    verdict: Verdict
    remedy: str = ""


def warn_unless(fits: bool, name: str, expected: str, found: str, remedy: str) -> Check:
    """Return a check that is passed where what was found `fits`, and a warning with its remedy where not."""
    return Check(name, expected, found, "ok") if fits else Check(name, expected, found, "warning", remedy)


@dataclass(frozen=True)
class Findings:
    """What a loader saw: `lists`, kind -> names of all files or rows concerned; `facts`, plain measured values.

    `checks`: what was compared with what is known of the data set, in the order in which it was.
    """

    lists: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    def add(self, kind: str, *names: str) -> None:
        """Note files or rows under `kind`."""
        if names:
            self.lists.setdefault(kind, []).extend(names)

    def check(self, *checks: Check) -> None:
        """Note the outcome of checks."""
        self.checks.extend(checks)

    def summary(self, examples: int = 20) -> dict[str, Any]:
        """Return counts with at most `examples` names a kind, sorted, the facts and the checks."""
        kinds = {
            kind: {"count": len(names), "examples": sorted(names)[:examples]}
            for kind, names in sorted(self.lists.items())
            if names
        }
        return {"found": kinds, "facts": self.facts, "checks": [asdict(check) for check in self.checks]}


@dataclass(frozen=True)
class Loaded:
    """A data set as tables; `frames.sizes` are still zero, every `faces.frames` is in `frames.ids`.

    `annotated`: what else its files hold, where a published protocol counts more than faces.
    """

    frames: Frames
    faces: Faces
    findings: Findings
    annotated: Annotations | None = None


def strings(values: Iterable[Any]) -> np.ndarray:
    """Return values as a 1-D array of str; empty input gives an empty str array."""
    return np.array([str(value) for value in values], dtype=np.str_).reshape(-1)


def build_frames(ids: np.ndarray, subjects: np.ndarray, paths: Iterable[Any], modality: Modality) -> Frames:
    """Return frames whose sizes are not read yet; `paths` are relative to the raw root."""
    return Frames(ids, subjects, strings(paths), np.zeros((len(ids), 2), np.int32), modality)


def build_faces(
    ids: np.ndarray,
    subjects: np.ndarray,
    splits: np.ndarray,
    vocabulary: str | np.ndarray,
    xy: np.ndarray,
    *,
    frames: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
    prompts: np.ndarray | None = None,
    visible: np.ndarray | None = None,
    strata: dict[str, np.ndarray] | None = None,
) -> Faces:
    """Return faces from points `xy` (N, K, 2) float32; what is not given is what most data sets have.

    That is: one face a frame, with its id; the tight boxes of the points; prompts that are the boxes; every
    labelled point visible.
    """
    if boxes is None:
        # 200,000 faces of 478 points are 0.8 GB, of which there should be no copies.
        boxes = np.concatenate([bounding_box(part) for part in np.array_split(xy, len(xy) // 1000 + 1)])
    return Faces(
        ids=ids,
        frames=ids if frames is None else frames,
        subjects=subjects,
        splits=splits,
        vocabularies=np.full(len(ids), vocabulary) if isinstance(vocabulary, str) else vocabulary,
        boxes=boxes,
        prompts=boxes if prompts is None else prompts,
        xy=xy,
        visible=~np.isnan(xy[..., 0]) if visible is None else visible,
        strata=strata or {},
    )


@dataclass(frozen=True)
class Row:
    """One labelled face: `xy` (K, 2) float32 and `box`, `prompt` (4,) in source px; `picture`, a relative path.

    `part`: what its split is chosen by. `box` and `prompt` are None where those of `build_faces` are meant.
    """

    name: str
    frame: str
    subject: str
    picture: PurePosixPath
    xy: np.ndarray
    part: str = ""
    box: np.ndarray | None = None
    prompt: np.ndarray | None = None
    visible: np.ndarray | None = None
    strata: dict[str, str] = field(default_factory=dict)


def column(rows: Sequence[Row], name: str) -> np.ndarray:
    """Return a text of each row (N,)."""
    return strings(getattr(row, name) for row in rows)


def faces_of(rows: Sequence[Row], splits: np.ndarray, vocabulary: str, **strata: np.ndarray) -> Faces:
    """Return rows, at least one, as faces in these splits (N,); further `strata` are columns (N,)."""
    arrays = {
        argument: np.stack([getattr(row, name) for row in rows])
        for argument, name in (("boxes", "box"), ("prompts", "prompt"), ("visible", "visible"))
        if getattr(rows[0], name) is not None
    }
    names, frames, subjects = (column(rows, name) for name in ("name", "frame", "subject"))
    strata |= {name: strings(row.strata[name] for row in rows) for name in rows[0].strata}
    xy = np.stack([row.xy for row in rows])
    return build_faces(names, subjects, splits, vocabulary, xy, frames=frames, strata=strata, **arrays)


def frames_of(rows: Sequence[Row], modality: Modality) -> Frames:
    """Return the pictures of rows, each once, in the order of their first faces."""
    kept = [*{row.frame: row for row in rows}.values()]
    paths = (row.picture.as_posix() for row in kept)
    return build_frames(column(kept, "frame"), column(kept, "subject"), paths, modality)


def spread(files: Sequence[str]) -> list[str]:
    """Return `SAMPLE` of the files, evenly spread, or all where there are fewer."""
    places = np.linspace(0, len(files) - 1, min(SAMPLE, len(files))).round().astype(int)
    return [files[place] for place in np.unique(places)]


def require_any(count: int, what: str, root: str, findings: Findings | None = None) -> None:
    """Raise DataError when nothing was found, with what was found wrong most often: that is why."""
    if count:
        return
    why = ""
    if findings is not None and (wrong := {kind: names for kind, names in findings.lists.items() if names}):
        kind, names = max(wrong.items(), key=lambda item: len(item[1]))
        why = f": {len(names)} x {kind.replace('_', ' ')}, first: {names[0]}"
    raise DataError(f"no {what} under {root}{why}", "check the raw folder and its layout (docs/data.md)")


def require_complete(findings: Findings, root: str) -> None:
    """Raise DataError when an image or an annotation is missing."""
    for kind in ("missing_image", "missing_annotation"):
        names = sorted(findings.lists.get(kind, []))
        if names:
            raise DataError(
                f"{root} has {len(names)} x {kind.replace('_', ' ')}, first: {names[0]}",
                "complete the data, or set strict to false",
            )
