"""A tiny model as it may lie in a package of an index, and where packages are kept."""

from pathlib import Path

from thermark.download.mirrors import Mirrors
from thermark.download.resolve import Store
from thermark.download.weights import Card

MODEL = b"TFL3" + bytes(range(256)) * 20
CARD = Card(
    model="tiny",
    source_page="https://example.org",
    licence="Apache-2.0",
    licence_url="https://example.org",
    input_size=(8, 8),
    channels="rgb",
    vocabulary=None,
    trained_on=["nothing"],
)


def store(tmp_path: Path, *folders: Path) -> Store:
    """Return a cache in a folder, with mirrors."""
    (tmp_path / "cache").mkdir(exist_ok=True)
    return Store(tmp_path / "cache", Mirrors(folders))
