"""A short leaderboard for the terminal."""

from collections.abc import Sequence

from thermark.report.inputs import Board, Entry, ranked
from thermark.report.numbers import label, shown
from thermark.report.tables import interval


def leaderboard(boards: Sequence[Board]) -> str:
    """Return each data set's contestants from best to worst, with main metric, interval and misses, as text."""
    return "\n\n".join(_block(board) for board in boards) + "\n"


def _block(board: Board) -> str:
    entries = ranked(board)
    width = max(len(_clean(entry.contestant)) for entry in entries)
    kind = " (rendered data: no evidence about real cameras)" if board.rendered else ""
    lines = [f"{_clean(board.dataset)}{kind}", f"  {'':{width}}  {label(board.main):>14}  {'95 %':>13}  missed"]
    return "\n".join(
        lines + [f"  {_clean(entry.contestant):{width}}  {_row(entry, board.main)}" for entry in entries]
    )


def _row(entry: Entry, main: str) -> str:
    if not entry.ran:
        return f"{entry.summary['status']}: {_clean(entry.summary.get('reason', ''))}"
    value = shown(main, entry.summary.get(main))
    missed = f"{entry.summary['missed']}/{entry.summary['faces']}"
    return f"{value:>14}  {interval(entry.summary, main):>13}  {missed:>6}"


def _clean(text: str) -> str:
    """Return text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
