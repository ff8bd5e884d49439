"""Canaries of numbers without networks: a bootstrap, and functions of numpy, scipy and libm on fixed values."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from thermark.core import geometry, seeds
from thermark.metrics import bootstrap

Arrays = Iterator[np.ndarray]


def bootstrapping() -> Arrays:
    """Yield intervals of a mean over three seeds of a run, and of a difference of two runs."""
    drawn = seeds.rng(0, "canary", "errors")
    values = drawn.gamma(2.0, size=(3, 200))
    subjects = np.array([f"s{number:02d}" for number in drawn.integers(0, 20, 200)])
    yield np.array(bootstrap.interval(values, subjects, 500, 0))
    yield np.array(bootstrap.difference(values, values[::-1] * 0.9, subjects, 500, 0))


def functions() -> Arrays:
    """Yield sums, products, matrices, distributions and elementary functions in both precisions."""
    drawn = seeds.rng(0, "canary", "values")
    for kind in (np.float32, np.float64):
        x: NDArray[Any] = drawn.standard_normal(5000).astype(kind)
        table = x.reshape(50, 100)
        yield np.array([x.sum(), x.mean(), x.std(), np.dot(x, x), np.linalg.norm(x), *np.quantile(x, [0.1, 0.9])])
        yield from (table @ table.T, table.sum(axis=0), table.sum(axis=1), np.einsum("ij,j->i", table, table[0]))
        yield from (np.linalg.inv(table[:20, :20]), *np.linalg.svd(table[:, :20], full_matrices=False))
        yield from (function(x) for function in (np.exp, np.sin, np.cos, np.arctan, np.tanh, np.cbrt))
        yield from (
            np.log(np.abs(x) + 1),
            np.abs(x) ** kind(1 / 2.2),
            np.arctan2(x, x[::-1]),
            np.hypot(x, x[::-1]),
        )
        yield from (special.ndtr(x), special.ndtri(special.expit(x)), special.erf(x))
    yield geometry.invert(drawn.standard_normal((50, 2, 3)))
    yield from (
        drawn.gamma(2.0, size=500),
        drawn.beta(2, 3, 500),
        drawn.lognormal(size=500),
        drawn.poisson(3, 500),
    )
    yield np.array([math.exp(v) + math.sin(v) * math.pow(abs(v) + 1, 1.7) + math.tan(v) for v in x[:500]])
