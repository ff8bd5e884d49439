"""Parts, lines and cells of pages of Markdown."""

import re


def part(text: str, title: str) -> str:
    """Return what stands below a heading, up to the next of its level or above; `**` is below all of them."""
    lines = text[text.index(title) :].splitlines()
    level = title.split()[0] if title[0] == "#" else "#" * 9
    for at, each in enumerate(lines[1:], 1):
        if (each.startswith("#") and each.split()[0] <= level) or (title[0] == "*" and each.startswith("**")):
            return "\n".join(lines[:at])
    return "\n".join(lines)


def line(text: str, start: str) -> str:
    """Return the first line that begins so."""
    return next(each for each in text.splitlines() if each.startswith(start))


def rows(text: str) -> list[list[str]]:
    """Return the cells of all lines of tables."""
    lines = [each for each in text.splitlines() if each.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", each)[1:-1]] for each in lines]
