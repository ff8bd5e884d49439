"""SpeakingFaces: what data sets that were cut from its recordings share, its file names and its 142 people.

A name is `subject_trial_session_position_..._stream`, numbers all: with `frame` in session 1 (silent), `command`
and `frame` in session 2 (speaking). The first four fields and the sessions are as IS2AI's code and README have
them; that stream 1 is thermal and 3 the visible picture aligned to it is inferred from names in public code.
"""

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core import images
from thermark.datasets.readers.loaded import Findings

NAME = re.compile(r"(\d{1,3})_(\d+)_(\d+)_(\d+)(?:_\d+){1,2}_(\d+)")
VISIBLE = "3"
SESSIONS = {"1": "silent", "2": "speaking"}
FIRST_VAL, FIRST_TEST = 101, 121  # of the corpus's own lists, in which subjects go by number
PARTS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
MODERATE_TO_STRICT = ("val", "test")


def subject(stem: str) -> int | None:
    """Return the subject of a picture, or None when its name is not one of SpeakingFaces."""
    match = NAME.fullmatch(stem)
    return int(match[1]) if match else None


def position(stem: str) -> str:
    """Return which of nine camera positions a picture was taken from, or nothing."""
    match = NAME.fullmatch(stem)
    return match[4] if match else ""


def session(stem: str) -> str:
    """Return whether somebody was `silent` or `speaking`, or nothing."""
    match = NAME.fullmatch(stem)
    return SESSIONS.get(match[3], "") if match else ""


def visible(stem: str) -> str:
    """Return the name of the visible picture that is aligned to a thermal one."""
    return f"{stem.rsplit('_', 1)[0]}_{VISIBLE}"


def corpus_split(number: int) -> str:
    """Return the split of a subject in the corpus's own lists."""
    return "train" if number < FIRST_VAL else "val" if number < FIRST_TEST else "test"


def part(folders: tuple[str, ...]) -> str:
    """Return the split that the innermost fitting folder names, or nothing."""
    return next((PARTS[name.lower()] for name in reversed(folders) if name.lower() in PARTS), "")


def held_out(groups: NDArray[np.str_], parts: NDArray[np.str_], findings: Findings) -> NDArray[np.str_]:
    """Return the split (N,) of each row: its part, unless its group has rows in a stricter one (val, then test).

    Groups that had to be moved as a whole are noted.
    """
    chosen = parts.astype("<U5")
    for strict in MODERATE_TO_STRICT:
        chosen[np.isin(groups, groups[parts == strict])] = strict
    findings.add("group_in_two_parts", *sorted(set(map(str, groups[chosen != parts]))))
    return chosen


def grey(path: Path) -> NDArray[np.uint8]:
    """Return the grey levels (H, W) uint8 of a picture; of one in a palette such as iron, its luma.

    Luma (ITU-R BT.601) is how the publishers turn the iron palette grey. Raises DataError when unreadable.
    """
    return cv2.cvtColor(images.rgb(path), cv2.COLOR_RGB2GRAY).astype(np.uint8)
