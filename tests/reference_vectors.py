"""Weights and inputs of the RTMPose reference vectors, made from names and shapes alone."""

import zlib
from collections.abc import Iterable, Sequence

import numpy as np

SEED = 20250731
INPUT_SEED = 68256


def weights(entries: Iterable[tuple[str, Sequence[int]]], seed: int = SEED) -> dict[str, np.ndarray]:
    """Return an array for each (key, shape) of a state_dict: float32, counters int64."""
    return {key: _tensor(key, tuple(shape), seed) for key, shape in entries}


def _tensor(key: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.array(100, np.int64)
    # The legacy generator: its streams are frozen, which those of default_rng are not.
    stream = np.random.RandomState(zlib.crc32(f"{seed}:{key}".encode()))
    normal = stream.standard_normal(shape)
    spread = {
        "running_mean": (0.0, 0.2),
        "bias": (0.0, 0.1),
        "beta": (0.0, 0.1),
        "gamma": (0.4, 0.2),
        "g": (1.0, 0.2),
        "scale": (1.0, 0.2),
    }
    if leaf == "running_var":
        value = np.exp(0.8 * normal - 1.6)
    elif leaf in spread:
        centre, width = spread[leaf]
        value = centre + width * normal
    elif len(shape) == 1:
        # Small gains at the end of the residual branches keep the signal in range.
        value = (1 + 0.2 * normal) * (0.35 if ".blocks." in key and "pointwise" in key else 1.0)
    elif len(shape) == 2:
        value = normal * np.sqrt((0.5 if ".uv." in key else 1.0) / shape[1])
    else:
        gain = 0.35 if key.endswith(".conv.weight") else 1.0
        value = normal * np.sqrt(gain / (shape[1] * shape[2] * shape[3]))
    return value.astype(np.float32)


def images(seed: int = INPUT_SEED) -> np.ndarray:
    """Return two normalised images (2, 3, 256, 256) float32: six plane waves a channel, and noise."""
    stream = np.random.RandomState(seed)
    rows, columns = np.meshgrid(np.arange(256) / 256, np.arange(256) / 256, indexing="ij")
    stack = np.zeros((2, 3, 256, 256))
    for channel in stack.reshape(6, 256, 256):
        for _ in range(6):
            fx, fy = stream.uniform(-8, 8, 2)
            phase, height = stream.uniform(0, 2 * np.pi), stream.uniform(0.2, 0.7)
            channel += height * np.sin(2 * np.pi * (fx * columns + fy * rows) + phase)
    return (stack + 0.5 * stream.standard_normal(stack.shape)).astype(np.float32)
