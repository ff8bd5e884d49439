"""Contestants that nothing in this version can run: rows with a reason, not gaps.

The manifest of their weights holds the reason and what else runs them; that is the reason of the row.
"""

from typing import NoReturn

from thermark.models.inference.contract import Assets, BundleConfig, Unavailable


class Config(BundleConfig):
    """`weights`: the bundle, whose manifest has the `reason`."""


def load(config: Config, assets: Assets, device: str) -> NoReturn:
    """Raise Unavailable."""
    raise Unavailable(f"no family of this version runs {config.weights}: name one that does")
