"""Pictures that are nearly the same in two splits: found by perceptual hash, listed, and refused when many.

The hash is Zauner's (Implementation and Benchmarking of Perceptual Image Hash Functions, 2010), with 256 bits in
place of 64: by 64 bits, two rendered heads before the same wall differ no more than a picture and its JPEG.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError
from thermark.core.faces import Faces
from thermark.datasets.readers.loaded import Findings

SIDE = 64  # px of the reduced picture
BLOCK = 16  # frequencies along either axis, the constant one left out
WORDS = BLOCK * BLOCK // 64
FEWEST = 64  # bits that a picture with something on it sets at least: half of them is the rule
# Bits. Of 19 in 20 rendered frames, a copy with noise, as JPEG or resized is 7 or nearer, one shifted by a pixel 8
# (512 px wide) to 22 (192 px); the nearest two of different splits are 25 apart (ThermEval), 31 and 50.
DISTANCE = 16
LISTED = 1000
TILE = (16, 8192)  # pairs that are compared at once: what fits a cache of the processor

Hashes = NDArray[np.uint64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Matches:
    """Near pairs across splits: `pairs`, the closest as (row, row, bits); `count`, of all; `rows`, those with one.

    Of pictures with the same hash in the same split, `pairs` names the first.
    """

    pairs: list[tuple[int, int, int]]
    count: int
    rows: NDArray[np.bool_]


def perceptual(image: NDArray[np.uint8]) -> Hashes:
    """Return the hash (4,) uint64 of a grey (H, W) or RGB (H, W, 3) picture, zeros where there is nothing to tell.

    A bit is set where a low frequency of the picture, reduced to 64 x 64, is above the median of all (rounded, so
    that noise decides less). A picture that is constant, or varies along one axis only, has the hash of zeros.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    block = np.rint(cv2.dct(small)[1 : BLOCK + 1, 1 : BLOCK + 1]).ravel()
    bits = block > np.median(block)
    if bits.sum() < FEWEST:
        return np.zeros(WORDS, np.uint64)
    # Every word gets its share of coarse and fine: a part of the hash then is as telling as another.
    return np.packbits(bits.reshape(64, WORDS).T.ravel()).view(np.uint64)


def across(hashes: Hashes, splits: NDArray[np.str_], distance: int = DISTANCE, listed: int = LISTED) -> Matches:
    """Return all pairs of rows of `hashes` (N, W) whose `splits` (N,) differ, and the bits by at most `distance`.

    Hashes of zeros and rows without a split match nothing. All pairs are compared, tile by tile: at 1 to 3 ns a
    pair, 200,000 pictures in shares of 90, 5 and 5 take seconds, where look-alikes would spoil an index.
    """
    rows = np.flatnonzero(hashes.any(axis=1) & (splits != ""))
    matched = np.zeros(len(hashes), np.bool_)
    if not len(rows):
        return Matches([], 0, matched)
    names, split = np.unique(splits[rows], return_inverse=True)
    keys = np.column_stack([split.astype(np.uint64), hashes[rows]])
    unique, first, inverse, copies = np.unique(
        keys, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    starts = np.searchsorted(unique[:, 0], np.arange(len(names) + 1))
    near = np.zeros(len(unique), np.bool_)
    closest, count = np.zeros((0, 3), np.intp), 0
    for i, j, bits in _between(unique[:, 1:], starts, distance):
        near[i] = near[j] = True
        count += int((copies[i] * copies[j]).sum())
        if len(closest) == listed:  # only what is as close as those that are listed
            i, j, bits = (column[bits <= closest[-1, 2]] for column in (i, j, bits))
        pairs = np.sort(np.column_stack([rows[first[i]], rows[first[j]]]), axis=1)
        closest = np.concatenate([closest, np.column_stack([pairs, bits])])
        closest = closest[np.lexsort((closest[:, 1], closest[:, 0], closest[:, 2]))[:listed]]
    matched[rows] = near[inverse.ravel()]
    return Matches([(int(i), int(j), int(bits)) for i, j, bits in closest], count, matched)


def _between(hashes: Hashes, starts: NDArray[np.intp], distance: int) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Yield rows, rows and bits of the near pairs of a tile; a split has the rows from its start to the next."""
    words = hashes[:, 0].copy()
    height, width = TILE
    for one, two in combinations(range(len(starts) - 1), 2):
        for left in range(starts[one], starts[one + 1], width):
            right = words[left : min(left + width, starts[one + 1])]
            for low in range(starts[two], starts[two + 1], height):
                part = words[low : min(low + height, starts[two + 1])]
                # The first word rules out most.
                possible = np.bitwise_count(part[:, None] ^ right) <= distance
                if possible.any():
                    i, j = np.nonzero(possible)
                    i, j = i + low, j + left
                    bits = np.bitwise_count(hashes[i] ^ hashes[j]).sum(axis=1, dtype=np.intp)
                    kept = bits <= distance
                    yield i[kept], j[kept], bits[kept]


def check(
    hashes: Hashes, frames: NDArray[np.str_], faces: Faces, most: float, root: str, findings: Findings
) -> None:
    """Note near duplicates among `frames` (N,), ids with `hashes` (N, 4), whose faces are in different splits.

    Raises DataError when more than the share `most` of the test frames has one in train or val.
    """
    split_of = dict(zip(map(str, faces.frames), map(str, faces.splits), strict=True))
    splits = np.array([split_of.get(str(name), "") for name in frames], np.str_)
    matches = across(hashes, splits)
    examples = [f"{splits[i]} {frames[i]} ~ {splits[j]} {frames[j]}, {bits} bits" for i, j, bits in matches.pairs]
    findings.add("near_duplicate", *examples)
    test = splits == "test"
    share = float(matches.rows[test].mean()) if test.any() else 0.0
    findings.facts["near_duplicate_pairs"] = matches.count
    findings.facts["near_duplicate_share"] = round(share, 6)
    if share > most:
        raise DataError(
            f"{share:.1%} of the test frames of {root} nearly equal one in train or val, first: {examples[0]}",
            "split the data otherwise, or raise max_near_duplicates if they are different pictures",
        )
