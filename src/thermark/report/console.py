"""A short leaderboard for the terminal."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from thermark.report.inputs import Board, Entry, idle, ranked, without
from thermark.report.numbers import label, shown
from thermark.report.tables import covered, interval, plus_minus

LINES = 15  # a data set; the rest is in the written leaderboard


def leaderboard(boards: Sequence[Board], left_out: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return each data set's contestants from best to worst, with main metric, interval and misses, as text.

    `left_out`: data set -> why it is not here.
    """
    absent = idle(boards)
    blocks = [_block(without(absent, board)) for board in boards]
    if absent:
        blocks.append(f"{len(absent)} more could not run here; the written leaderboard says why")
    blocks += [f"{_clean(name)} is not here: {_clean(reason)}" for name, reason in left_out.items()]
    return "\n\n".join(blocks) + "\n"


def _block(board: Board) -> str:
    entries = ranked(board)
    first, more = entries[:LINES], len(entries) - LINES
    width = max(len(_clean(entry.contestant)) for entry in first)
    values = [_value(entry, board.main) for entry in first]
    wide = max(13, *map(len, values))
    kind = f" ({board.origin} data: no evidence about real cameras)" if board.origin != "real" else ""
    kind = " (machine labels: distances from another network)" if board.machine else kind
    lines = [
        f"{_clean(board.dataset)}{kind}",
        f"  {'':{width}}  {label(board.main):>{wide}}  {'95 %':>13}  {'missed':>7}  interval over",
    ]
    for entry, value in zip(first, values, strict=True):
        lines.append(f"  {_clean(entry.contestant):{width}}  {_row(entry, board.main, f'{value:>{wide}}')}")
    return "\n".join([*lines, f"  and {more} more in the leaderboard"] if more > 0 else lines)


def _value(entry: Entry, main: str) -> str:
    return shown(main, entry.summary.get(main)) + plus_minus(entry.summary, main) if entry.ran else ""


def _row(entry: Entry, main: str, value: str) -> str:
    if not entry.ran:
        return f"{entry.summary['status']}: {_clean(entry.summary.get('reason', ''))}"
    missed = f"{entry.summary['missed']}/{entry.summary['faces']}"
    return f"{value}  {interval(entry.summary, main):>13}  {missed:>7}  {covered(entry)}".rstrip()


def _clean(text: str) -> str:
    """Return text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
