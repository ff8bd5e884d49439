"""Rows and titles of the tables of the zero-shot page; the text around them is in the template."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core.config import parse
from thermark.core.faces import Faces
from thermark.core.packed_images import BASE
from thermark.core.radiometry import Tone
from thermark.core.templates import render
from thermark.report.columns import FORMATS, ContestantRow, Values, board, columns
from thermark.report.markdown import FILTERS, code, escaped, table
from thermark.report.notices import notice
from thermark.report.number_format import natural
from thermark.report.zeroshot import polarity, protocols
from thermark.report.zeroshot.measure import STRATUM
from thermark.report.zeroshot.zeroshot_data import ZeroshotData

TEMPLATE = Path(__file__).parent / "templates/page.md"


def rendered(**context: Any) -> str:
    """Return the page, its template filled with the context and with what all tables need."""
    needed = {"board": board, "columns": columns, "table": table, "formats": FORMATS, "polarity": polarity.heads}
    words = {"cap": f"{protocols.CAP:g}", "notice": notice}
    return render(TEMPLATE, FILTERS, **needed, **words, **context)


@dataclass(frozen=True)
class ZeroshotPage:
    """What the template shows of a data set: `picture` is what the posts used, `settings` are those of the set."""

    study: ZeroshotData
    values: Values
    picture: str = BASE
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def tones(self) -> dict[str, str]:
        """Variant -> how it shows temperatures, that of the pictures as prepared first."""
        changes: dict[str, Mapping[str, Any]] = {BASE: {}, **self.study.tone_variants}
        return {name: _tone({**self.settings, **changed}, f"{name}.tone") for name, changed in changes.items()}

    @cached_property
    def trained_on_part1(self) -> set[str]:
        """Contestants that were counted in part 1 and have learned from its frames."""
        flattered = {
            record.contestant for record in self.study.records if self.study.relatives & {*record.trained_sets}
        }
        return flattered & {row.contestant for row in self.rows("part1")}

    def idle(self) -> list[list[str]]:
        """Return the contestants without numbers, and why."""
        return [[code(record.contestant), escaped(record.why)] for record in self.study.records if not record.ran]

    def counted(self, part: str = "") -> str:
        """Return how many noses a part of the posts counts, or we do, and where they are."""
        faces, scored = self.study.faces, self.study.faces.take(self.study.scored)
        part_protocol = protocols.PARTS.get(part)
        truth = (
            protocols.first(self.study.annotated, part_protocol) if part_protocol else protocols.labelled(scored)
        )
        sources = [part_protocol.source] if part_protocol else sorted(set(scored.strata["source"].tolist()))
        places = _distances(faces.take(np.isin(faces.frames, truth.frames)))
        where = f"{escaped(' and '.join(sources))}: {escaped(', '.join(places))}"
        return f"{len(truth.frames)} in {len(set(truth.frames.tolist()))} frames of {where}"

    def distances(self) -> dict[str, str]:
        """Return the title of each distance at which noses are scored, nearest first."""
        return {place: f"{escaped(place)} {{}}" for place in _distances(self.study.faces.take(self.study.scored))}

    def variants(self) -> dict[str, str]:
        """Return the title of each variant."""
        return {name: code(name) for name in self.tones}

    def rows(self, protocol: str, *beside: str, marked: bool = False) -> list[ContestantRow]:
        """Return a row for each contestant with numbers under a protocol, the best first.

        `beside`: which of its boxes and seeds stand beside its name, which is `marked` where part 1 flatters it.
        """
        records = {record.contestant: record for record in self.study.records}
        rows = []
        for name in dict.fromkeys(name for key, name, *_ in self.values if key == protocol):
            about = {"boxes": escaped(records[name].boxes), "seeds": str(records[name].seeds or "–")}
            mark = " †" if marked and name in self.trained_on_part1 else ""
            rows.append(ContestantRow([code(name) + mark, *(about[key] for key in beside)], name))
        return rows

    def crop_rows(self) -> list[ContestantRow]:
        """Return a row a contestant for the posts' test crops, and one for all of them if those are more."""
        more = len(self.study.pairs.every) > len(self.study.pairs.test)
        every = {
            name: [ContestantRow(["all of them"], name, "part2_all")] * more for _, name, *_ in self.rows("part2")
        }
        return [row for row in self.rows("part2") for row in (row, *every[row.contestant])]

    def readings(self) -> list[ContestantRow]:
        """Return a row for each reading of each contestant, which is named beside its first."""
        keys = dict.fromkeys((name, way) for key, name, way, _ in self.values if key == "conventions")
        texts = {name: way for name, way in reversed(keys)}
        ways = {way: code(way) if " " not in way else way for _, way in keys}
        return [
            ContestantRow([code(name) if texts[name] == way else "", ways[way]], name, part=way)
            for name, way in keys
        ]


def _distances(faces: Faces) -> list[str]:
    return sorted(set(faces.strata[STRATUM].tolist()) - {""}, key=natural)


def _tone(settings: Mapping[str, Any], where: str) -> str:
    if settings.get("source") in ("png", "luma"):
        grey = ", in grey" if settings["source"] == "luma" else ""
        return f"the 8-bit picture that comes with the temperatures{grey}"
    tone = parse(settings.get("tone", {}), Tone, where)
    percentiles = f"percentiles {tone.low_percent:g} to {tone.high_percent:g} of each frame"
    return {
        "clip": f"{tone.low:g} to {tone.high:g} °C of every frame",
        "minmax": "the coldest to the warmest pixel of each frame",
        "percentile": percentiles,
        "clahe": f"{percentiles}, then contrast-limited adaptive histogram equalisation",
    }[tone.name]
