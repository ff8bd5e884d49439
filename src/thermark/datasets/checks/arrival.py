"""What is said of a data set on arrival: the checks that must hold, and a short report."""

from collections.abc import Iterator
from typing import Any

from thermark.core.errors import DataError
from thermark.datasets.readers.loaded import Check, Findings, Source

LINES = 25
WIDTH = 160
KELVIN = 273.15
# What raw values of 16-bit cameras stand for, and how it is written.
SCALES = {0.01: "raw/100", 0.1: "raw/10", 0.04: "raw * 0.04"}


def require(findings: Findings) -> None:
    """Raise DataError, naming the first, when a check failed."""
    for check in findings.checks:
        if check.verdict == "failed":
            cause = f"{check.name}: expected {check.expected}, found {check.found}"
            raise DataError(cause, check.remedy or "see the data report")


def face_temperature(median: float, config: Source) -> list[Check]:
    """Return the check of the faces' median temperature (deg C) against `config.plausible`, where there is one.

    A failed one lists what other scales of raw values would give, where `config` has scale and offset. NaN, the
    median of pictures, is not checked.
    """
    plausible = getattr(config, "plausible", None)
    if plausible is None or median != median:
        return []
    low, high = plausible
    expected, found = f"{low:g} to {high:g} deg C", f"the median face has {median:.1f} deg C"
    if low <= median <= high:
        return [Check("face temperature", expected, found, "ok")]
    scale, offset = getattr(config, "scale", None), getattr(config, "offset", None)
    others = _other_scales((median - offset) / scale, scale, low, high) if scale and offset is not None else ""
    remedy = "correct scale and offset of the data set in params.yaml"
    return [Check("face temperature", expected, found + others, "failed", remedy)]


def _other_scales(raw: float, used: float, low: float, high: float) -> str:
    """Return what other scales would make of a raw value, the plausible ones where there are any."""
    degrees = {name: raw * scale - KELVIN for scale, name in SCALES.items() if abs(scale / used - 1) > 0.01}
    fitting = {name: value for name, value in degrees.items() if low <= value <= high}
    listed = (fitting or degrees).items()
    text = " and ".join(f"{name} - {KELVIN} would give {value:.1f}" for name, value in listed)
    return f"; {text}" + ("" if fitting else ", which is no face either")


def lines(report: dict[str, Any]) -> list[str]:
    """Return a data report (`checks.report`) in about `LINES` lines: what is there, what is amiss, all checks."""
    head, checks = list(_head(report)), [_check(check) for check in report.get("checks", [])]
    kinds = list(_found(report["found"]))
    room = max(LINES - len(head) - len(checks), 1)
    if len(kinds) > room:
        kinds = [*kinds[: room - 1], f"  and {len(kinds) - room + 1} kinds more, see the data report"]
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..." for line in [*head, *kinds, *checks]]


def _head(report: dict[str, Any]) -> Iterator[str]:
    yield f"{report['card']['title']} ({report['origin']})"
    subjects = "" if report["subjects"] == report["frames"] else f", {report['subjects']:,} subjects"
    yield f"  {report['frames']:,} frames, {report['faces']:,} faces{subjects}"
    yield f"  splits: {_counts(report['splits'])}"
    celsius = report.get("median_face_celsius")
    warm = "" if celsius is None else f", median face {celsius:.1f} deg C"
    sizes = report["frame_sizes"]
    frames = next(iter(sizes)) if len(sizes) == 1 else _counts(sizes)
    yield f"  frames of {frames} px; median box {report['median_box_width']:.0f} px wide{warm}"


def _counts(counts: dict[str, int], most: int = 4) -> str:
    parts = [f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1])]
    return ", ".join([*parts[:most], *([f"and {len(parts) - most} more"] if len(parts) > most else [])])


def _found(found: dict[str, Any]) -> Iterator[str]:
    """Yield one line a kind, warnings in their own words."""
    for kind, entry in sorted(found.items()):
        examples = entry["examples"]
        if kind == "warning":
            yield from (f"  warning: {text}" for text in examples)
        else:
            yield f"  {entry['count']:,} x {kind.replace('_', ' ')}, first: {examples[0]}"


def _check(check: dict[str, str]) -> str:
    text = f"  {check['verdict']:<7} {check['name']}: {check['found']}"
    if check["verdict"] == "ok":
        return text
    return f"{text}; expected {check['expected']}" + (f" ({check['remedy']})" if check["remedy"] else "")
