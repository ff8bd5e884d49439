"""Pages of Markdown from Jinja templates that lie beside the code which fills them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

BLOCKS = ("|", "#", ">", "- ")  # what a line begins with that stays a line of its own


def render(path: Path, filters: Mapping[str, Callable[..., Any]], **told: Any) -> str:
    """Return the template `path`, filled with what is `told`, as Markdown that ends in a line break.

    Paragraphs and items may be wrapped in the template; here each is a line. A name that nobody told is an error.
    """
    made = Environment(
        loader=FileSystemLoader(path.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # not HTML: what comes from files goes through the filter `escaped` or `code`
    )
    made.filters.update(filters)
    return flowed(made.get_template(path.name).render(told))


def flowed(text: str) -> str:
    """Return Markdown with a line a paragraph, item, heading or row, and one empty line between blocks."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if not line.strip():
            blocks.append([])
        elif not blocks[-1] or line.startswith(BLOCKS):
            blocks[-1].append(line.rstrip() if line.startswith(BLOCKS[0]) else " ".join(line.split()))
        else:
            blocks[-1][-1] += " " + " ".join(line.split())
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
