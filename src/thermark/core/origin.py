"""Whether raw files are real, or rendered by us in the layout of the real ones."""

from pathlib import Path

from thermark.core import files
from thermark.core.config import Section

MARK = "RENDERED.json"


def mark_rendered(root: Path, config: Section) -> None:
    """Leave a file under a raw root that says: this is rendered, from these settings."""
    files.write_json(root / MARK, config.model_dump())


def is_rendered(root: Path) -> bool:
    """Return whether the raw files under `root` are ours and not the real ones."""
    return (root / MARK).is_file()
