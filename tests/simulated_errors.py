"""Simulated errors of contestants on faces that come in subjects, with a truth that is known."""

import numpy as np

from thermark.metrics.permutation import FLIPS, sign_flips, subject_means


def grouped(rng, subjects, faces=(5, 25)):
    """Return the subject of each face: unequal numbers of faces, at least `faces[0]` and fewer than `faces[1]`."""
    return np.repeat(np.arange(subjects), rng.integers(*faces, subjects)).astype(str)


def of_subjects(rng, names, spread):
    """Return a normal effect of each face's subject, (N,)."""
    subjects, member = np.unique(names, return_inverse=True)
    return rng.normal(0, spread, len(subjects))[member]


def contestant(values, names):
    """Return per-face errors (N,), or of each seed (S, N), as `paired` takes them, in a column `error`."""
    values = np.asarray(values, float)
    seeds = {"per_seed": values} if values.ndim == 2 else {}
    faces = values.mean(axis=0) if seeds else values
    return {"ids": np.arange(len(names)).astype(str), "subjects": np.asarray(names), "error": faces} | seeds


def recipes(rng, count, subjects, of_seeds, seeds=3):
    """Return `count` trained contestants of equal merit, each better on some subjects, and its seeds on others."""
    names = grouped(rng, subjects, (2, 6))
    hard = 5 + of_subjects(rng, names, 1.0)
    made = {}
    for index in range(count):
        errors = hard + of_subjects(rng, names, 0.3)
        made[f"c{index}"] = contestant([errors + seed(rng, names, of_seeds) for _ in range(seeds)], names)
    return made


def seed(rng, names, spread):
    """Return what a seed does to each face (N,): to all alike, to each subject, and to each face."""
    return rng.normal(0, spread) + of_subjects(rng, names, 0.3) + rng.normal(0, 0.1, len(names))


def margin(rate, studies):
    """Return three standard errors of a rate over so many simulated studies."""
    return 3 * np.sqrt(rate * (1 - rate) / studies)


def sign_flip(gaps, subjects, flips=FLIPS):
    """Return the two-sided p of per-face differences (N,), of the means of their subjects."""
    return sign_flips(subject_means(gaps, subjects)[None], flips)[0]
