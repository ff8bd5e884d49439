"""Bundles of weights from the package indexes, as this machine can bring them."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from thermark.core import bundle
from thermark.download import weights
from thermark.download.fill import fill
from thermark.download.resolve import this_store

MANIFESTS = Path(__file__).parents[1] / "data/manifests/weights"


def fetch_or_skip(name: str) -> bundle.Bundle:
    """Return a bundle by its manifest's name; skips the test where this machine has no such package."""
    held = _bundle(name)
    return held if held.status == "ok" else pytest.skip(held.reason)


@cache
def _bundle(name: str) -> bundle.Bundle:
    folder = Path(mkdtemp()) / name
    config = weights.Config(manifest=str(MANIFESTS / f"{name}.yaml"), max_mb=50.0, network="index")
    fill(config, folder, this_store())
    return bundle.read(folder)
