"""The section `speed` of params.yaml."""

from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from thermark.core.config import Section


class Contestants(Section):
    """How whole contestants are timed, one picture at a time.

    `dataset`: whose frames they are shown, evenly spaced over those that are scored, at most so many `pictures`;
    a contestant for other sets (`only`) is shown the first of these. None has more than `seconds`, but each
    predicts at least one picture a turn. `threads`: of all engines. onnxruntime has one thread in the portable
    arithmetic and LiteRT always has, so one is the default for all.
    """

    dataset: str
    pictures: PositiveInt = 20
    turns: PositiveInt = 4
    seconds: PositiveFloat = 60.0
    threads: PositiveInt = 1


class Config(Section):
    """`students`: runs whose networks are measured; `points` of the heads; `threads` of the CPU; timed `repeats`.

    Students are also measured at the size that the large network sees. `stages`: those of RTMPose-s below its
    head, as `backbones.<teacher>.stages` has them; what comes after them is left away. `contestants`: how these
    are timed from picture to points; none are where it is left out, as in profiles without frames.
    """

    students: tuple[str, ...]
    stages: tuple[Literal[1, 2, 3, 4], ...] = (3,)
    points: PositiveInt = 1
    threads: PositiveInt = 2
    repeats: PositiveInt = 20
    contestants: Contestants | None = None
