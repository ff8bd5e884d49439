"""Thermark: a reproducible benchmark of facial landmarks and nostrils on thermal images.

`Landmarker` finds faces and their landmarks in thermal pictures, out of the box.
"""

from typing import TYPE_CHECKING, Any

from thermark.core import arithmetic as _arithmetic

if TYPE_CHECKING:
    from thermark.core.errors import ThermarkError as ThermarkError
    from thermark.core.radiometry import Tone as Tone
    from thermark.landmarker.landmarker import Landmarker as Landmarker
    from thermark.landmarker.result import Landmarks as Landmarks

__all__ = ["Landmarker", "Landmarks", "ThermarkError", "Tone"]

_MODULES = {
    "Landmarker": "thermark.landmarker.landmarker",
    "Landmarks": "thermark.landmarker.result",
    "ThermarkError": "thermark.core.errors",
    "Tone": "thermark.core.radiometry",
}

_arithmetic.apply()  # before numpy, torch and the others are imported, which read their switches once


def __getattr__(name: str) -> Any:
    if name in _MODULES:  # on demand, for `import thermark` imports no library
        from importlib import import_module

        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
