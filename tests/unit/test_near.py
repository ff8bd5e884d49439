"""A copy is found however it was saved, another scene is not, and no pair of two splits is missed."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thermark.core.errors import DataError
from thermark.datasets.checks import near
from thermark.datasets.readers.loaded import Findings

ZERO = [0, 0, 0, 0]


def scene(seed, height=480, width=640):
    """A head before a wall: sharp patches of random place, size and warmth on a constant background, and grain."""
    rng = np.random.default_rng(seed)
    grey = np.full((height, width), 60, np.uint8)
    for level in rng.integers(0, 256, 30).tolist():
        x, y = rng.uniform(0.3, 1.0) * width, rng.uniform(0.1, 0.9) * height
        axes = rng.uniform(0.03, 0.2, 2) * height
        cv2.ellipse(grey, ((x, y), axes.tolist(), rng.uniform(0, 180)), level, -1)
    return np.clip(grey + rng.normal(0, 1, grey.shape), 0, 255).astype(np.uint8)


def distance(one, two):
    return int(np.bitwise_count(near.perceptual(one) ^ near.perceptual(two)).sum())


def jpeg(grey):
    return cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_GRAYSCALE)


def grain(grey):
    noise = np.random.default_rng(5).integers(-2, 3, grey.shape)
    return np.clip(grey.astype(np.int64) + noise, 0, 255).astype(np.uint8)


def smaller(grey):
    return cv2.resize(grey, None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA)


def shifted(grey):
    return np.pad(grey, ((1, 0), (1, 0)), "edge")[:-1, :-1]


@pytest.mark.parametrize("change", [jpeg, grain, smaller, shifted])
def test_a_copy_stays_within_the_distance(change):
    assert max(distance(grey, change(grey)) for grey in map(scene, range(12))) <= near.DISTANCE


def test_other_scenes_do_not():
    hashes = [near.perceptual(scene(seed)) for seed in range(40)]
    apart = [np.bitwise_count(a ^ b).sum() for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(apart) > 2 * near.DISTANCE


def test_the_hash_is_of_the_picture_not_of_its_channels():
    grey = scene(3)
    assert np.array_equal(near.perceptual(np.dstack([grey] * 3)), near.perceptual(grey))
    assert near.perceptual(grey).dtype == np.uint64 and near.perceptual(grey).shape == (4,)
    assert 100 < np.bitwise_count(near.perceptual(grey)).sum() <= 128
    assert distance(grey, 255 - grey) > 200  # what is above the median falls below it


def test_the_hash_is_that_of_its_definition():
    """Written out: cosines of the reduced picture, frequencies 1 to 16 along both axes, against their median."""
    grey = scene(8, 128, 128)
    small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float64)
    wave = np.cos(np.pi * np.outer(np.arange(1, 17), 2 * np.arange(64) + 1) / 128) * np.sqrt(2 / 64)
    block = (wave @ small @ wave.T).ravel()
    sure = np.abs(block - np.median(block)) > 2  # nearer than that, rounding decides
    stored = np.unpackbits(near.perceptual(grey).view(np.uint8)).astype(bool)
    bits = np.empty(256, bool)
    for word in range(4):
        bits[word::4] = stored[64 * word : 64 * (word + 1)]
    assert sure.sum() > 200
    assert np.array_equal(bits[sure], (block > np.median(block))[sure])


@pytest.mark.parametrize(
    "grey",
    [
        np.zeros((40, 50), np.uint8),
        np.full((40, 50, 3), 255, np.uint8),
        np.repeat(np.arange(200, dtype=np.uint8)[None], 30, axis=0),
        np.full((2, 2), 7, np.uint8),
    ],
    ids=["black", "white", "ramp", "tiny"],
)
def test_a_picture_of_nothing_has_the_hash_of_zeros(grey):
    assert near.perceptual(grey).tolist() == ZERO


def test_nothing_matches_nothing():
    matches = near.across(np.zeros((4, 4), np.uint64), np.array(["train", "test", "val", "test"]))
    assert (matches.pairs, matches.count, matches.rows.tolist()) == ([], 0, [False] * 4)
    assert near.across(np.zeros((0, 4), np.uint64), np.zeros(0, np.str_)).pairs == []


def brute(hashes, splits, most):
    """All pairs one by one: (bits, i, j)."""
    return sorted(
        (bits, i, j)
        for j in range(len(hashes))
        for i in range(j)
        if splits[i] != splits[j] and "" not in (splits[i], splits[j]) and any(hashes[i]) and any(hashes[j])
        if (bits := sum((int(a) ^ int(b)).bit_count() for a, b in zip(hashes[i], hashes[j], strict=True))) <= most
    )


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 40), most=st.integers(0, 24), kinds=st.integers(1, 6))
def test_no_pair_is_missed(seed, count, most, kinds):
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**63, (kinds, 4), dtype=np.uint64)
    hashes = centres[rng.integers(0, kinds, count)]
    for row in hashes:  # up to 12 flips each, so that pairs are nearer and further than any limit
        for bit in rng.integers(0, 256, rng.integers(0, 13)):
            row[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    hashes[rng.random(count) < 0.05] = 0
    splits = rng.choice(["train", "val", "test", ""], count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "TILE", (3, 5))
        matches = near.across(hashes, splits, most, listed=10**6)
    expected = brute(hashes, splits, most)
    assert matches.count == len(expected)
    assert set(np.flatnonzero(matches.rows)) == {row for _, i, j in expected for row in (i, j)}
    listed = [(bits, i, j) for i, j, bits in matches.pairs]
    assert set(listed) <= set(expected) and listed == sorted(listed)
    pairs = {(bits, hashes[i].tobytes(), splits[i], hashes[j].tobytes(), splits[j]) for bits, i, j in listed}
    either = pairs | {(bits, b, y, a, x) for bits, a, x, b, y in pairs}
    assert all(
        (bits, hashes[i].tobytes(), splits[i], hashes[j].tobytes(), splits[j]) in either for bits, i, j in expected
    )


def test_the_closest_are_listed_and_all_are_counted():
    hashes = np.full((200, 4), 2**62 + 12345, np.uint64)
    for row in range(200):
        hashes[row, 1] ^= (np.uint64(1) << np.uint64(row % 10)) - np.uint64(1)  # row % 10 bits from the first
    splits = np.array(["train"] * 100 + ["test"] * 100)
    matches = near.across(hashes, splits, distance=16, listed=12)
    assert (matches.count, len(matches.pairs), matches.rows.all()) == (10_000, 12, True)
    assert matches.pairs[:2] == [(0, 100, 0), (1, 101, 0)]
    assert [bits for *_, bits in matches.pairs] == [0] * 10 + [1] * 2


def test_thousands_of_the_same_picture_are_one_comparison():
    hashes = np.tile(near.perceptual(scene(1)), (60_000, 1))
    splits = np.where(np.arange(60_000) % 3 > 0, "train", "test")
    matches = near.across(hashes, splits)
    assert (matches.pairs, matches.count) == ([(0, 1, 0)], 20_000 * 40_000)


def faces_of(frames, splits):
    return SimpleNamespace(frames=np.array(frames), splits=np.array(splits))


def test_near_duplicates_are_named_and_too_many_are_an_error():
    pictures = [scene(1), scene(2), jpeg(scene(1)), scene(3), scene(4), scene(2)]
    hashes = np.stack([near.perceptual(picture) for picture in pictures])
    frames = np.array(["12/warm", "b", "991/warm", "c", "d", "unlabelled"])
    faces = faces_of(["12/warm", "12/warm", "b", "991/warm", "c", "d"], ["train"] * 3 + ["test"] * 3)
    findings = Findings()
    near.check(hashes, frames, faces, 0.5, "raw", findings)
    bits = distance(pictures[0], pictures[2])
    assert findings.lists == {"near_duplicate": [f"train 12/warm ~ test 991/warm, {bits} bits"]}
    assert findings.facts == {"near_duplicate_pairs": 1, "near_duplicate_share": 0.333333}
    with pytest.raises(DataError, match=r"33\.3% of the test frames of raw nearly equal .* train 12/warm ~ test"):
        near.check(hashes, frames, faces, 0.3, "raw", Findings())


def test_neighbours_within_a_split_are_no_finding():
    hashes = np.stack([near.perceptual(picture) for picture in (scene(1), jpeg(scene(1)), scene(9))])
    findings = Findings()
    near.check(
        hashes, np.array(["a", "b", "c"]), faces_of([*"abc"], ["train", "train", "test"]), 0.0, "r", findings
    )
    assert (findings.lists, findings.facts["near_duplicate_pairs"]) == ({}, 0)


def test_real_faces_are_far_from_each_other(mirror):
    paths = sorted(mirror("facesynthetics_100").glob("??????.png"))
    hashes = np.stack([near.perceptual(cv2.imread(str(path))[..., ::-1]) for path in paths])
    alternating = np.where(np.arange(len(paths)) % 2 > 0, "train", "test")
    assert near.across(hashes, alternating, distance=64).count == 0
    for path, fingerprint in zip(paths[::5], hashes[::5], strict=True):
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert np.bitwise_count(near.perceptual(shifted(jpeg(smaller(grey)))) ^ fingerprint).sum() <= near.DISTANCE
