"""Every bundle of weights keeps these promises; a new manifest is found here by itself."""

import re
from pathlib import Path

import pytest

from thermark import landmarks
from thermark.download import licences, sources, weights

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "data" / "manifests" / "weights").glob("*.yaml"))
MANIFESTS = {path.stem: weights.read(path) for path in PATHS}
ENTRIES = {f"{name}/{entry.name}": entry for name, bundle in MANIFESTS.items() for entry in bundle.files}


def test_there_are_bundles():
    assert {"none", "mediapipe_wheel", "dwpose_balanced"} <= set(MANIFESTS)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_card_speaks_a_vocabulary_that_exists_and_names_a_licence(name):
    card = ENTRIES[name].card
    if card.vocabulary is not None:
        assert card.vocabulary in landmarks.names()
    assert card.licence and card.licence_url.startswith("https://") and card.source_page.startswith("https://")


@pytest.mark.parametrize("name", ENTRIES)
def test_a_source_is_pinned_as_far_as_it_can_be(name):
    entry = ENTRIES[name]
    address = sources.address(entry)
    assert address.startswith(("https://", "pip:", "npm:"))
    moving = re.search(r"/(main|master|latest)/", address)
    pinned = entry.sha256 or (entry.hub and entry.hub.revision) or (entry.url and entry.url.sha256)
    # What nothing fixes says why; and only that.
    assert bool(entry.unpinned) == (not pinned) and (entry.unpinned or not moving)


@pytest.mark.parametrize("name", [name for name, bundle in MANIFESTS.items() if bundle.reason])
def test_who_cannot_be_run_is_told_in_one_line_that_names_the_files(name):
    reason = MANIFESTS[name].reason
    assert "\n" not in reason and "not in this version" in reason and "not fetched" in reason
    assert f"data/manifests/weights/{name}.yaml" in reason and MANIFESTS[name].files


def test_one_content_is_described_once():
    known: dict[str, tuple[str, weights.WeightsCard]] = {}
    for entry in ENTRIES.values():
        if entry.sha256:
            described = (sources.address(entry), entry.card)
            assert known.setdefault(entry.sha256, described) == described


def test_sapiens2_is_gated():
    assert set(licences.of_weights(PATHS[0].parent)) == {"sapiens2-license"}
    assert all(
        entry.card.gated
        for name, entry in ENTRIES.items()
        if name.endswith("/model.safetensors") and "sap" in name
    )


def test_mirrors_hold_what_the_manifests_promise(mirror, tmp_path):
    """The official files, where they are at hand, have the sums that stand in git."""
    from thermark.download.mirrors import Mirrors
    from thermark.download.resolve import FileStore

    folder = mirror("face_landmarker.task").parent
    for bundle in ("face_landmarker", "blaze_face"):
        for entry in MANIFESTS[bundle].files:
            assert sources.local(entry, bundle, FileStore(tmp_path, Mirrors((folder,)))) is not None
