"""Figures as Vega-Lite specifications, pure functions of records, and a sentence for each."""

from thermark.report.page.figures.cost import alt_pareto, pareto
from thermark.report.page.figures.distributions import (
    alt_ced,
    alt_parts,
    alt_subjects,
    called,
    ced,
    parts,
    strata,
    subjects,
)
from thermark.report.page.figures.face import alt_landmarks, landmarks
from thermark.report.page.figures.learning import alt_budget, alt_training, budget, training
from thermark.report.page.figures.pairs import alt_families, alt_matrix, families, matrix
from thermark.report.page.figures.ranks import alt_leaderboard, leaderboard

__all__ = [
    "alt_budget",
    "alt_ced",
    "alt_families",
    "alt_landmarks",
    "alt_leaderboard",
    "alt_matrix",
    "alt_pareto",
    "alt_parts",
    "alt_subjects",
    "alt_training",
    "budget",
    "called",
    "ced",
    "families",
    "landmarks",
    "leaderboard",
    "matrix",
    "pareto",
    "parts",
    "strata",
    "subjects",
    "training",
]
