"""The leaderboard: one table a data set, tables of subsets below it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from thermark.core import files
from thermark.landmarks import provisional
from thermark.metrics.names import MOVED, describe
from thermark.report.inputs import Board, Entry, Summary, comparable, few_misses, idle, ranked, without
from thermark.report.legend import (
    ALONE,
    FOUND,
    IN_MOVED,
    LEGEND,
    MACHINE,
    MISSING,
    NOTICES,
    PLACES,
    PROMPTS,
    SEEDS,
)
from thermark.report.markdown import code, escaped, table
from thermark.report.numbers import label, natural, shown
from thermark.report.standing import standing

# Columns by main metric, thresholds left out: `pck@io` is every PCK that is relative to the eyes.
COLUMNS = {
    "nme_io": ("nme_io", "nme_diag", "nme_mean_wh", "error_px_mean", "pck@io", "auc@io", "failure@io"),
    "nme_diag": ("nme_diag", "nme_io", "nme_mean_wh", "error_px_mean", "pck@diag", "auc@diag", "failure@diag"),
    "error_px_mean": ("error_px_mean", "error_px_median", "pck@px", "offset_x_px", "offset_y_px"),
}
DETECTION = ("recall", "precision")  # where a contestant finds faces itself
NARROW = 3  # values of a stratum that still fit beside another's


def write(path: Path, boards: Sequence[Board], left_out: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write the leaderboard of all `boards` as Markdown: one table of main metrics, then a part for each board.

    `left_out`: data set -> why it is not here.
    """
    legend = f"{LEGEND}\n{SEEDS}" if any(map(_several, boards)) else LEGEND
    absent = idle(boards)
    parts = ["# Leaderboard", *overview(boards), legend, *(section(without(absent, each)) for each in boards)]
    parts += [_absences(absent)] if absent else []
    rows = [[code(name), escaped(reason)] for name, reason in left_out.items()]
    parts += [f"## Data sets that are not here\n\n{table(['data set', 'why'], rows, texts=2)}"] if rows else []
    files.write_text(path, "\n\n".join(parts) + "\n")


def overview(boards: Sequence[Board]) -> list[str]:
    """Return a table of each contestant's main metric on each board, and what it must not be taken for."""
    absent = idle(boards)
    boards = [without(absent, board) for board in boards]
    names = standing(boards)
    rows = [[code(name), *(_main_cell(name, board) for board in boards), _over(name, boards)] for name in names]
    header = ["contestant", *(f"{escaped(board.title)}: {label(board.main)}" for board in boards), "interval over"]
    notices = dict.fromkeys(notice for board in boards for notice in _notices(board))
    said = MISSING.format(ran=len(names), all=len(names) + len(absent)) if absent else PLACES
    return [table(header, rows), said, *notices]


def _absences(absent: Mapping[str, Entry]) -> str:
    """Return the part about those who could run nowhere, with their reasons; who shares one shares a line."""
    sharing: dict[str, list[str]] = {}
    for name, entry in absent.items():
        sharing.setdefault(_reason(entry), []).append(code(name))
    rows = [[", ".join(names), reason] for reason, names in sharing.items()]
    return f"## Not run here ({len(absent)})\n\n{table(['contestant', 'why'], rows, texts=2)}"


def _over(contestant: str, boards: Sequence[Board]) -> str:
    """Return what the intervals of a contestant cover, once where that is the same on all boards."""
    entries = (entry for board in boards for entry in board.entries if entry.contestant == contestant)
    return "; ".join(dict.fromkeys(said for entry in entries if (said := covered(entry)))) or "–"


def covered(entry: Entry) -> str:
    """Return what an interval covers: subjects only, or seeds as well; nothing where there is no interval."""
    if not entry.ran or interval(entry.summary, str(entry.summary["metric"])) == "n/a":
        return ""
    if entry.summary.get("interval") == "subjects and seeds":
        return f"subjects and {entry.seeds} seeds"
    return f"subjects only, {entry.seeds} seed{'s' * (entry.seeds > 1)}" if "seeds" in entry.summary else ALONE


def _main_cell(contestant: str, board: Board) -> str:
    """Return main metric, 95 % interval and misses of a contestant on a board, or why there are none."""
    entry = next((each for each in board.entries if each.contestant == contestant), None)
    if entry is None or not entry.ran:
        return escaped(entry.summary["status"]) if entry else "–"
    missed = f", {entry.summary['missed']} missed" if entry.summary["missed"] else ""
    value = _cell(entry, board.main, _podium(board, board.main)) + plus_minus(entry.summary, board.main)
    return f"{value} ({interval(entry.summary, board.main)}{missed})"


def section(board: Board) -> str:
    """Return the part about one data set: what it is, the main table, notes, and a table for each stratum."""
    parts = [f"## {escaped(board.title)}", _about(board)]
    parts += [*_notices(board), main_table(board), *_notes(board)]
    ran = [entry for entry in ranked(board) if entry.ran]
    for strata in _tables(ran):
        names = ", ".join(escaped("landmarks" if name == "points" else name) for name in strata)
        parts.append(f"**By {names}**\n\n{subset_table(board, ran, strata)}")
    parts += [f"{IN_MOVED}\n\n{moved_table(board, ran)}"] if _values(ran, MOVED) else []
    return "\n\n".join(parts)


def _notices(board: Board) -> list[str]:
    """Return what the numbers of a board must not be taken for."""
    return [NOTICES[board.origin]] if board.origin in NOTICES else [MACHINE] if board.machine else []


def main_table(board: Board) -> str:
    """Return the main table, contestants from best to worst, those that could not run with their reason."""
    names = _columns(board)
    if not names:
        return table(
            ["contestant", "numbers"], [[code(entry.contestant), _reason(entry)] for entry in ranked(board)]
        )
    marks = {name: _podium(board, name) for name in names}
    told = _finders(board)
    rows = []
    for entry in ranked(board):
        first, *rest = [_cell(entry, name, marks[name]) for name in names]
        if entry.ran:
            missed = f"{entry.summary['missed']} of {entry.summary['faces']}"
            first += plus_minus(entry.summary, names[0])
            rows.append([_name(entry, board), first, interval(entry.summary, names[0]), *rest, missed])
        else:
            rows.append([code(entry.contestant), _reason(entry), "", *[""] * len(rest), ""])
        rows[-1] += [covered(entry) or "–", *([_boxes(entry)] if told else [])]
    ends = ["missed ↓", "interval over", *["boxes"] * told]
    return table(["contestant", label(names[0]), "95 %", *map(label, names[1:]), *ends], rows)


def _columns(board: Board) -> list[str]:
    present = {name for entry in board.entries if entry.ran for name in entry.summary}
    return [
        name
        for column in (*COLUMNS[board.main], *DETECTION)
        for name in sorted(present, key=natural)
        if re.sub(r"@[0-9.]+", "@", name) == column
    ]


def subset_table(board: Board, ran: Sequence[Entry], strata: Sequence[str]) -> str:
    """Return the main metric of each part of the `strata`, with its number of faces, beside that of the
    whole.
    """
    parts = [(name, value) for name in strata for value in _values(ran, name)]
    rows = []
    for entry in ran:
        numbers = [entry.subsets.get(name, {}).get(value, {}).get(board.main) for name, value in parts]
        cells = [shown(board.main, number) for number in [*numbers, entry.summary.get(board.main)]]
        if any(number is not None for number in numbers):
            rows.append([_name(entry, board), *cells])
    titles = [f"{escaped(value)}{_size(ran, name, value)}" for name, value in parts]
    return table([label(board.main), *titles, "all"], rows)


def moved_table(board: Board, ran: Sequence[Entry]) -> str:
    """Return the main metric and the misses of those who were told moved boxes, that of the plain ones first."""
    variants = _values(ran, MOVED)
    rows = [
        [_name(entry, board), *(_with_misses(each, board.main) for each in (entry.summary, *told))]
        for entry in ran
        if (told := [entry.subsets.get(MOVED, {}).get(name, {}) for name in variants]) != [{}] * len(variants)
    ]
    titles = [re.sub(r"^(shift|scale)([0-9.]+)$", r"\1 \2 %", name) for name in variants]
    return table([label(board.main), "as they are", *titles], rows)


def _with_misses(summary: Summary, name: str) -> str:
    missed = f" ({summary['missed']} missed)" if summary.get("missed") else ""
    return shown(name, summary.get(name)) + missed


def interval(summary: Summary, name: str) -> str:
    """Return the bootstrap interval of a metric as printed; n/a where one subject or none was drawn from."""
    bounds = [summary.get(f"{name}_{end}") for end in ("low", "high")]
    return "n/a" if None in bounds else "–".join(shown(name, bound) for bound in bounds)


def plus_minus(summary: Summary, name: str) -> str:
    """Return the standard deviation of a metric over several seeds as printed behind it, nothing for one seed."""
    value = summary.get(f"{name}_seed_std")
    return "" if value is None else f" ± {shown(name, value)}"


def _several(board: Board) -> bool:
    return any(entry.seeds > 1 for entry in board.entries)


def _finders(board: Board) -> bool:
    """Whether any contestant got its boxes otherwise than with the faces."""
    return any(entry.summary.get("boxes", "prompt") != "prompt" for entry in board.entries if entry.ran)


def _boxes(entry: Entry) -> str:
    return code(str(entry.summary["boxes"])) if entry.summary.get("boxes") else "–"


def _tables(ran: Sequence[Entry]) -> list[list[str]]:
    """Return which strata share a table: the narrow ones do, wide ones and landmark groups stand alone."""
    names = sorted({name for entry in ran for name in entry.subsets} - {"points", MOVED})
    narrow = sorted(
        (name for name in names if len(_values(ran, name)) <= NARROW), key=lambda name: -len(_values(ran, name))
    )
    wide = [[name] for name in [*names, "points"] if name not in narrow and len(_values(ran, name)) > 1]
    return [narrow, *wide] if narrow else wide


def _values(ran: Sequence[Entry], stratum: str) -> list[str]:
    return sorted({value for entry in ran for value in entry.subsets.get(stratum, {})}, key=natural)


def _about(board: Board) -> str:
    numbers = [entry.summary for entry in board.entries if entry.ran]
    faces = f"{numbers[0]['faces']} faces" if numbers else "no contestant could run"
    # Terms and caveats of the real data set do not apply to what we made in its layout.
    card = board.report["card"] if board.origin == "real" else {}
    said = [card.get(key, "") for key in ("licence", "citation", "notes")]
    prompts = PROMPTS.get(board.report.get("boxes", ""), "")
    return " · ".join([code(board.dataset), faces, *(escaped(text) for text in (prompts, *said) if text)])


def _notes(board: Board) -> list[str]:
    ran = [entry for entry in board.entries if entry.ran]
    notes = []
    unprompted = max((entry.summary.get("unprompted", 0) for entry in ran), default=0)
    if unprompted:
        notes.append(f"{unprompted} faces have no box to crop from: whoever needs one misses them.")
    if any(not few_misses(entry.summary) for entry in ran):
        notes.append(
            "† misses more than 1 % of the prompted faces: its means leave out difficult ones and do not compete."
        )
    if any(few_misses(entry.summary) and not comparable(entry, board) for entry in ran):
        notes.append("‡ has not all landmarks of the others: compare it under *landmarks*.")
    notes += [FOUND] if _finders(board) else []
    counts = {code(entry.contestant): entry.summary.get("failed_frames", 0) for entry in ran}
    failed = ", ".join(f"{name} ({count})" for name, count in counts.items() if count)
    notes += [f"Frames on which a contestant raised an error, which are misses: {failed}."] if failed else []
    notes += [
        f"Landmarks of {code(name)} are provisional: {escaped(provisional(name))}."
        for name in sorted(board.report.get("vocabularies", {}))
        if provisional(name) and board.origin == "real"
    ]
    return ["\n\n".join(notes)] if notes else []


def _name(entry: Entry, board: Board) -> str:
    if comparable(entry, board):
        return code(entry.contestant)
    return code(entry.contestant) + (" ‡" if few_misses(entry.summary) else " †")


def _reason(entry: Entry) -> str:
    return f"*{escaped(str(entry.summary['status']))}: {escaped(str(entry.summary.get('reason', '')))}*"


def _podium(board: Board, name: str) -> list[str]:
    """Return the best and second-best printed values of a column, of those that may compete in it."""
    metric = describe(name)
    if metric.higher_is_better is None:
        return []
    counted = [
        entry.summary[name]
        for entry in board.entries
        if name in entry.summary
        and (comparable(entry, board) or (metric.counts_misses and not few_misses(entry.summary)))
    ]
    best = sorted(set(counted), reverse=bool(metric.higher_is_better))
    # Of two contestants the loser is not honoured.
    return list(dict.fromkeys(shown(name, value) for value in best))[: 2 if len(counted) > 2 else 1]


def _cell(entry: Entry, name: str, podium: Sequence[str]) -> str:
    text = shown(name, entry.summary.get(name))
    if text not in podium:
        return text
    return f"**{text}**" if text == podium[0] else f"<ins>{text}</ins>"


def _size(ran: Sequence[Entry], stratum: str, value: str) -> str:
    if stratum == "points":
        return ""
    faces = max(entry.subsets.get(stratum, {}).get(value, {}).get("faces", 0) for entry in ran)
    return f" ({faces})"
