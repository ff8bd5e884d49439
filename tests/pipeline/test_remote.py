"""What one machine has made travels to another through a DVC remote; what must not be passed on does not."""

from pathlib import Path

import pytest
import yaml

import checkout
from thermark.core import profiles
from thermark.core.config import read
from thermark.core.faces import open_set

ROOT = checkout.ROOT
SETS = ("facesynthetics", "tfake")
pytestmark = pytest.mark.slow


def run(tree: Path, *command: str) -> str:
    done = checkout.completed(tree, checkout.environment("src"), *command)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """Return a git checkout with a few faces rendered and prepared, in several shards."""
    tree = tmp_path_factory.mktemp("one") / "tree"
    checkout.copy_tracked(tree)
    params = profiles.resolved(read(ROOT / "params.yaml"), ROOT / "profiles", "smoke")
    params["render"]["tfake"] |= {"count": 24, "size": 96}
    params["prepare"]["shard"] = 10
    (tree / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    run(tree, "git", "init", "-q")
    run(tree, "dvc", "repro", *(f"prepare@{name}" for name in SETS))
    run(tree, "git", "add", "-A")
    run(tree, "git", "-c", "user.name=one", "-c", "user.email=one@example.org", "commit", "-qm", "made")
    return tree


def test_a_second_machine_needs_no_raw_files(tree, tmp_path):
    store, other = tmp_path / "store", tmp_path / "other"
    targets = [f"prepare@{name}" for name in SETS]
    run(tree, "dvc", "remote", "add", "--local", "-d", "store", str(store))
    run(tree, "dvc", "push", *targets)
    run(tmp_path, "git", "clone", "-q", str(tree), str(other))
    run(other, "dvc", "remote", "add", "--local", "-d", "store", str(store))
    run(other, "dvc", "pull", *targets)
    assert not (other / "data/raw").exists()
    for name in SETS:
        (faces, crops), (_, expected) = open_set(other / "data/faces" / name), open_set(tree / "data/faces" / name)
        assert len(crops.pixels.parts) > 1
        assert len(faces) == len(crops.pixels)
        assert (crops.pixels[:] == expected.pixels[:]).all()
    output = run(other, "dvc", "repro", "--allow-missing", *targets)
    assert "Running stage" not in output
    assert "up to date" in output


def test_raw_files_are_not_pushed(tree, tmp_path):
    store = tmp_path / "store"
    run(tree, "dvc", "remote", "add", "--local", "-f", "-d", "store", str(store))
    run(tree, "dvc", "push")
    held = [path.read_bytes() for path in store.rglob("*") if path.is_file()]
    raw = [path.read_bytes() for path in (tree / "data/raw/tfake").rglob("*.png")]
    assert raw
    assert not set(raw) & set(held)
    faces = {path.read_bytes() for path in (tree / "data/faces").rglob("*.npy")}
    assert faces <= set(held)
