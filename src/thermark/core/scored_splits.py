"""Which faces of each data set are scored; the others are neither predicted nor evaluated."""

from pathlib import Path
from typing import Literal, get_args

from thermark.core.config import value
from thermark.core.errors import ConfigError

Split = Literal["test", "all"]


def read_scored_splits(params: Path, dotted: str) -> dict[str, Split]:
    """Return data set -> `test` or `all` from a params file; raises ConfigError for anything else."""
    splits = value(params, dotted)
    if not isinstance(splits, dict) or not set(splits.values()) <= set(get_args(Split)):
        raise ConfigError(
            f"{dotted} must say `test` or `all` of each data set (got {splits!r})", "correct params.yaml"
        )
    return splits
