"""Comparisons over two runs: of each seed the mean of its two trainings, and what both show together."""

from pathlib import Path

import numpy as np
import pytest

import record_files
from thermark.core import files
from thermark.core.errors import DataError, Finding
from thermark.portability.build import ResultTree, build
from thermark.portability.compare import ResultPaths
from thermark.portability.together import averaged, verdicts_together
from thermark.report.results import face_errors

PAGE, RESULTS = Path("metrics/comparisons.json"), Path("metrics/results")
FAMILY = {"question": "Is it?", "datasets": ["tfake"], "pairs": [["new", "old"]]}


def of_seeds(*means: float, faces: int = 40) -> np.ndarray:
    """Return errors (S, N) about these means; every seed finds the same faces as hard."""
    return np.array(means)[:, None] + np.random.default_rng(0).normal(0, 0.004, faces)


def tree(root: Path, **errors: np.ndarray) -> Path:
    """Write a run's records, comparisons and errors of each face."""
    rows = [record_files.record("tfake", name, values) for name, values in errors.items()]
    record_files.write(root / "metrics", {"tfake": rows}, {"tfake": errors}, {"alone": FAMILY})
    of_faces = {name: record_files.errors(values) for name, values in errors.items()}
    face_errors.write(root / RESULTS / "tfake.parquet", of_faces)
    return root


def verdict(base: Path, other: Path) -> str:
    ((subject, words),) = verdicts_together(base, other, PAGE, RESULTS).items()
    assert subject == "new − old on tfake, alone"
    return words


def test_a_seed_is_the_mean_of_its_trainings_face_by_face():
    base = record_files.errors(np.array([[1.0, 2.0, np.inf], [3.0, 4.0, 5.0]]))
    order = [2, 0, 1]
    other = record_files.errors(np.array([[3.0, 4.0, 1.0], [5.0, np.inf, 7.0]]))
    other = {**other, "ids": other["ids"][order], "per_seed": other["per_seed"][:, order]}
    np.testing.assert_array_equal(
        averaged({"x": base}, {"x": other})["x"]["per_seed"], [[2.0, 3.0, np.inf], [4.0, np.inf, 6.0]]
    )


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"x": record_files.errors(np.full((3, 3), 9.0))},
        {"x": record_files.errors(np.full((2, 4), 9.0))},
        {"x": record_files.errors(np.full((2, 3), 9.0)) | {"ids": np.array(["000", "001", "777"])}},
    ],
    ids=["absent", "other seeds", "more faces", "other faces"],
)
def test_what_was_not_trained_twice_alike_is_that_of_the_base(other):
    base = {"x": record_files.errors(np.ones((2, 3)))}
    np.testing.assert_array_equal(averaged(base, other)["x"]["per_seed"], base["x"]["per_seed"])


def test_who_was_not_trained_here_is_taken_as_it_is():
    base, other = ({"x": record_files.errors(np.full((1, 3), value), False)} for value in (1.0, 9.0))
    np.testing.assert_array_equal(averaged(base, other)["x"]["per_seed"], np.ones((1, 3)))


def test_what_one_run_shows_and_the_other_reverses_both_do_not(tmp_path):
    old = of_seeds(0.10, 0.101, 0.099)
    one, two = tree(tmp_path / "a", new=old - 0.02, old=old), tree(tmp_path / "b", new=old + 0.02, old=old)
    assert (verdict(one, one), verdict(two, two)) == ("lower error", "higher error")
    assert verdict(one, two) == verdict(two, one) == "no difference shown"


def test_three_seeds_of_two_trainings_are_three(tmp_path):
    """Seeds that differ as much in both runs stay as uncertain as they were: six would show a difference."""
    new, old = of_seeds(0.07, 0.1, 0.1), of_seeds(0.12, 0.118, 0.122)
    base = tree(tmp_path / "a", new=new, old=old)
    assert verdict(base, base) == "no difference shown"
    six = tree(tmp_path / "six", new=np.concatenate([new, new]), old=np.concatenate([old, old]))
    assert verdict(six, six) == "lower error"


def test_the_page_has_a_column_of_both(tmp_path):
    old = of_seeds(0.10, 0.101, 0.099)
    shaken = old + np.array([[-0.07], [0.05], [-0.04]])
    base, other = tree(tmp_path / "a", new=old - 0.03, old=old), tree(tmp_path / "b", new=shaken, old=old)
    (tmp_path / "a/metrics/details").mkdir()
    (tmp_path / "b/metrics/details").mkdir()
    paths = ResultPaths(Path("metrics/details"), (PAGE,), (PAGE,), RESULTS)
    with pytest.raises(Finding, match="1 verdicts did not hold"):
        build(ResultTree(base, "one"), ResultTree(other, "two"), paths, tmp_path / "out")
    text = (tmp_path / "out/portability.md").read_text(encoding="utf-8")
    both = verdict(base, other)
    assert f"| lower error | no difference shown | {both} | **turned** |" in text
    (row,) = files.read_json(tmp_path / "out/portability.json")["verdicts"]
    assert (row["base"], row["other"], row["together"]) == ("lower error", "no difference shown", both)


def test_without_errors_of_faces_is_a_data_error(tmp_path):
    base = tree(tmp_path / "a", new=of_seeds(0.1, 0.1, 0.1), old=of_seeds(0.2, 0.2, 0.2))
    (base / RESULTS / "tfake.parquet").unlink()
    with pytest.raises(DataError, match=r"tfake\.parquet"):
        verdict(base, base)
