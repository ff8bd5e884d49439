"""Numbers and names as people and programs write them into text files."""

import re

import numpy as np

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)


def parse(text: str) -> float:
    """Return the number; raises ValueError for anything else, such as `1_5`, which `float` reads as 15."""
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no number")
    return float(text)


def number(text: str) -> float:
    """Return the number in a cell, NaN for anything else and for what is not finite."""
    try:
        value = parse(text.strip())
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def plain(name: str) -> str:
    """Return a name as it is compared: lower case, letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
