"""Heads by the crops that they see: errors of two sets, of other sizes or cameras, share no table and no axis."""

from collections.abc import Sequence

from thermark.finetune.inputs import PUBLISHED, Head
from thermark.report.markdown import code

FACTS = ("crops", "faces", "side", "geometry", "vocabulary")
GEOMETRIES = {"posts": "cut as the post cuts them", "square": "square about the prompt"}
POSTS = "posts"


def groups(heads: Sequence[Head]) -> list[list[Head]]:
    """Return the heads of each crop set, sets and heads in the order in which they come."""
    found: dict[tuple[str, ...], list[Head]] = {}
    for head in heads:
        found.setdefault(tuple(str(head.numbers.get(name)) for name in FACTS), []).append(head)
    return list(found.values())


def name(head: Head) -> str:
    """Return the name of its crop set as Markdown."""
    return code(str(head.numbers.get("crops", "–")))


def told(head: Head) -> str:
    """Return its crop set as a heading does: name, size and face set, geometry, vocabulary, as far as known."""
    side, faces, geometry, vocabulary = (head.numbers.get(each) for each in ("side", *FACTS[1:2], *FACTS[3:]))
    said = [f"{side} x {side} px" if side else "", f"of {code(faces)}" if faces else ""]
    parts = [" ".join(filter(None, said)), GEOMETRIES.get(str(geometry), "")]
    parts += [f"labels {code(vocabulary)}"] if vocabulary else []
    known = ", ".join(filter(None, parts))
    return f"{name(head)}: {known}" if known else name(head)


def of_the_post(head: Head) -> bool:
    """Return whether its crops and its split are those of part 2."""
    return bool(head.numbers.get("geometry") == POSTS)


def scope(head: Head, which: str, crops: float) -> str:
    """Return what a part of the test is called: only the post's own split is published."""
    if which != PUBLISHED:
        return "all"
    return "published" if of_the_post(head) else f"{crops:.0f} drawn by hash"
