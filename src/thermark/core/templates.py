"""Pages of Markdown from Jinja templates that lie beside the code which fills them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

BLOCKS = ("|", "#", ">", "- ")  # lines that begin so are not joined to the one before


def render(path: Path, filters: Mapping[str, Callable[..., Any]], **context: Any) -> str:
    """Return the template `path`, filled from `context`, as Markdown that ends in a line break.

    Paragraphs and items may be wrapped in the template; here each is one line. An undefined name is an error.
    """
    environment = Environment(
        loader=FileSystemLoader(path.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # not HTML: what comes from files goes through the filter `escaped` or `code`
    )
    environment.filters.update(filters)
    return flowed(environment.get_template(path.name).render(context))


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
