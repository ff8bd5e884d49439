"""What a post shows, as BibTeX: data sets and methods, and Thermark itself. The entries are in references.yaml."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import yaml

from thermark.core.config import Section, parse
from thermark.report.blog import template
from thermark.report.results.record import ResultSet

TABLE = Path(__file__).with_name("references.yaml")
BIBTEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#"}


class Reference(Section):
    """An entry, and what of a post it belongs to: `titles`, `kinds` or first letters of `names`; see the table."""

    type: str
    titles: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    source: str
    fields: dict[str, str | int]


def known() -> dict[str, Reference]:
    """Return all entries by their keys, in the order of the table."""
    raw = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return {key: parse(entry, Reference, f"references.{key}") for key, entry in raw.items()}


def cited(sets: Mapping[str, ResultSet], commit: str) -> dict[str, Reference]:
    """Return the entries of the data sets and of those contestants that have numbers, and Thermark's own first."""
    titles = [results.data_set.title for results in sets.values()]
    ran = [record for results in sets.values() for record in results.records if record.ran]
    kinds, names = {record.kind for record in ran}, {record.contestant for record in ran}
    project = {"thermark": thermark(commit)}
    return project | {
        key: entry
        for key, entry in known().items()
        if any(_named(part, title) for part in entry.titles for title in titles)
        or kinds & set(entry.kinds)
        or any(name.startswith(start) for start in entry.names for name in names)
    }


def thermark(commit: str) -> Reference:
    """Return the entry of this project, of the version and commit that made the numbers."""
    fields: dict[str, str | int] = {
        "author": "{Thermark contributors}",
        "title": "Thermark: A Reproducible Benchmark of Facial Landmarks and Nostrils on Thermal Images",
        "version": version("thermark"),
    }
    return Reference(
        type="misc", source="this project", fields=fields | ({"note": f"commit {commit}"} if commit else {})
    )


def bibtex(entries: Mapping[str, Reference]) -> str:
    """Return the entries as a .bib file in UTF-8; titles keep their capitals."""
    return "\n".join(_entry(key, entry) for key, entry in entries.items())


def listed(entries: Mapping[str, Reference]) -> template.Markdown:
    """Return the entries as a list for readers."""
    return template.Markdown("\n".join(f"- {_line(entry)}" for entry in entries.values()))


def _named(name: str, title: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", title) is not None


def _entry(key: str, entry: Reference) -> str:
    lines = [f"  {name} = {{{_value(name, str(value))}}}," for name, value in entry.fields.items()]
    return "\n".join([f"@{entry.type}{{{key},", *lines, "}", ""])


def _value(name: str, text: str) -> str:
    escaped = "".join(BIBTEX.get(character, character) for character in text)
    return f"{{{escaped}}}" if name == "title" else escaped


def _line(entry: Reference) -> str:
    fields = {name: template.escaped(str(value).strip("{}")) for name, value in entry.fields.items()}
    authors = fields["author"].replace(" and others", " et al.").replace(" and ", "; ")
    where = [fields[name] for name in ("journal", "booktitle", "howpublished") if name in fields]
    if "eprint" in fields:
        where.append(f"[arXiv {fields['eprint']}](https://arxiv.org/abs/{fields['eprint']})")
    if "version" in fields:
        where.append(f"version {fields['version']}")
    return ", ".join([f"{authors}: *{fields['title']}*", *where, *([fields["year"]] if "year" in fields else [])])
