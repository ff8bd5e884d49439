"""Random generators seeded by name, so that adding a model or a subject changes no other numbers."""

import hashlib

import numpy as np


def rng(seed: int, *keys: str | int) -> np.random.Generator:
    """Return the generator that belongs to `keys` under the root `seed`.

    The same seed and keys give the same stream on every machine; different keys give independent streams.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, integer(*keys)]))


def integer(*keys: str | int) -> int:
    """Return a 64-bit integer that depends on nothing but `keys` (not on PYTHONHASHSEED)."""
    text = "\x1f".join(f"{type(key).__name__}:{key}" for key in keys)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def distinct(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of a list in params.yaml; raises ValueError for one that stands there twice."""
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise ValueError(f"{twice[0]} stands there more than once")
    return numbers
