"""Tables of the leaderboard: of all data sets, of one, and of its parts."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from thermark.metrics.registry import METRICS, MOVED, describe, parse_name
from thermark.report.leaderboard.board import Board, few_misses
from thermark.report.markdown import code, escaped, table
from thermark.report.number_format import label, natural, shown
from thermark.report.results.estimates import covered, interval, plus_minus, value
from thermark.report.results.ranking import whole
from thermark.report.results.record import PartResult, Record

NARROW = 3  # values of a stratum that still fit beside another's
NOBODY = PartResult(value=None, faces=0, missed=0)


def standings(boards: Sequence[Board], names: Sequence[str]) -> str:
    """Return a table of the main metric of each of `names` on each board, with what its intervals cover."""
    rows = []
    for name in names:
        entries = [(board.results.of(name), board) for board in boards]
        coverages = dict.fromkeys(
            text for record, board in entries if record and (text := covered(record, board.main))
        )
        rows.append(
            [code(name), *(_main_cell(record, board) for record, board in entries), "; ".join(coverages) or "–"]
        )
    header = [f"{escaped(board.data_set.title)}: {label(board.main)}" for board in boards]
    return table(["contestant", *header, "interval over"], rows)


def _main_cell(record: Record | None, board: Board) -> str:
    """Return group, main metric, 95 % interval and found rate of a contestant, or why there are none."""
    if record is None or not record.ran:
        return escaped(record.status) if record else "–"
    share = value(record, "found")
    rate = f", {shown('found', share)} % found" if share is not None and share < 1 else ""
    letter = f"{board.groups[record.contestant]} " if record.contestant in board.groups else ""
    return (
        f"{letter}{_cell(record, board.main, _podium(board, board.main))} ({interval(record, board.main)}{rate})"
    )


def main_table(board: Board) -> str:
    """Return the main table, contestants from best to worst, those that could not run with their reason."""
    if not board.ran:
        rows = [[code(record.contestant), reason(record)] for record in board.records]
        return table(["contestant", "numbers"], rows)
    marks = {name: _podium(board, name) for name in [board.main, f"{board.main}_all", *_columns(board)]}
    cells = [_cells(record, board, marks) for record in board.ran]
    without_numbers = [
        {"contestant": code(record.contestant), "group": reason(record)}
        for record in board.records
        if not record.ran
    ]
    frame = pd.DataFrame([*cells, *without_numbers], columns=list(cells[0])).fillna("")
    optional = {"jitter floor": any(record.floor for record in board.ran), "boxes": board.finders}
    frame = frame.drop(columns=[name for name, needed in optional.items() if not needed])
    return table(list(frame), frame.to_numpy().tolist())


def _cells(record: Record, board: Board, marks: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return title -> cell of a contestant that ran; `marks`: metric -> its podium."""
    main, over_all = board.main, f"{board.main}_all"
    printed = {name: _cell(record, name, podium) for name, podium in marks.items()}
    cells = {"contestant": _name(record, board), "group": board.groups.get(record.contestant, "–")}
    cells |= {label("found"): f"{shown('found', value(record, 'found'))} ({interval(record, 'found')})"}
    cells |= {label(main): printed.pop(main) + plus_minus(record, main), "95 %": interval(record, main)}
    cells |= {label(over_all): f"{printed.pop(over_all)} ({interval(record, over_all)})"}
    cells |= {label(name): cell for name, cell in printed.items()}
    cells |= {"tier": record.tier, "trained on": record.trained_on, "jitter floor": _floor(record, main)}
    cells |= {"missed ↓": f"{record.missed} of {record.faces}", "interval over": covered(record, main) or "–"}
    return cells | {"boxes": code(record.boxes) if record.boxes else "–"}


def _floor(record: Record, main: str) -> str:
    """Return the jitter floor, and how many faces are found in one shifted picture and not in another."""
    if record.floor is None:
        return "–"
    flickering = f" ({record.floor.flickering} of {record.floor.faces} flicker)" if record.floor.flickering else ""
    return shown(main, record.floor.value) + flickering


def _columns(board: Board) -> list[str]:
    present = sorted({name for record in board.ran for name in record.metrics}, key=natural)
    metrics = [key for key, metric in METRICS.items() if board.main in metric.columns]
    return [name for column in metrics for name in present if parse_name(name)[0] == column]


def part_table(board: Board, strata: Sequence[str]) -> str:
    """Return the main metric of the whole and of each part of the `strata`; in moved boxes misses, too."""
    main, moved = board.main, MOVED in strata
    sizes = {(name, part): faces for name in strata for part, faces in _parts(board.ran, name).items()}
    titles = [
        _moved(part) if moved else f"{escaped(part)}{f' ({faces})' * (name != 'points')}"
        for (name, part), faces in sizes.items()
    ]
    rows = []
    for record in board.ran:
        all_faces = PartResult(value=value(record, main), faces=record.faces, missed=record.missed)
        parts = [record.parts.get(name, {}).get(part, NOBODY) for name, part in sizes]
        if any(part.value is not None or (moved and part.faces) for part in parts):
            rows.append([_name(record, board), *(_part_cell(part, main, moved) for part in [all_faces, *parts])])
    return table([label(main), "as they are" if moved else "all", *titles], rows)


def _part_cell(part: PartResult, main: str, misses: bool) -> str:
    return shown(main, part.value) + (f" ({part.missed} missed)" if misses and part.missed else "")


def sharing(ran: Sequence[Record]) -> list[list[str]]:
    """Return which strata share a table: the narrow ones do, wide ones and landmark groups stand alone."""
    names = sorted({name for record in ran for name in record.parts} - {"points", MOVED})
    sizes = {name: len(_parts(ran, name)) for name in [*names, "points"]}
    narrow = sorted((name for name in names if sizes[name] <= NARROW), key=lambda name: -sizes[name])
    wide = [[name] for name, size in sizes.items() if name not in narrow and size > 1]
    return [narrow, *wide] if narrow else wide


def _parts(ran: Sequence[Record], stratum: str) -> dict[str, int]:
    """Return the parts of a stratum in natural order, and of how many faces each is."""
    sizes = [(name, part.faces) for record in ran for name, part in record.parts.get(stratum, {}).items()]
    return {name: max(faces for part, faces in sizes if part == name) for name in sorted(dict(sizes), key=natural)}


def _moved(variant: str) -> str:
    return re.sub(r"^(shift|scale)([0-9.]+)$", r"\1 \2 %", variant)


def _name(record: Record, board: Board) -> str:
    marks = {"†": not few_misses(record), "‡": not whole(record, board.results)}
    return " ".join([code(record.contestant), *(mark for mark, applies in marks.items() if applies)])


def reason(record: Record) -> str:
    """Return why somebody did not run, in words that cannot break out of a table."""
    return f"*{escaped(record.why)}*"


def _podium(board: Board, name: str) -> list[str]:
    """Return the best and second-best printed values of a column, of those that may compete in it."""
    metric = describe(name)
    if metric.higher_is_better is None:
        return []
    complete = [record for record in board.ran if whole(record, board.results)]
    competing = [record for record in complete if metric.counts_misses or few_misses(record)]
    counted = [number for record in competing if (number := value(record, name)) is not None]
    best = sorted(set(counted), reverse=metric.higher_is_better)
    # Of two contestants the loser is not honoured.
    return list(dict.fromkeys(shown(name, number) for number in best))[: 2 if len(counted) > 2 else 1]


def _cell(record: Record, name: str, podium: Sequence[str]) -> str:
    text = shown(name, value(record, name))
    if text not in podium:
        return text
    return f"**{text}**" if text == podium[0] else f"<ins>{text}</ins>"
