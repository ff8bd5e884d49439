"""A number as people and programs write it into a text file, and nothing else that `float` would take."""

import re

PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)


def parse(text: str) -> float:
    """Return the number; raises ValueError for anything else, such as `1_5`, which `float` reads as 15."""
    if not PLAIN.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no number")
    return float(text)
