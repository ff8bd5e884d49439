"""Markdown that no name, reason or file can break out of."""

import re
from collections.abc import Sequence

PLAIN = re.compile(r"[A-Za-z0-9_.@+~^/-]+( \([0-9a-f]+\))?")  # a name or a revision, maybe with its commit
SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&$])")


def escaped(text: str) -> str:
    """Return text on one line in which every character that Markdown or HTML could interpret stands for
    itself.
    """
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(name: str) -> str:
    """Return a plain name as code, and anything else as escaped text."""
    return f"`{name}`" if PLAIN.fullmatch(name) else escaped(name)


FILTERS = {"code": code, "escaped": escaped}  # of templates


def table(header: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """Return a table whose first `texts` columns are left-aligned and whose others are right-aligned."""
    rule = [":---" if place < texts else "---:" for place in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])
