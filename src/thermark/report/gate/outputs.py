"""Reports of the gate: Markdown for people, JSON for programs, JUnit for CI."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

from thermark.core import files
from thermark.report.gate.judge import Judgement, Verdict
from thermark.report.markdown import code, escaped, table
from thermark.report.number_format import shown

ORDER: tuple[Verdict, ...] = ("regression", "cannot compare", "inconclusive", "improved", "new", "ok")
MOST = 60  # rows of a table that somebody will read
PLAIN = ("parameters", "macs")
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def markdown(rows: Sequence[Judgement], base: str, head: str, strict: bool = False) -> str:
    """Return a heading with the counts, and a table of all that is not simply ok, the worst first.

    `strict`: what is inconclusive fails.
    """
    counts = Counter(row.verdict for row in rows)
    summary = (
        ", ".join(f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict]) or "nothing to compare"
    )
    parts = [f"## {_outcome(rows, strict)}", f"{code(base)} against {code(head)}: {summary}."]
    notable = sorted((row for row in rows if row.verdict != "ok"), key=lambda row: ORDER.index(row.verdict))
    if notable:
        header = ["verdict", "data set", "contestant", "metric", "base", "head", "difference", "95 %", "margin"]
        cells = [_cells(row) for row in notable[:MOST]]
        parts.append(table([*header, "why"], cells, texts=4))
    if len(notable) > MOST:
        parts.append(f"{len(notable) - MOST} more are in the JSON.")
    return "\n\n".join(parts) + "\n"


def write_json(path: Path, rows: Sequence[Judgement], base: str, head: str, code: int) -> None:
    """Write every row, and the exit code that follows."""
    files.write_json(path, {"base": base, "head": head, "exit": code, "rows": [asdict(row) for row in rows]})


def write_junit(path: Path, rows: Sequence[Judgement], strict: bool = False) -> None:
    """Write a test case a row; a regression is a failure, what cannot be compared an error.

    A doubt is skipped, and fails where `strict`.
    """
    kinds = {
        "regression": "failure",
        "cannot compare": "error",
        "inconclusive": "failure" if strict else "skipped",
    }
    counts = Counter(kinds.get(row.verdict) for row in rows)
    suite = ElementTree.Element(
        "testsuite",
        name="thermark compare",
        tests=str(len(rows)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
    )
    for row in rows:
        name = " ".join(filter(None, [row.contestant, row.metric])) or "data set"
        about = {"classname": _xml(f"thermark.{row.dataset}"), "name": _xml(name)}
        case = ElementTree.SubElement(suite, "testcase", about)
        if kind := kinds.get(row.verdict):
            ElementTree.SubElement(case, kind, message=_xml(row.reason or row.verdict))
    ElementTree.indent(suite)
    files.write_text(path, ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n")


def _xml(text: str) -> str:
    """Return text without the characters that no XML can hold, such as those that colour a terminal."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _outcome(rows: Sequence[Judgement], strict: bool) -> str:
    verdicts = {row.verdict for row in rows}
    if "regression" in verdicts:
        return "Worse"
    if strict and "inconclusive" in verdicts:
        return "Inconclusive"
    return "Cannot compare" if "cannot compare" in verdicts else "No regression"


def _cells(row: Judgement) -> list[str]:
    bounds = "–" if row.low is None else f"{_number(row, row.low, '+')} to {_number(row, row.high, '+')}"
    numbers = [_number(row, row.base), _number(row, row.head), _number(row, row.difference, "+"), bounds]
    contestant = code(row.contestant) if row.contestant else "all"
    return [
        row.verdict,
        code(row.dataset),
        contestant,
        row.metric,
        *numbers,
        _number(row, row.margin),
        escaped(row.reason),
    ]


def _number(row: Judgement, value: float | None, sign: str = "") -> str:
    if value is None:
        return "–"
    if row.metric in PLAIN:
        return f"{value:{sign},.0f}"
    try:
        text = shown(row.metric, abs(value)) if sign else shown(row.metric, value)
    except (ValueError, TypeError):
        text = f"{abs(value) if sign else value:g}"
    return f"{'−' if value < 0 else '+'}{text}" if sign else text
