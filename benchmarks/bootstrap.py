"""The interval of a mean over faces that come in subjects, against loops in Python and `scipy.stats.bootstrap`.

`python benchmarks/bootstrap.py [--faces 200000] [--points 68] [--replicates 1000] [--naive 5]`

Every way starts from the errors of points (N, K) and resamples whole subjects: with 100 faces of each, then with
one. The naive loop collects the points of the drawn subjects and takes their mean; the second loop adds up means
of faces, which are taken once. Both are timed in a few resamples and multiplied. scipy's knows no subjects: it is
given the sum and the number of faces of each. Ours takes means of faces in chunks, and subjects by their names.
Memory is what was held more than before, beside the errors themselves.
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and torch, which read its switches once)

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scale import Peak, held, watched
from scipy import stats

from thermark.metrics.bootstrap import interval
from thermark.metrics.distances import per_face

CHUNK = 10_000  # faces whose points are looked at at once
Bounds = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = {"faces": 200_000, "points": 68, "replicates": 1000, "naive": 5}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"{chosen.faces:,} faces x {chosen.points} points, {chosen.replicates:,} resamples of subjects\n")
    print("| subjects | way | seconds | ratio | MB | 95 % interval |\n| ---: | --- | ---: | ---: | ---: | --- |")
    for subjects in (max(chosen.faces // 100, 2), chosen.faces):
        member = rng.integers(0, subjects, chosen.faces)
        names = np.array([f"subject-{number:06d}" for number in range(subjects)])[member]
        errors = made(rng, member, chosen.points)
        slow = 0.0
        for way, work in {
            f"naive loop over points, from {chosen.naive} resamples": over_points,
            f"loop over means of faces, from {chosen.naive} resamples": over_faces,
            "scipy.stats.bootstrap": scipys,
            "ours": lambda errors, _, count, names=names: (0.0, interval(means(errors), names, count, 0)),
        }.items():
            looped = work in (over_points, over_faces)
            count = chosen.naive if looped else chosen.replicates
            seconds, (once, bounds), memory = measured(partial(work, errors, member, count))
            if looped:  # what is done once is not multiplied
                seconds, bounds = once + (seconds - once) * chosen.replicates / count, None
            slow = slow or seconds
            said = f"{bounds[0]:.4f} to {bounds[1]:.4f}" if bounds else ""
            print(f"| {subjects:,} | {way} | {seconds:.2f} | {slow / seconds:,.0f} | {memory:,.0f} | {said} |")


def made(rng: np.random.Generator, member: np.ndarray, points: int) -> np.ndarray:
    """Return errors of points (N, K) in px, float32: hard subjects, one point in a hundred unlabelled."""
    hard = rng.gamma(4.0, 0.5, member.max() + 1).astype(np.float32)
    errors = np.empty((len(member), points), np.float32)
    for start in range(0, len(member), CHUNK):
        part = errors[start : start + CHUNK]
        part[:] = rng.standard_gamma(2.0, part.shape, np.float32) * hard[member[start : start + CHUNK], None]
        part[rng.random(part.shape, np.float32) < 0.01] = np.nan
    return errors


def means(errors: np.ndarray) -> np.ndarray:
    """Return the mean error of each face (N,), a chunk at a time."""
    starts = range(0, len(errors), CHUNK)
    return np.concatenate([per_face(errors[start : start + CHUNK]) for start in starts])


def over_points(errors: np.ndarray, member: np.ndarray, replicates: int) -> tuple[float, None]:
    """Take means of the collected points of drawn subjects; return the seconds of what is done once."""
    start = time.perf_counter()
    order = np.argsort(member, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(member))[:-1])
    once = time.perf_counter() - start
    rng = np.random.default_rng(0)
    for _ in range(replicates):
        drawn = rng.integers(0, len(rows), len(rows))
        np.nanmean(np.concatenate([errors[rows[subject]] for subject in drawn]), axis=1).mean()
    return once, None


def over_faces(errors: np.ndarray, member: np.ndarray, replicates: int) -> tuple[float, None]:
    """Add up means of faces of drawn subjects one by one; return the seconds of what is done once."""
    start = time.perf_counter()
    faces: list[list[float]] = [[] for _ in range(member.max() + 1)]
    for subject, value in zip(member.tolist(), means(errors).tolist(), strict=True):
        faces[subject].append(value)
    once = time.perf_counter() - start
    rng = np.random.default_rng(0)
    for _ in range(replicates):
        total, count = 0.0, 0
        for subject in rng.integers(0, len(faces), len(faces)).tolist():
            for value in faces[subject]:
                total += value
                count += 1
    return once, None


def scipys(errors: np.ndarray, member: np.ndarray, replicates: int) -> tuple[float, Bounds]:
    """Return scipy's percentile interval of the same mean."""
    sums, counts = np.bincount(member, means(errors)), np.bincount(member)
    found = stats.bootstrap(
        (sums, counts),
        lambda total, count, axis: total.sum(axis=axis) / count.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=replicates,
        batch=max(1, 1_000_000 // len(sums)),
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return 0.0, (float(found.low), float(found.high))


def measured(
    work: Callable[[], tuple[float, Bounds | None]],
) -> tuple[float, tuple[float, Bounds | None], float]:
    """Return the seconds of the work, what it gave, and how many MB more than before were held during it."""
    before, peak = held(), Peak()
    with watched(peak, 0.005):
        start = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - start
    return seconds, result, max(peak.bytes - before, 0) / 1e6


if __name__ == "__main__":
    main()
