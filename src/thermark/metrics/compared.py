"""Comparisons of contestants on the same faces: of one pair, of declared pairs, or of all pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from thermark.core.config import Section
from thermark.metrics.distances import Floats
from thermark.metrics.family import Pair
from thermark.metrics.paired import Errors, Paired, paired_with_spread, per_seed, require_same_faces
from thermark.metrics.permutation import FLIPS, sign_flips, subject_means
from thermark.metrics.spread import Spread

LEVEL = 0.05
NO_FACE = "no face found by both"
ONE_SUBJECT = "no interval"
UNDETECTABLE = "below the minimal detectable effect"
JITTER = "below the jitter floor"


class Config(Section):
    """How contestants are compared.

    `cap`: the error that a miss counts as on all faces, and the largest that any face counts as, in the errors'
    unit. `bootstrap`: replicates of an interval; `flips`: patterns of signs that are drawn where there are too
    many subjects to look at all.
    """

    cap: PositiveFloat
    bootstrap: PositiveInt = 1000
    flips: PositiveInt = FLIPS
    seed: NonNegativeInt = 0


@dataclass(frozen=True)
class Comparison(Paired):
    """The error of a minus that of b, and how far it can be believed.

    `difference`, `low` and `high` are over the `faces` that both found, of so many `subjects`. `p` is two-sided,
    of subject means, and covers what `varied` names: with several seeds it is the larger of the permutation's
    and of that at which the interval meets zero; None with fewer than two subjects. `detectable`: the minimal
    detectable effect. `capped`: the difference over all faces that are labelled for both, errors cut off at the
    cap and misses counted as it. `grey`: why the difference is too small to be reported, or empty.
    """

    subjects: int
    p: float | None
    detectable: float | None
    capped: float | None
    grey: str

    def shown(self, adjusted: float | None = None) -> bool:
        """Whether a and b differ significantly: by verdict and p, `adjusted` in a family, and not grey."""
        p = self.p if adjusted is None else adjusted
        verdict = self.verdict in ("lower error", "higher error")
        return verdict and p is not None and p <= LEVEL and not self.grey

    def mirrored(self) -> "Comparison":
        """Return the comparison of b with a."""
        return replace(
            self,
            difference=_minus(self.difference),
            low=_minus(self.high),
            high=_minus(self.low),
            seeds=self.seeds[::-1],
            capped=_minus(self.capped),
        )


def compare(a: Errors, b: Errors, column: str, config: Config, floor: float = 0.0) -> Comparison:
    """Compare two contestants by the per-face errors `column`, as `paired.paired` does and from the same input.

    `floor`: what either moves by under shifts of its input that change nothing, the larger of both, in the unit of
    the errors. Raises DataError for different faces.
    """
    return pairwise({"a": a, "b": b}, column, config, {"a": floor})["a", "b"]


def pairwise(
    contestants: Mapping[str, Errors],
    column: str,
    config: Config,
    floors: Mapping[str, float] | None = None,
    pairs: Sequence[Pair] | None = None,
) -> dict[Pair, Comparison]:
    """Compare `pairs` of contestants on the same faces, each with each where none are named, in their order.

    A pair with an absent contestant is left out. `floors`: contestant -> its jitter floor; that of a pair is
    the larger. All see the same resamples and patterns of signs, so a pair's numbers do not depend on the other
    contestants. Raises DataError for different faces.
    """
    if not contestants:
        return {}
    first = next(iter(contestants.values()))
    for errors in contestants.values():
        require_same_faces(first, errors, column)
    # Numbers in the order of names: sorting text again for each pair would take most of the time.
    codes = np.unique(first["subjects"], return_inverse=True)[1]
    coded = {name: {**errors, "subjects": codes} for name, errors in contestants.items()}
    named = combinations(contestants, 2) if pairs is None else pairs
    pairs = [(a, b) for a, b in named if a in contestants and b in contestants]
    if not pairs:
        return {}
    means = np.array([_gaps(coded[a], coded[b], column) for a, b in pairs]).reshape(len(pairs), -1)
    flipped = sign_flips(means, config.flips, config.seed)
    jitter = floors or {}
    return {
        (a, b): _compared(coded[a], coded[b], column, config, p, max(jitter.get(a, 0.0), jitter.get(b, 0.0)))
        for (a, b), p in zip(pairs, flipped.tolist(), strict=True)
    }


def _compared(a: Errors, b: Errors, column: str, config: Config, flipped: float, floor: float) -> Comparison:
    pair, spread = paired_with_spread(a, b, column, config.bootstrap, config.seed)
    rows = [per_seed(errors, column) for errors in (a, b)]
    labelled = ~np.isnan(rows[0]).any(axis=0) & ~np.isnan(rows[1]).any(axis=0)
    return Comparison(
        **vars(pair),
        subjects=spread.subjects if spread else len(np.unique(a["subjects"][_found_by_both(a, b, column)])),
        p=_p(flipped, pair, spread),
        detectable=spread.detectable() if spread else None,
        capped=_capped([row[:, labelled] for row in rows], pair, config),
        grey=_grey(pair, spread, floor),
    )


def _found_by_both(a: Errors, b: Errors, column: str) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(a[column]) & np.isfinite(b[column]))


def _gaps(a: Errors, b: Errors, column: str) -> Floats:
    """Return the mean difference of each subject (G,), NaN where both found none of its faces."""
    kept = _found_by_both(a, b, column)
    return subject_means(np.where(kept, a[column], np.nan) - np.where(kept, b[column], np.nan), a["subjects"])


def _p(flipped: float, pair: Paired, spread: Spread | None) -> float | None:
    if spread is None or not np.isfinite(flipped):
        return None
    # Flipping signs covers no variation between trainings: with several seeds, the interval counts too.
    return max(flipped, spread.p()) if pair.varied == "subjects and seeds" else flipped


def _capped(rows: Sequence[Floats], pair: Paired, config: Config) -> float | None:
    """Return the difference of errors (S, N) that are cut off at the cap."""
    if not rows[0].size:
        return None
    a, b = (np.minimum(row, config.cap) for row in rows)
    if pair.varied == "subjects":
        a, b = a.mean(axis=0), b.mean(axis=0)
    return float(a.mean() - b.mean())


def _grey(pair: Paired, spread: Spread | None, floor: float) -> str:
    if pair.difference is None:
        return NO_FACE
    if spread is None:
        return ONE_SUBJECT
    size = abs(pair.difference)
    reasons = {UNDETECTABLE: spread.detectable(), JITTER: floor}
    return ", ".join(reason for reason, least in reasons.items() if size < least)


def _minus(value: float | None) -> float | None:
    return None if value is None else 0.0 - value  # and no zero with a sign
