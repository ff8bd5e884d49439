"""Sphinx: the pages as a site, offline, in which a broken link is an error."""

import re
from pathlib import Path

project = "Thermark"
author = "The authors of Thermark"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Thermark"
root_doc = "index"
exclude_patterns = ["requirements.txt"]
myst_heading_anchors = 3
html_show_sourcelink = False
html_copy_source = False
ROOT = Path(__file__).parents[1]


def contents(app, name, source):
    """Append a table of contents to index.md, made of its own lists of links: plain Markdown has no such thing."""
    if name != "index":
        return
    trees = []
    for part in source[0].split("\n## ")[1:]:
        pages = re.findall(r"^- \[[^\]]+\]\(([^)#]+)\.md\)", part, re.M)
        pages += ["reference/python"] if "reference/cli" in pages else []
        caption = part.splitlines()[0]
        trees.append("\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"]))
    source[0] += "\n\n" + "\n\n".join(trees) + "\n"


def elsewhere(app, name, source):
    """Turn links to files of the repository that are no pages into code: the site does not have them."""
    here = (ROOT / "docs" / name).parent

    def plain(link):
        target = (here / link[2].split("#")[0]).resolve()
        inside = target.is_relative_to(ROOT / "docs")
        return link[0] if inside or not target.exists() else f"`{target.relative_to(ROOT)}`"

    source[0] = re.sub(r"(?<!!)\[([^\]]+)\]\((\.\.?/[^)]+)\)", plain, source[0])


def setup(app):
    """Hook in before a page is parsed."""
    app.connect("source-read", contents)
    app.connect("source-read", elsewhere)
