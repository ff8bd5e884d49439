"""Origin of raw files: real, or rendered or thermalised by us in the layout of the real ones."""

from pathlib import Path
from typing import Literal

from thermark.core import files
from thermark.core.config import Section

Origin = Literal["real", "rendered", "thermalised"]
MARK = "RENDERED.json"
THERMALISED = "THERMALISED.json"


def mark_rendered(root: Path, config: Section) -> None:
    """Mark a raw root as rendered, with the settings."""
    files.write_json(root / MARK, config.model_dump())


def mark_thermalised(root: Path, config: Section) -> None:
    """Mark a raw root as thermalised (temperatures made up from labels), with the settings."""
    files.write_json(root / THERMALISED, config.model_dump())


def origin(root: Path) -> Origin:
    """Return where the raw files under `root` come from; what was thermalised from rendered faces is rendered."""
    if (root / MARK).is_file():
        return "rendered"
    return "thermalised" if (root / THERMALISED).is_file() else "real"
