"""Train, val and test: by hash or by list, with no person in two of them."""

from collections.abc import Iterable
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from thermark.core import seeds
from thermark.core.config import Section, nearest
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces

Strings = NDArray[np.str_]
NAMES = ("train", "val", "test")


class Fractions(Section):
    """Shares of val and test, by the hash of a key under `seed`; the rest, which is not nothing, is train."""

    val: float = Field(default=0.05, ge=0)
    test: float = Field(default=0.05, ge=0)
    seed: int = 0

    @model_validator(mode="after")
    def _leave_some_for_train(self) -> Self:
        if self.val + self.test >= 1:
            raise ValueError("val and test together must be below 1")
        return self

    def expected(self) -> list[str]:
        """Return the splits that must not be empty."""
        shares = {"train": 1 - self.val - self.test, "val": self.val, "test": self.test}
        return [name for name in NAMES if shares[name] > 0]


def by_hash(keys: Strings, fractions: Fractions) -> Strings:
    """Return the split (N,) of each key; a key keeps its split whatever else is in the data set."""
    unique, inverse = np.unique(keys, return_inverse=True)
    places = np.array([seeds.integer("split", fractions.seed, str(key)) / 2**64 for key in unique])
    names = np.where(
        places < fractions.test, "test", np.where(places < fractions.test + fractions.val, "val", "train")
    )
    return names[inverse]


def by_list(
    groups: Strings, val: Iterable[str], named: Iterable[str], others: Literal["train", "test"] = "train"
) -> Strings:
    """Return the split (N,) of each group: val, that of those `named`, and that of all `others`.

    Of train and test, the one that is not the others' is that of the named. Raises ConfigError for a listed group
    that does not exist, or is in both lists.
    """
    val, named = list(val), list(named)
    named_split = "test" if others == "train" else "train"
    present = sorted(set(map(str, groups)))
    for name in (*val, *named):
        if name not in present:
            raise ConfigError(f"no {name!r} in the data, though a split lists it", nearest(name, present))
    both = sorted(set(val) & set(named))
    if both:
        raise ConfigError(f"{both[0]!r} is listed for val and for {named_split}", "take it out of one list")
    return np.where(np.isin(groups, named), named_split, np.where(np.isin(groups, val), "val", others))


def require(splits: Strings, expected: Iterable[str]) -> None:
    """Raise DataError unless each of the `expected` splits has a face."""
    names, counts = np.unique(splits, return_counts=True)
    for name in expected:
        if name not in names:
            held = ", ".join(f"{count} in {split}" for split, count in zip(names, counts, strict=True))
            raise DataError(
                f"no face is left in the {name} split ({held or 'none at all'})",
                "change what the data set's section says of splits (`split`, or lists such as `train` and `val`), "
                "or what it leaves out",
            )


def check(faces: Faces, digests: dict[str, str]) -> None:
    """Raise DataError for a repeated id, a subject in two splits, or a file whose content is in two.

    `digests` maps each frame id to the hash of its file.
    """
    ids, counts = np.unique(faces.ids, return_counts=True)
    if (counts > 1).any():
        raise DataError(f"face id {ids[counts > 1][0]} occurs twice", "make the ids of the loader unique")
    _one_split(faces.subjects, faces.splits, "subject")
    contents = np.array([digests[str(frame)] for frame in faces.frames])
    names = _two_split_groups(contents, faces.splits)
    if names:
        frames = sorted(set(map(str, faces.frames[contents == names[0]])))
        raise DataError(
            f"the same image is in two splits, as {' and '.join(frames[:2])}",
            "remove one of the files, or put both into one split",
        )


def _one_split(groups: Strings, splits: Strings, what: str) -> None:
    names = _two_split_groups(groups, splits)
    if names:
        raise DataError(f"{what} {names[0]} is in two splits", "split by subject, not by frame")


def _two_split_groups(groups: Strings, splits: Strings) -> list[str]:
    """Return the groups, sorted, that have faces in more than one split."""
    pairs = np.unique(np.stack([groups, splits]), axis=1)[0]
    names, counts = np.unique(pairs, return_counts=True)
    return [str(name) for name in names[counts > 1]]
