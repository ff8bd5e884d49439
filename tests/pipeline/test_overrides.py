"""`dvc exp run -S` changes what it names and nothing else: a mapping that two runs share cannot change in one."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import reduce
from itertools import combinations, count
from math import comb
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides

from thermark.core import config, profiles

ROOT = Path(__file__).parents[2]
PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))
PLAIN, NESTED = ("epochs", "alpha"), ("rate", "augment", "lambdas")
Leaf = tuple[str, ...]


def read(path: Path) -> dict:
    """Return a params file as Thermark reads it, and nothing shared."""
    return json.loads(json.dumps(config.read(path)))


def leaves(content: dict) -> dict[Leaf, list[Leaf]]:
    """Return where the numbers stand that one would change, by the place of their run."""
    runs = {("runs", name): run for name, run in content["runs"].items()}
    return {place: [(*place, *leaf) for leaf in written(run)] for place, run in runs.items()}


def written(run: dict) -> Iterator[Leaf]:
    yield from ((key,) for key in PLAIN if key in run)
    yield from ((key, name) for key in NESTED for name in run.get(key) or {})


def parts(places: list[Leaf]) -> list[list[Leaf]]:
    """Return few parts such that of any two places each is in one without the other.

    Each place is in half of the parts, and no two in the same ones.
    """
    size = next(n for n in count(2) if comb(n, n // 2) >= len(places))
    chosen = list(zip(places, combinations(range(size), size // 2), strict=False))
    return [[place for place, numbers in chosen if number in numbers] for number in range(size)]


def overridden(path: Path, changes: dict[Leaf, float]) -> dict:
    """Return what a params file says after `-S` with all the changes at once; the file itself stays."""
    text = path.read_bytes()
    apply_overrides(path, [f"{'.'.join(leaf)}={value}" for leaf, value in changes.items()])
    params = read(path)
    path.write_bytes(text)
    return params


def differences(found: Any, wanted: Any, place: str = "") -> set[str]:
    """Return the places at which two documents differ."""
    if not (isinstance(found, dict) and isinstance(wanted, dict)):
        return set() if found == wanted else {place}
    keys = wanted.keys() | found.keys()
    return {at for key in keys for at in differences(found.get(key), wanted.get(key), f"{place}.{key}".strip("."))}


def leaks(path: Path) -> set[str]:
    """Return where a params file is not as it should be after overriding all such leaves of some of its runs."""
    before = read(path)
    of_run = leaves(before)
    places: set[str] = set()
    for part in parts(list(of_run)):
        named = [leaf for place in part for leaf in of_run[place]]
        # No value is there twice, nor in the file before.
        changes = {leaf: 10001 + number for number, leaf in enumerate(named)}
        wanted = deepcopy(before)
        for (*place, key), value in changes.items():
            reduce(getitem, place, wanted)[key] = value
        places |= differences(overridden(path, changes), wanted)
    return places


def test_an_override_changes_what_it_names_and_nothing_else(tmp_path):
    copy = tmp_path / "params.yaml"
    copy.write_bytes((ROOT / "params.yaml").read_bytes())
    assert read(copy) == config.read(copy) and not leaks(copy)


# DVC writes a file of a hundred runs for each part of them: seconds.
QUICK = {"landmarker", "smoke", "standard"}
LISTED = [pytest.param(path, marks=() if path.stem in QUICK else pytest.mark.slow) for path in PROFILES]


@pytest.mark.parametrize("path", LISTED, ids=lambda path: path.stem)
def test_nor_in_a_profile_merged_into_the_default(tmp_path, path):
    copy = tmp_path / "params.yaml"
    copy.write_text(profiles.text(profiles.resolved(read(ROOT / "params.yaml"), path.parent, path.stem)))
    assert not leaks(copy)


SHARED = """
runs:
  a: &a {epochs: 2, rate: &rate {peak: 0.5, warmup: 3}}
  b: {<<: *a%s}
"""


@pytest.mark.parametrize(
    ("own", "shared"),
    [
        ("", True),
        (", rate: *rate", True),
        (", rate: {<<: *rate}", False),
        (", rate: {<<: *rate, peak: 0.1}, epochs: 3", False),
    ],
)
def test_what_two_runs_share_is_found(tmp_path, own, shared):
    """A change of `a` is lost there, one of `b` is seen there."""
    path = tmp_path / "params.yaml"
    path.write_text(SHARED % own)
    assert leaks(path) == ({"runs.a.rate.peak", "runs.a.rate.warmup"} if shared else set())
