"""The protocol for everybody: the ordinary evaluation of the test noses, arranged for comparison."""

from collections.abc import Mapping
from typing import Any

from thermark.bakeoff.inputs import Contestant, Study
from thermark.report.numbers import natural

METRICS = (
    *("faces", "missed", "recall", "precision", "predictions", "extra"),
    *("pck@3px", "pck@5px", "pck@10px", "pck@20px", "error_px_mean", "error_px_median"),
)
RANKS = "pck@5px"
STRATUM = "distance"
Numbers = dict[str, float]


def numbers(summary: Mapping[str, Any]) -> Numbers:
    """Return what the bake-off shows of a summary."""
    return {name: summary[name] for name in METRICS if name in summary}


def ordered(study: Study) -> list[Contestant]:
    """Return the contestants that ran, the one with the most noses within 5 px first."""
    return sorted(study.ran, key=lambda each: (-each.summary.get(RANKS, 0.0), each.name))


def distances(study: Study) -> list[str]:
    """Return the distances at which noses were scored, nearest first."""
    return sorted({value for each in study.ran for value in each.subsets.get(STRATUM, {})}, key=natural)


def by_distance(each: Contestant) -> dict[str, Numbers]:
    """Return the numbers of a contestant for each distance that has scored noses."""
    return {value: numbers(summary) for value, summary in each.subsets.get(STRATUM, {}).items()}
