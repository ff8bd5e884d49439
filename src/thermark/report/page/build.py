"""From records to what the template shows: one object, from which tables, cards and figures come."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import NonNegativeInt, PositiveInt

from thermark.core import files
from thermark.core.config import Section
from thermark.report.grouping import grouped
from thermark.report.notices import banner
from thermark.report.page import answers, board, gallery, packing, render, words
from thermark.report.page.figures import cost, distributions, face, learning, pairs
from thermark.report.page.figures.vega import DARK, Figure, PageTable, Spec
from thermark.report.page.page_data import PageData
from thermark.report.page.view import View, leading
from thermark.report.results.comparisons import Comparisons
from thermark.report.results.printed import ABSENT, absent, columns
from thermark.report.results.record import ResultSet

PAIRS = (
    "data set",
    "a",
    "b",
    "in",
    "a − b",
    "95 %",
    "p",
    "p, unadjusted",
    "detectable",
    "of",
    "verdict",
    "caveat",
)


class Config(Section):
    """How much the page shows.

    `named`: contestants drawn in colour; `worst`: faces in each gallery; `pictures`: whether they are shown where
    terms permit it.
    """

    named: PositiveInt = 8
    worst: NonNegativeInt = 8
    pictures: bool = True


def build(inputs: PageData, config: Config, out: Path) -> None:
    """Write the page as `out`/index.html."""
    files.write_text(out / "index.html", render.page(context(inputs, config)))


def context(inputs: PageData, config: Config) -> dict[str, Any]:
    """Return what the template shows, `data` among it: the one object that scripts read."""
    names = leading(list(inputs.sets.values()), config.named)
    views = [
        View(results, inputs.errors[name], names, inputs.comparisons, inputs.speeds)
        for name, results in inputs.sets.items()
    ]
    parts = [_part(view, inputs, config) for view in views]
    learned = [
        learning.budget(inputs.budget, _where(inputs, "budget")),
        learning.training(inputs.training, _where(inputs, "training")),
    ]
    drawn = [figure for part in parts for figure in part["figures"]] + learned
    return {
        "parts": parts,
        "families": families(inputs.comparisons, inputs.sets),
        "compared": bool(inputs.comparisons.matrices),
        "learned": learned,
        "not_run": PageTable("Not run, and why", ABSENT, absent(inputs.sets)),
        "published": inputs.published,
        "machine": _machine(inputs.machine),
        "timed": _timed(inputs),
        "boxes": answers.BOXES,
        "trained": answers.TRAINED,
        "notices": _notices(parts),
        "made": {view.name: view.results.made for view in views},
        "folder": inputs.folder,
        "data": _data(views, {figure.key: figure.spec for figure in drawn if figure.spec}),
    }


def families(comparisons: Comparisons, sets: Mapping[str, ResultSet]) -> list[tuple[str, str, PageTable]]:
    """Return name, question and table of each declared family."""
    tables = []
    for family in comparisons.families:
        cells = [columns(pair, sets.get(pair.dataset)) for pair in family.pairs]
        rows = [[texts[name] for name in PAIRS] for texts in cells]
        tables.append((family.name, family.question, PageTable(f"{family.name}: adjusted together", PAIRS, rows)))
    return tables


def _notices(parts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what numbers must not be taken for: which data sets (empty: all of them), and the sentence."""
    titles = grouped((part["notice"], part["title"]) for part in parts if part["notice"])
    return [
        ("" if len(named) == len(parts) else words.listed(named, len(named)), notice)
        for notice, named in titles.items()
    ]


def _data(views: list[View], specs: Mapping[str, Spec]) -> dict[str, Any]:
    """Return what scripts read: figures, answers of all cases, and cards of all cells."""
    cards = {
        f"{view.name}/{record.contestant}": board.card(view, record)
        for view in views
        for record in view.results.records
    }
    labels = packing.numbered(cards.values(), "metrics")
    return {
        "figures": {key: packing.packed(spec) for key, spec in specs.items()},
        "dark": DARK,
        "cards": cards,
        "labels": labels,
        "common": {view.name: board.common(view) for view in views},
        "answers": {view.name: answers.answers(view) for view in views},
    }


def _part(view: View, inputs: PageData, config: Config) -> dict[str, Any]:
    """Return all that is shown of one data set."""
    data_set = view.results.data_set
    worst = gallery.worst(view, config.worst)
    shown = gallery.pictures(data_set, worst, inputs.faces) if config.pictures else {}
    why = "the terms of real data do not permit them here."
    if gallery.permitted(data_set):
        why = "no prepared faces were given."
    return {
        "results": view.results,
        "title": view.title,
        "origin": words.origin(data_set),
        "notice": banner(data_set),
        "answer": answers.answer(view, "any", "any"),
        "head": board.head(view),
        "drawn": f"0{words.DASH}{view.scale * board.top(view):.3g} {view.unit}",
        "rows": board.rows(view),
        "figures": list(_figures(view)),
        "faces": [replace(face, picture=shown.get(face.face, "")) for face in worst],
        "names": [answer.contestant for answer in worst[0].answers] if worst else [],
        "why_no_pictures": "" if shown else f"No pictures: {why}",
    }


def _figures(view: View) -> Iterator[Figure]:
    """Yield each figure of a data set, or why there is none."""
    if (declared := pairs.families(view)) is not None:
        yield declared
    yield distributions.ced(view)
    yield pairs.matrix(view)
    yield face.landmarks(view)
    for stratum in distributions.strata(view.results):
        yield distributions.parts(view, stratum)
    yield distributions.subjects(view)
    yield cost.pareto(view, "milliseconds")
    yield cost.pareto(view, "parameters")


def _where(inputs: PageData, curve: str) -> str:
    """Return on which data a curve was learned, rendered data among it called so."""
    named = [inputs.sets[name] for name in inputs.sources.get(curve, ()) if name in inputs.sets]
    shown = named or list(inputs.sets.values())
    return words.listed(list(dict.fromkeys(words.titled(results.data_set) for results in shown)))


def _machine(machine: Mapping[str, Any]) -> str:
    if not machine.get("cpu"):
        return ""
    return f"{machine['cpu']}, {machine.get('threads', '?')} threads, batch {machine.get('batch', '?')}"


def _timed(inputs: PageData) -> PageTable:
    """Return everything that was timed, contestant or not."""
    rows = [
        (
            name,
            words.milliseconds(timing["ms"]) if timing.get("ms") is not None else words.DASH,
            words.quartiles(timing),
            words.amount(timing["parameters"]) if timing.get("parameters") else words.DASH,
            str(timing.get("note", "")),
        )
        for name, timing in sorted(inputs.speeds.items())
    ]
    head = ("contestant or network", cost.TITLES["milliseconds"], "range", "parameters", "note")
    return PageTable("Everything that was timed", head, rows)
