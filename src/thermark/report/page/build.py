"""From records to what the template shows: one object, from which tables, cards and figures come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import NonNegativeInt, PositiveInt

from thermark.core import files
from thermark.core.config import Section
from thermark.report.notices import banner
from thermark.report.page import answers, board, figures, gallery, packing, render, tables, words
from thermark.report.page.figures.cost import TITLES, Axis
from thermark.report.page.figures.vega import DARK, Spec
from thermark.report.page.inputs import Inputs
from thermark.report.page.order import leading
from thermark.report.page.tables import PageTable
from thermark.report.results.absent import HEADER, absent
from thermark.report.results.record import ResultSet


class Config(Section):
    """How much the page shows.

    `named`: contestants drawn in colour; `worst`: faces in each gallery; `pictures`: whether they are shown where
    terms permit it.
    """

    named: PositiveInt = 8
    worst: NonNegativeInt = 8
    pictures: bool = True


@dataclass(frozen=True)
class Figure:
    """A figure's key among the specifications (empty: there is none), its sentence, and its numbers or why not."""

    key: str
    title: str
    alt: str
    table: PageTable | None = None


@dataclass(frozen=True)
class DataSetPart:
    """All that is shown of one data set."""

    results: ResultSet
    title: str
    origin: str
    notice: str
    answer: dict[str, str]
    head: tuple[str, ...]
    drawn: str
    rows: list[board.BoardRow]
    figures: tuple[Figure, ...]
    faces: list[gallery.GalleryFace]
    names: tuple[str, ...]
    why_no_pictures: str


def build(inputs: Inputs, config: Config, out: Path) -> None:
    """Write the page as `out`/index.html."""
    files.write_text(out / "index.html", render.page(context(inputs, config)))


def context(inputs: Inputs, config: Config) -> dict[str, Any]:
    """Return what the template shows, `data` among it: the one object that scripts read."""
    specs: dict[str, Spec] = {}
    names = leading(list(inputs.sets.values()), config.named)
    parts = [_part(inputs, name, names, config, specs) for name in inputs.sets]
    learned = _learned(inputs, specs)
    return {
        "parts": parts,
        "named": names,
        "families": tables.families(inputs.comparisons, inputs.sets),
        "compared": bool(inputs.comparisons.matrices),
        "learned": learned,
        "not_run": not_run(inputs.sets),
        "published": inputs.published,
        "machine": _machine(inputs),
        "timed": _timed(inputs),
        "boxes": answers.BOXES,
        "trained": answers.TRAINED,
        "notices": notices(parts),
        "made": {part.results.data_set.name: part.results.made for part in parts},
        "folder": inputs.folder,
        "data": data(inputs, specs),
    }


def notices(parts: Sequence[DataSetPart]) -> list[tuple[str, str]]:
    """Return what numbers must not be taken for: which data sets (empty: all of them), and the sentence."""
    distinct = dict.fromkeys(part.notice for part in parts if part.notice)
    notices = []
    for notice in distinct:
        titles = [part.title for part in parts if part.notice == notice]
        notices.append(("" if len(titles) == len(parts) else words.listed(titles, len(titles)), notice))
    return notices


def data(inputs: Inputs, specs: Mapping[str, Spec]) -> dict[str, Any]:
    """Return what scripts read: figures, answers of all cases, and cards of all cells."""
    cards, common, answers_of = {}, {}, {}
    for name, results in inputs.sets.items():
        matrix = inputs.comparisons.matrices.get(name)
        common[name] = board.common(results)
        answers_of[name] = answers.answers(results, matrix, inputs.speeds)
        for record in results.records:
            cards[f"{name}/{record.contestant}"] = board.card(results, record, matrix, inputs.speeds)
    labels = packing.numbered(cards.values(), "metrics")
    return {
        "figures": {key: packing.packed(spec) for key, spec in specs.items()},
        "dark": DARK,
        "cards": cards,
        "labels": labels,
        "common": common,
        "answers": answers_of,
    }


def _part(inputs: Inputs, name: str, names: Sequence[str], config: Config, specs: dict[str, Spec]) -> DataSetPart:
    results, errors = inputs.sets[name], inputs.errors[name]
    data_set, main = results.data_set, results.protocol.main
    matrix = inputs.comparisons.matrices.get(name)
    worst = gallery.worst(results, errors, names, config.worst)
    shown = gallery.pictures(data_set, worst, inputs.faces) if config.pictures else {}
    faces = [gallery.GalleryFace(**(vars(face) | {"picture": shown.get(face.face, "")})) for face in worst]
    part_figures = []
    for figure, spec in _figures(inputs, name, names):
        if spec is not None:
            specs[figure.key] = spec
        part_figures.append(figure)
    why = (
        ""
        if shown
        else "No pictures: "
        + (
            "no prepared faces were given."
            if gallery.permitted(data_set)
            else "the terms of real data do not permit them here."
        )
    )
    return DataSetPart(
        results=results,
        title=words.titled(data_set),
        origin=words.origin(data_set),
        notice=banner(data_set),
        answer=answers.answer(results, "any", "any", matrix, inputs.speeds),
        head=board.head(results),
        drawn=f"0{words.DASH}{words.scale(main) * board.top(results):.3g} {words.unit(main)}",
        rows=board.rows(results, matrix, inputs.speeds),
        figures=tuple(part_figures),
        faces=faces,
        names=tuple(answer.contestant for answer in faces[0].answers) if faces else (),
        why_no_pictures=why,
    )


def _figures(inputs: Inputs, name: str, names: Sequence[str]) -> Iterator[tuple[Figure, Spec | None]]:
    """Yield each figure of a data set with its specification, or with why there is none."""
    results, errors = inputs.sets[name], inputs.errors[name]
    matrix, comparisons = inputs.comparisons.matrices.get(name), inputs.comparisons
    if (declared := figures.families(results, comparisons)) is not None:
        alt = figures.alt_families(results, comparisons)
        yield Figure(f"families-{name}", "Declared comparisons", alt), declared
    alt, numbers = figures.alt_ced(results, errors, names), tables.ced(results, errors, names)
    yield Figure(f"ced-{name}", "Faces within an error", alt, numbers), figures.ced(results, errors, names)
    if matrix is not None:
        alt, numbers = figures.alt_matrix(results, matrix), tables.matrix(results, matrix)
        yield Figure(f"matrix-{name}", "Every pair", alt, numbers), figures.matrix(results, matrix)
    else:
        yield Figure("", "Every pair", "No pairs of contestants were compared on this data set."), None
    if (drawn := figures.landmarks(results, names)) is not None:
        alt, numbers = figures.alt_landmarks(results, names), tables.landmarks(results, names)
        yield Figure(f"landmarks-{name}", "Error by landmark", alt, numbers), drawn
    else:
        yield Figure("", "Error by landmark", "This data set has no face to draw: one point, or no labels."), None
    for stratum in figures.strata(results):
        alt, numbers = figures.alt_parts(results, stratum, names), tables.parts(results, stratum, names)
        title = f"Error by {figures.called(stratum)}"
        yield Figure(f"by-{stratum}-{name}", title, alt, numbers), figures.parts(results, stratum, names)
    alt, numbers = figures.alt_subjects(results, errors, names), tables.subjects(results, errors, names)
    yield Figure(f"subjects-{name}", "Every subject", alt, numbers), figures.subjects(results, errors, names)
    yield from _costs(inputs, results)


def _costs(inputs: Inputs, results: ResultSet) -> Iterator[tuple[Figure, Spec | None]]:
    axes: tuple[Axis, ...] = ("milliseconds", "parameters")
    for axis in axes:
        title, figure_spec = f"Error against {axis}", figures.pareto(results, axis, inputs.speeds)
        if figure_spec is None:
            why = {
                "milliseconds": "No contestant on this data set was timed here; make speed times them.",
                "parameters": "No contestant on this data set has a counted size.",
            }[axis]
            yield Figure("", title, why), None
        else:
            alt = figures.alt_pareto(results, axis, inputs.speeds)
            numbers = tables.costs(results, axis, inputs.speeds)
            yield Figure(f"{axis}-{results.data_set.name}", title, alt, numbers), figure_spec


def _learned(inputs: Inputs, specs: dict[str, Spec]) -> list[Figure]:
    shown = []
    for key, title, lines in (
        ("budget", "How few labels are enough", inputs.budget),
        ("training", "Training and distillation", inputs.training),
    ):
        where = _where(inputs, key)
        draw, alt, numbers = {
            "budget": (figures.budget, figures.alt_budget, tables.budget),
            "training": (figures.training, figures.alt_training, tables.training),
        }[key]
        spec = draw(lines, where)
        if spec is None:
            shown.append(Figure("", title, "There are no such curves in this profile."))
        else:
            specs[key] = spec
            shown.append(Figure(key, title, alt(lines, where), numbers(lines)))
    return shown


def _where(inputs: Inputs, curve: str) -> str:
    """Return on which data a curve was learned, rendered data among it called so."""
    named = [inputs.sets[name] for name in inputs.sources.get(curve, ()) if name in inputs.sets]
    shown = named or list(inputs.sets.values())
    return words.listed(list(dict.fromkeys(words.titled(results.data_set) for results in shown)))


def not_run(sets: Mapping[str, ResultSet]) -> PageTable:
    """Return the contestants without numbers, where and why; those with the same reason share a line."""
    return PageTable("Not run, and why", HEADER, tuple(absent(sets)))


def _machine(inputs: Inputs) -> str:
    machine = inputs.machine
    return (
        f"{machine['cpu']}, {machine.get('threads', '?')} threads, batch {machine.get('batch', '?')}"
        if machine.get("cpu")
        else ""
    )


def _timed(inputs: Inputs) -> PageTable:
    """Return everything that was timed, contestant or not."""
    rows = [
        (
            name,
            words.milliseconds(timing["ms"]) if timing.get("ms") is not None else words.DASH,
            words.DASH.join(
                words.milliseconds(timing[key]) for key in ("ms_low", "ms_high") if timing.get(key) is not None
            ),
            words.amount(timing["parameters"]) if timing.get("parameters") else words.DASH,
            str(timing.get("note", "")),
        )
        for name, timing in sorted(inputs.speeds.items())
    ]
    head = ("contestant or network", TITLES["milliseconds"], "range", "parameters", "note")
    return PageTable("Everything that was timed", head, tuple(rows))
