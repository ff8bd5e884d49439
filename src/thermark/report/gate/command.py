"""`thermark compare BASE [HEAD]`: exit 0 nothing is worse, 1 something is, 2 they cannot be compared."""

import argparse
import sys

from thermark.core import files
from thermark.core.config import section
from thermark.core.errors import DataError, ThermarkError
from thermark.metrics.registry import describe
from thermark.report.gate import outputs
from thermark.report.gate.gate_config import Config
from thermark.report.gate.judge import Judgement, exit_code, judge
from thermark.report.gate.sources import Side, side


class Incomparable(ThermarkError):
    """Results that are missing, damaged or about something else (exit 2)."""

    code = 2


def compare(options: argparse.Namespace) -> None:
    """Compare two sides and leave the process with the exit code that follows."""
    config = section(options.params, "gate", Config)
    for name in config.margins:
        describe(name)
    base, head = (_side(name, config.results) for name in (options.base, options.head))
    rows = judge(base, head, config)
    if not any(row.contestant for row in rows) and not any(row.verdict != "new" for row in rows):
        raise Incomparable(f"{base.name} and {head.name} have no data set in common", "compare other results")
    names, code = _names(base, head), exit_code(rows, options.strict)
    _write(options, rows, names, code)
    if code:
        sys.exit(code)


def _side(name: str, results: str) -> Side:
    try:
        return side(name, results)
    except DataError as error:
        raise Incomparable(error.cause, error.remedy) from error


def _names(base: Side, head: Side) -> tuple[str, str]:
    """Return the names of both sides in reports."""
    first, second = (f"{one.name} ({one.commit[:9]})" if one.commit else one.name for one in (base, head))
    return first, "the working tree" if second == "." else second


def _write(options: argparse.Namespace, rows: list[Judgement], names: tuple[str, str], code: int) -> None:
    text = outputs.markdown(rows, *names, options.strict)
    print(text, end="")
    if options.markdown:
        files.write_text(options.markdown, text)
    if options.json:
        outputs.write_json(options.json, rows, *names, code)
    if options.junit:
        outputs.write_junit(options.junit, rows, options.strict)
