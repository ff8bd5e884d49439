"""The leaderboard: one table a data set, tables of subsets below it, and what was compared."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from thermark.core import files
from thermark.landmarks import provisional
from thermark.metrics.names import MOVED, describe
from thermark.report import legend
from thermark.report.board import Board, few_misses, idle, order, without
from thermark.report.families import families
from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import label, natural, shown
from thermark.report.standing import leading
from thermark.results.comparisons import Comparisons
from thermark.results.ranking import kinds, value, whole
from thermark.results.record import Estimate, Part, Record

# Columns by main metric, thresholds left out: `pck@io` is every PCK that is relative to the eyes.
COLUMNS = {
    "nme_io": ("nme_diag", "nme_mean_wh", "error_px_mean", "pck@io", "auc@io", "failure@io"),
    "nme_diag": ("nme_io", "nme_mean_wh", "error_px_mean", "pck@diag", "auc@diag", "failure@diag"),
    "error_px_mean": ("error_px_median", "pck@px", "offset_x_px", "offset_y_px"),
}
DETECTION = ("recall", "precision")  # where a contestant finds faces itself
NARROW = 3  # values of a stratum that still fit beside another's
FEW = 10  # rows of the overview, which a README shows
NOBODY = Part(value=None, faces=0, missed=0)


def write(path: Path, boards: Sequence[Board], made: Comparisons) -> None:
    """Write the leaderboard of all `boards` as Markdown: an overview, a part for each board, and comparisons."""
    absent = idle(boards)
    shown = [without(absent, board) for board in boards]
    parts = ["# Leaderboard", *overview(shown, len(absent)), *_everybody(shown), legend.COLUMNS]
    parts += [*map(section, shown), *families(made, boards), *_absences(absent)]
    rows = [[code(name), escaped(reason)] for name, reason in made.left_out.items()]
    parts += [f"## Data sets that are not here\n\n{table(['data set', 'why'], rows, texts=2)}"] if rows else []
    files.write_text(path, "\n\n".join(parts) + "\n")


def overview(boards: Sequence[Board], absent: int = 0) -> list[str]:
    """Return a short table of main metrics, and what it must not be taken for; `absent`: who could run nowhere."""
    names = order(boards)
    chosen = leading(names, kinds({board.on.name: board.results for board in boards}), FEW)
    told = legend.CHOSEN if len(chosen) < len(names) else ""
    said = [legend.SHOWN.format(shown=len(chosen), ran=len(names), chosen=told)]
    said += [legend.MISSING.format(idle=absent)] if absent else []
    notices = dict.fromkeys(notice for board in boards for notice in _notices(board))
    several = any(record.seeds > 1 for board in boards for record in board.ran)
    explained = f"{legend.LEGEND}\n{legend.SEEDS}" if several else legend.LEGEND
    return [standings(boards, [name for name in names if name in chosen]), "\n".join(said), *notices, explained]


def _everybody(boards: Sequence[Board]) -> list[str]:
    """Return the part with all of whom the overview shows some."""
    names = order(boards)
    return [f"## All contestants\n\n{standings(boards, names)}"] if len(names) > FEW else []


def standings(boards: Sequence[Board], names: Sequence[str]) -> str:
    """Return a table of the main metric of each of `names` on each board, with what its intervals cover."""
    rows = []
    for name in names:
        told = [(board.results.of(name), board) for board in boards]
        over = dict.fromkeys(said for record, board in told if record and (said := covered(record, board.main)))
        rows.append([code(name), *(_main_cell(record, board) for record, board in told), "; ".join(over) or "–"])
    header = [f"{escaped(board.on.title)}: {label(board.main)}" for board in boards]
    return table(["contestant", *header, "interval over"], rows)


def _main_cell(record: Record | None, board: Board) -> str:
    """Return group, main metric, 95 % interval and found rate of a contestant, or why there are none."""
    if record is None or not record.ran:
        return escaped(record.status) if record else "–"
    found = value(record, "found")
    rate = f", {shown('found', found)} % found" if found is not None and found < 1 else ""
    letter = f"{board.groups[record.contestant]} " if record.contestant in board.groups else ""
    return (
        f"{letter}{_cell(record, board.main, _podium(board, board.main))} ({interval(record, board.main)}{rate})"
    )


def section(board: Board) -> str:
    """Return the part about one data set: what it is, the main table, notes, and a table for each stratum."""
    ran = board.ran
    parts = [f"## {escaped(board.on.title)}", _about(board), *_notices(board), main_table(board), *_notes(board)]
    for strata in _tables(ran):
        names = ", ".join(escaped("landmarks" if name == "points" else name) for name in strata)
        parts.append(f"**By {names}**\n\n{subset_table(board, strata)}")
    parts += [f"{legend.IN_MOVED}\n\n{moved_table(board)}"] if _values(ran, MOVED) else []
    return "\n\n".join(parts)


def _notices(board: Board) -> list[str]:
    """Return what the numbers of a board must not be taken for."""
    if board.on.origin in legend.NOTICES:
        return [legend.NOTICES[board.on.origin]]
    return [legend.MACHINE] if board.machine else []


def main_table(board: Board) -> str:
    """Return the main table, contestants from best to worst, those that could not run with their reason."""
    if not board.ran:
        rows = [[code(record.contestant), _reason(record)] for record in board.records]
        return table(["contestant", "numbers"], rows)
    marks = {name: _podium(board, name) for name in [board.main, f"{board.main}_all", *_columns(board)]}
    cells = [_cells(record, board, marks) for record in board.ran]
    idle = [{"contestant": code(own.contestant), "group": _reason(own)} for own in board.records if not own.ran]
    frame = pd.DataFrame([*cells, *idle], columns=list(cells[0])).fillna("")
    optional = {"jitter floor": any(record.floor for record in board.ran), "boxes": _finders(board)}
    frame = frame.drop(columns=[name for name, needed in optional.items() if not needed])
    return table(list(frame), frame.to_numpy().tolist())


def _cells(record: Record, board: Board, marks: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return title -> cell of one who ran; `marks`: metric -> its podium."""
    main, every = board.main, f"{board.main}_all"
    told = {name: _cell(record, name, podium) for name, podium in marks.items()}
    cells = {"contestant": _name(record, board), "group": board.groups.get(record.contestant, "–")}
    cells |= {label("found"): f"{shown('found', value(record, 'found'))} ({interval(record, 'found')})"}
    cells |= {label(main): told.pop(main) + plus_minus(record, main), "95 %": interval(record, main)}
    cells |= {label(every): f"{told.pop(every)} ({interval(record, every)})"}
    cells |= {label(name): cell for name, cell in told.items()}
    floor = shown(main, record.floor.value) if record.floor else "–"
    cells |= {"tier": record.tier, "trained on": record.trained_on, "jitter floor": floor}
    cells |= {"missed ↓": f"{record.missed} of {record.faces}", "interval over": covered(record, main) or "–"}
    return cells | {"boxes": code(record.boxes) if record.boxes else "–"}


def _columns(board: Board) -> list[str]:
    present = sorted({name for record in board.ran for name in record.metrics}, key=natural)
    wanted = (*COLUMNS[board.main], *DETECTION)
    return [name for column in wanted for name in present if re.sub(r"@[0-9.]+", "@", name) == column]


def subset_table(board: Board, strata: Sequence[str]) -> str:
    """Return the main metric of each part of the `strata`, with its faces, beside that of the whole."""
    parts = [(name, each) for name in strata for each in _values(board.ran, name)]
    rows = []
    for record in board.ran:
        numbers = [record.parts.get(name, {}).get(each, NOBODY).value for name, each in parts]
        if any(number is not None for number in numbers):
            told = [*numbers, value(record, board.main)]
            rows.append([_name(record, board), *(shown(board.main, number) for number in told)])
    titles = [f"{escaped(each)}{_size(board.ran, name, each)}" for name, each in parts]
    return table([label(board.main), *titles, "all"], rows)


def moved_table(board: Board) -> str:
    """Return the main metric and the misses of those who were told moved boxes, that of the plain ones first."""
    variants = _values(board.ran, MOVED)
    rows = []
    for record in board.ran:
        if told := record.parts.get(MOVED):
            plain = Part(value=value(record, board.main), faces=record.faces, missed=record.missed)
            cells = [plain, *(told.get(name, NOBODY) for name in variants)]
            rows.append([_name(record, board), *(_with_misses(each, board.main) for each in cells)])
    titles = [re.sub(r"^(shift|scale)([0-9.]+)$", r"\1 \2 %", name) for name in variants]
    return table([label(board.main), "as they are", *titles], rows)


def _with_misses(part: Part, name: str) -> str:
    return shown(name, part.value) + (f" ({part.missed} missed)" if part.missed else "")


def interval(record: Record, name: str) -> str:
    """Return the interval of a metric as printed; n/a where one subject or none was drawn from."""
    own = record.metrics.get(name)
    return "n/a" if own is None or own.low is None else f"{shown(name, own.low)}–{shown(name, own.high)}"


def plus_minus(record: Record, name: str) -> str:
    """Return the standard deviation of a metric over several seeds as printed behind it, nothing for one seed."""
    spread = record.metrics.get(name, Estimate(value=None, faces=0, subjects=0)).seed_std
    return "" if spread is None else f" ± {shown(name, spread)}"


def covered(record: Record, main: str) -> str:
    """Return what an interval covers: subjects only, or seeds as well; nothing where there is no interval."""
    if interval(record, main) == "n/a":
        return ""
    if record.seeds > 1:
        return f"subjects and {record.seeds} seeds"
    return f"{legend.ALONE}, 1 seed" if record.seeds else legend.ALONE


def _finders(board: Board) -> bool:
    """Whether any contestant got its boxes otherwise than with the faces."""
    return any(record.boxes not in ("prompt", "") for record in board.ran)


def _tables(ran: Sequence[Record]) -> list[list[str]]:
    """Return which strata share a table: the narrow ones do, wide ones and landmark groups stand alone."""
    names = sorted({name for record in ran for name in record.parts} - {"points", MOVED})
    sizes = {name: len(_values(ran, name)) for name in [*names, "points"]}
    narrow = sorted((name for name in names if sizes[name] <= NARROW), key=lambda name: -sizes[name])
    wide = [[name] for name, size in sizes.items() if name not in narrow and size > 1]
    return [narrow, *wide] if narrow else wide


def _values(ran: Sequence[Record], stratum: str) -> list[str]:
    return sorted({each for record in ran for each in record.parts.get(stratum, {})}, key=natural)


def _size(ran: Sequence[Record], stratum: str, part: str) -> str:
    if stratum == "points":
        return ""
    return f" ({max(record.parts.get(stratum, {}).get(part, NOBODY).faces for record in ran)})"


def _about(board: Board) -> str:
    """Return one line about a data set; terms of the real one are not those of what is made in its layout."""
    on, how = board.on, board.results.protocol
    faces = f"{board.ran[0].faces} faces of {on.subjects} subjects" if board.ran else "no contestant could run"
    unit = " %" if describe(board.main).unit == "fraction" else " px"
    texts = [f"a miss counts {shown(board.main, how.miss)}{unit}", legend.PROMPTS.get(how.boxes, "")]
    texts += [on.licence, on.citation, on.notes]
    return " · ".join([code(on.name), faces, *(escaped(text) for text in texts if text)])


def _notes(board: Board) -> list[str]:
    ran, notes = board.ran, []
    if unprompted := max((value(record, "unprompted") or 0 for record in ran), default=0):
        notes.append(f"{unprompted:.0f} faces have no box to crop from: whoever needs one misses them.")
    if not all(map(few_misses, ran)):
        notes.append("† misses more than 1 % of the prompted faces: means over found ones do not compete.")
    if not all(whole(record, board.results) for record in ran):
        notes.append("‡ has not all landmarks of the others: compare it under *landmarks*.")
    notes += [legend.FOUND] if _finders(board) else []
    counts = {code(record.contestant): value(record, "failed_frames") for record in ran}
    failed = ", ".join(f"{name} ({count:.0f})" for name, count in counts.items() if count)
    notes += [f"Frames on which a contestant raised an error, which are misses: {failed}."] if failed else []
    named = board.on.vocabularies if board.on.origin == "real" else ()
    return notes + [
        f"Landmarks of {code(name)} are provisional: {escaped(provisional(name))}."
        for name in named
        if provisional(name)
    ]


def _absences(absent: Mapping[str, Record]) -> list[str]:
    """Return the part about those who could run nowhere, with their reasons; who shares one shares a line."""
    sharing: dict[str, list[str]] = {}
    for name, record in absent.items():
        sharing.setdefault(_reason(record), []).append(code(name))
    rows = [[", ".join(names), reason] for reason, names in sharing.items()]
    return [f"## Not run here ({len(absent)})\n\n{table(['contestant', 'why'], rows, texts=2)}"] if absent else []


def _name(record: Record, board: Board) -> str:
    marks = {"†": not few_misses(record), "‡": not whole(record, board.results)}
    return " ".join([code(record.contestant), *(mark for mark, own in marks.items() if own)])


def _reason(record: Record) -> str:
    return f"*{escaped(record.status)}: {escaped(record.reason)}*"


def _podium(board: Board, name: str) -> list[str]:
    """Return the best and second-best printed values of a column, of those that may compete in it."""
    metric = describe(name)
    if metric.higher_is_better is None:
        return []
    whole_ones = [record for record in board.ran if whole(record, board.results)]
    competing = [record for record in whole_ones if metric.counts_misses or few_misses(record)]
    counted = [number for record in competing if (number := value(record, name)) is not None]
    best = sorted(set(counted), reverse=metric.higher_is_better)
    # Of two contestants the loser is not honoured.
    return list(dict.fromkeys(shown(name, number) for number in best))[: 2 if len(counted) > 2 else 1]


def _cell(record: Record, name: str, podium: Sequence[str]) -> str:
    text = shown(name, value(record, name))
    if text not in podium:
        return text
    return f"**{text}**" if text == podium[0] else f"<ins>{text}</ins>"
