"""Thermark: a reproducible benchmark of facial landmarks and nostrils on thermal images."""

from thermark.core import arithmetic as _arithmetic

_arithmetic.apply()  # before numpy, torch and the others are imported, which read their switches once
