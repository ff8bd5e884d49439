"""Nobody and nothing is on two sides."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.datasets.checks import splits
from thermark.datasets.readers.loaded import build_faces


def table(subjects, names):
    count = len(subjects)
    ids = np.array([f"f{i}" for i in range(count)])
    return build_faces(ids, np.array(subjects), np.array(names), "nose1", np.zeros((count, 1, 2), np.float32))


def test_shares_are_met():
    keys = np.array([f"{i:06d}" for i in range(20000)])
    chosen = splits.by_hash(keys, splits.Fractions(val=0.1, test=0.2))
    assert abs((chosen == "val").mean() - 0.1) < 0.01
    assert abs((chosen == "test").mean() - 0.2) < 0.01


@given(st.lists(st.text("0123456789/w", min_size=1), min_size=1, max_size=30), st.integers(0, 9))
def test_a_key_keeps_its_split_in_any_company(keys, seed):
    fractions = splits.Fractions(val=0.3, test=0.3, seed=seed)
    together = splits.by_hash(np.array(keys), fractions)
    alone = [splits.by_hash(np.array([key]), fractions)[0] for key in keys]
    assert together.tolist() == alone


def test_seed_moves_ids():
    keys = np.arange(200).astype(str)
    one, two = (splits.by_hash(keys, splits.Fractions(val=0.3, test=0.3, seed=s)) for s in (0, 1))
    assert (one != two).any()


def test_lists_are_checked():
    groups = np.array(["S1", "S2", "S2", "S3"])
    assert splits.by_list(groups, ["S3"], ["S1"]).tolist() == ["test", "train", "train", "val"]
    with pytest.raises(ConfigError, match="S4"):
        splits.by_list(groups, ["S4"], [])
    with pytest.raises(ConfigError, match="for val and for test"):
        splits.by_list(groups, ["S1"], ["S1"])
    assert splits.by_list(groups, ["S3"], ["S1"], others="test").tolist() == ["train", "test", "test", "val"]
    with pytest.raises(ConfigError, match="for val and for train"):
        splits.by_list(groups, ["S1"], ["S1"], others="test")


def test_leaks_are_found():
    faces = table(["a", "a", "b"], ["train", "train", "test"])
    digests = {"f0": "x", "f1": "x", "f2": "y"}
    splits.check(faces, digests)  # the same file twice within one split is no leak
    with pytest.raises(DataError, match="subject a is in two splits"):
        splits.check(replace(faces, splits=np.array(["train", "test", "test"])), digests)
    with pytest.raises(DataError, match="same image is in two splits, as f0 and f2"):
        splits.check(faces, digests | {"f2": "x", "f1": "z"})
    with pytest.raises(DataError, match="face id f0 occurs twice"):
        splits.check(replace(faces, ids=np.array(["f0", "f0", "f1"])), digests)


def test_an_empty_split_is_an_error():
    with pytest.raises(DataError, match=r"val split \(2 in test, 1 in train\)"):
        splits.require(np.array(["train", "test", "test"]), ["train", "val", "test"])
    assert splits.Fractions(val=0.0, test=0.3).expected() == ["train", "test"]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        *(({"val": -0.1}, "x.val"), ({"test": -1e-9}, "x.test"), ({"val": float("nan")}, "x.val")),
        *(({"val": 0.5, "test": 0.5}, "below 1"), ({"test": 1.0}, "below 1"), ({"val": float("inf")}, "x.val")),
    ],
)
def test_impossible_fractions_are_refused(raw, field):
    with pytest.raises(ConfigError, match=field):
        parse(raw, splits.Fractions, "x")


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(splits.NAMES), st.integers(0, 5)), max_size=8))
def test_whatever_passes_has_no_leak(rows):
    """And whatever has none passes: told by going through all pairs."""
    if not rows:
        return
    faces = table([f"s{subject}" for subject, _, _ in rows], [split for _, split, _ in rows])
    digests = {f"f{row}": f"d{content}" for row, (*_, content) in enumerate(rows)}
    leak = any(a[1] != b[1] and (a[0] == b[0] or a[2] == b[2]) for a in rows for b in rows)
    try:
        splits.check(faces, digests)
    except DataError:
        assert leak
    else:
        assert not leak
