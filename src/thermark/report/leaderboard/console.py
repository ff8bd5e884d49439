"""A short leaderboard for the terminal."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from thermark.report.leaderboard.board import Board, idle, without
from thermark.report.notices import kind
from thermark.report.number_format import label, shown
from thermark.report.results.estimates import covered, interval, plus_minus, value
from thermark.report.results.record import Record

LINES = 15  # a data set; the rest is in the written leaderboard


def leaderboard(boards: Sequence[Board], left_out: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return each data set's contestants from best to worst as text: group, main metric, interval, misses.

    `left_out`: data set -> why it is not here.
    """
    absent = idle(boards)
    blocks = [_block(without(absent, board)) for board in boards]
    if absent:
        blocks.append(f"{len(absent)} more could not run here; the written leaderboard says why")
    blocks += [_clean(f"{name} is not here: {reason}") for name, reason in left_out.items()]
    return "\n\n".join(blocks) + "\n"


def _block(board: Board) -> str:
    special, main = kind(board.data_set), board.main
    about = f" ({special} data: no evidence about real cameras)" if special else ""
    about = " (machine labels: distances from another network)" if special == "machine" else about
    listed, more = board.records[:LINES], len(board.records) - LINES
    rows = {_clean(record.contestant): _row(record, board) for record in listed if record.ran}
    rows = {"": ["", label(main), "95 %", "all faces", "missed", "interval over"]} | rows
    frame = pd.DataFrame(rows)
    wide = [*frame.map(len).max(axis=1)[:-1], 0]  # the last is not padded
    lines = {name: [f"{cell:>{size}}" for cell, size in zip(frame[name], wide, strict=True)] for name in frame}
    lines |= {_clean(record.contestant): [_clean(record.why)] for record in listed if not record.ran}
    width = max(map(len, lines))
    texts = [f"  {name:{width}}  {'  '.join(cells)}".rstrip() for name, cells in lines.items()]
    texts += [f"  and {more} more in the leaderboard"] if more > 0 else []
    return "\n".join([f"{_clean(board.data_set.name)}{about}", *texts])


def _row(record: Record, board: Board) -> list[str]:
    """Return group, error, interval, error of all faces, misses and what the interval covers of a contestant."""
    main, letter = board.main, board.groups.get(record.contestant, "")
    error = shown(main, value(record, main)) + plus_minus(record, main)
    over_all, missed = shown(main, value(record, f"{main}_all")), f"{record.missed}/{record.faces}"
    return [letter, error, interval(record, main), over_all, missed, covered(record, main)]


def _clean(text: str) -> str:
    """Return text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
