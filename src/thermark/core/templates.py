"""Pages from Jinja templates, which lie beside the code that fills them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

BLOCKS = ("|", "#", ">", "- ")  # lines that begin so are not joined to the one before


def environment(
    filters: Mapping[str, Callable[..., Any]], kind: type[Environment] = Environment, **options: Any
) -> Environment:
    """Return an environment in which an undefined name is an error and a line of tags alone leaves no line.

    `options` are those of Jinja, such as `loader` and `autoescape`.
    """
    made = kind(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options)
    made.filters |= filters
    return made


def render(path: Path, filters: Mapping[str, Callable[..., Any]], **context: Any) -> str:
    """Return the template `path`, filled from `context`, as Markdown that ends in a line break.

    Paragraphs and items may be wrapped in the template; here each is one line. An undefined name is an error.
    """
    # Not HTML: what comes from files goes through the filter `escaped` or `code`.
    made = environment(filters, loader=FileSystemLoader(path.parent), autoescape=False)
    return flowed(made.get_template(path.name).render(context))


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
