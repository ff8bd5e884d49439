"""The written leaderboard: a template, filled with tables and with what must be said beside them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thermark.core.templates import render
from thermark.landmarks import provisional
from thermark.metrics.registry import MOVED
from thermark.report.grouping import grouped
from thermark.report.leaderboard import board_tables
from thermark.report.leaderboard.board import Board, few_misses, idle, order, without
from thermark.report.leaderboard.highlights import leading
from thermark.report.markdown import code, escaped, table
from thermark.report.notices import PROMPTS, notice
from thermark.report.number_format import shown, unit
from thermark.report.results import printed
from thermark.report.results.comparisons import Comparisons
from thermark.report.results.estimates import value
from thermark.report.results.ranking import kinds, whole
from thermark.report.results.record import Record

TEMPLATE = Path(__file__).parent / "templates/leaderboard.md"
FEW = 10  # rows of the overview, which a README shows


def leaderboard(boards: Sequence[Board], comparisons: Comparisons) -> str:
    """Return the leaderboard as Markdown: an overview, a part for each board, and what was compared."""
    absent = idle(boards)
    shown_boards = [without(absent, board) for board in boards]
    names = order(shown_boards)
    sets = {board.data_set.name: board.results for board in boards}
    few = leading(names, kinds(sets), FEW)
    left_out = [[code(name), escaped(reason)] for name, reason in comparisons.left_out.items()]
    return render(
        TEMPLATE,
        {},
        overview=board_tables.standings(shown_boards, [name for name in names if name in few]),
        everybody=board_tables.standings(shown_boards, names),
        shown=len(few),
        ran=len(names),
        seeds=any(record.seeds > 1 for board in shown_boards for record in board.ran),
        boards=[_part(board) for board in shown_boards],
        families=[
            (escaped(family.question), code(family.name), printed.pairs(family.pairs, sets))
            for family in comparisons.families
            if family.pairs
        ],
        absent=len(absent),
        reasons=_reasons(absent),
        left_out=table(["data set", "why"], left_out, texts=2) if left_out else "",
    )


def _part(board: Board) -> dict[str, Any]:
    """Return the template's values for a data set; those without content are empty or false."""
    ran, data_set = board.ran, board.data_set
    failed = {code(record.contestant): value(record, "failed_frames") for record in ran}
    return {
        "title": escaped(data_set.title),
        "about": _about(board),
        "notice": notice(data_set),
        "table": board_tables.main_table(board),
        "unprompted": int(max((value(record, "unprompted") or 0 for record in ran), default=0)),
        "missing": not all(map(few_misses, ran)),
        "partial": not all(whole(record, board.results) for record in ran),
        "finders": board.finders,
        "failed": ", ".join(f"{name} ({count:.0f})" for name, count in failed.items() if count),
        "provisional": [
            (code(name), escaped(provisional(name)))
            for name in data_set.vocabularies
            if data_set.origin == "real" and provisional(name)
        ],
        "parts": [
            (", ".join(escaped("landmarks" if name == "points" else name) for name in strata), part)
            for strata in board_tables.sharing(ran)
            for part in [board_tables.part_table(board, strata)]
        ],
        "moved": board_tables.part_table(board, [MOVED]) if any(MOVED in record.parts for record in ran) else "",
    }


def _about(board: Board) -> str:
    """Return one line about a data set; terms of the real one are not those of what is made in its layout."""
    data_set, protocol = board.data_set, board.results.protocol
    faces = (
        f"{board.ran[0].faces} faces of {data_set.subjects} subjects" if board.ran else "no contestant could run"
    )
    texts = [
        f"a miss counts {shown(board.main, protocol.miss)} {unit(board.main)}",
        PROMPTS.get(protocol.boxes, ""),
    ]
    texts += [data_set.licence, data_set.citation, data_set.notes]
    return " · ".join([code(data_set.name), faces, *(escaped(text) for text in texts if text)])


def _reasons(absent: Mapping[str, Record]) -> str:
    """Return a table of contestants that could run nowhere, with their reasons, a line a reason."""
    by_reason = grouped((board_tables.reason(record), code(name)) for name, record in absent.items())
    rows = [[", ".join(names), why] for why, names in by_reason.items()]
    return table(["contestant", "why"], rows, texts=2) if rows else ""
