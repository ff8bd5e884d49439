"""Whether raw files are real, or made by us in the layout of the real ones, and how."""

from pathlib import Path
from typing import Literal

from thermark.core import files
from thermark.core.config import Section

Origin = Literal["real", "rendered", "thermalised"]
MARK = "RENDERED.json"
THERMALISED = "THERMALISED.json"


def mark_rendered(root: Path, config: Section) -> None:
    """Leave a file under a raw root that says: this is rendered, from these settings."""
    files.write_json(root / MARK, config.model_dump())


def mark_thermalised(root: Path, config: Section) -> None:
    """Leave a file under a raw root that says: the temperatures are made up from labels, with these settings."""
    files.write_json(root / THERMALISED, config.model_dump())


def origin(root: Path) -> Origin:
    """Return where the raw files under `root` come from; what was thermalised from rendered faces is rendered."""
    if (root / MARK).is_file():
        return "rendered"
    return "thermalised" if (root / THERMALISED).is_file() else "real"
