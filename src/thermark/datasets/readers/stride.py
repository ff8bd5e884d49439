"""Pictures of a recording follow each other closely: which of them are read."""

from collections.abc import Sequence

Key = tuple[str, str]  # recording and name
Numbered = tuple[str, int, str]  # recording, number in it, name


def apart(pictures: Sequence[Numbered], stride: int) -> list[Key]:
    """Return of each recording, in order, the first picture, then each `stride` numbers behind the last."""
    kept: list[Numbered] = []
    for picture in sorted(pictures):
        if not kept or kept[-1][0] != picture[0] or picture[1] - kept[-1][1] >= stride:
            kept.append(picture)
    return [(recording, name) for recording, _, name in kept]
