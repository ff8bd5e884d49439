"""What is committed was made by the code and the parameters beside it."""

from functools import reduce
from typing import Any

import pytest
import yaml

from checkout import ROOT, committed, completed, environment
from thermark.core import entries


@pytest.fixture(scope="module")
def lock() -> dict[str, Any]:
    return parsed("dvc.lock")["stages"]


def parsed(name: str) -> dict[str, Any]:
    return yaml.safe_load(committed(name))  # JSON is YAML


def test_the_lock_holds_the_stages_that_exist(lock):
    assert {name.partition("@")[0] for name in lock} <= set(parsed("dvc.yaml")["stages"])


def test_the_lock_is_of_the_committed_parameters(lock):
    for name, stage in lock.items():
        for path, values in stage.get("params", {}).items():
            beside = parsed(path)
            for key, value in values.items():
                assert value == reduce(lambda section, part: section[part], key.split("."), beside), (name, key)


def test_what_a_stage_read_is_what_another_wrote(lock):
    written = {out["path"]: out.get("md5") for stage in lock.values() for out in stage.get("outs", [])}
    read = [(name, dep) for name, stage in lock.items() for dep in stage.get("deps", [])]
    assert any(dep["path"] in written for _, dep in read)
    for name, dep in read:
        assert dep["md5"] == written.get(dep["path"], dep["md5"]), (name, dep["path"])


@pytest.mark.slow
def test_committed_results_are_of_the_committed_code():
    """Run `make repro` and commit what it leaves where this fails."""
    if completed(ROOT, environment(), "git", "status", "--porcelain", "--", "src", "stages").stdout:
        pytest.skip("src or stages have changes that are not committed")
    assert entries.hashes(ROOT / "stages") == parsed("code.json")
