"""What contestants share, in a folder of a test's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thermark.core.scored_splits import Split
from thermark.models.inference.setting import Config, PredictionPaths, Setting


def paths_in(root: Path) -> PredictionPaths:
    """Return root/faces, root/models and so on."""
    return PredictionPaths(*(root / name for name in PredictionPaths.__dataclass_fields__))


def setting_in(
    root: Path, datasets: Mapping[str, Split], code: Mapping[str, Any] | None = None, **more
) -> Setting:
    """Return the setting of these data sets; `more` fields of it."""
    return Setting(Config(), datasets, paths_in(root), code or {}, more.pop("versions", {}), **more)
