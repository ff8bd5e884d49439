"""The section `speed` of params.yaml."""

from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from thermark.core.config import Section


class Contestants(Section):
    """How whole contestants are timed, one picture at a time.

    `dataset`: whose frames they are shown, evenly spaced over those that are scored, at most so many `pictures`;
    whoever is only for other sets (`only`) sees the first of these. Nobody is given more than `seconds`, but
    everybody answers a picture a turn. `threads`: of everything that computes. In the portable arithmetic
    onnxruntime has one, and LiteRT always: so has everybody else.
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
    are timed from picture to points, nobody where it is left out, as in profiles without frames.
    """

    students: tuple[str, ...]
    stages: tuple[Literal[1, 2, 3, 4], ...] = (3,)
    points: PositiveInt = 1
    threads: PositiveInt = 2
    repeats: PositiveInt = 20
    contestants: Contestants | None = None
