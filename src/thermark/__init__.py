"""Thermark: a reproducible benchmark of facial landmarks and nostrils on thermal images.

`Landmarker` finds faces and their landmarks in thermal pictures, out of the box.
"""

from typing import TYPE_CHECKING, Any

from thermark.core import arithmetic as _arithmetic

if TYPE_CHECKING:
    from thermark.landmarker.landmarker import Landmarker as Landmarker

__all__ = ["Landmarker"]

_arithmetic.apply()  # before numpy, torch and the others are imported, which read their switches once


def __getattr__(name: str) -> Any:
    if name == "Landmarker":  # on demand, for `import thermark` imports no library
        from importlib import import_module

        return import_module("thermark.landmarker.landmarker").Landmarker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
