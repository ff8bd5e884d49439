"""Which faces of a data set count: contestants predict no others, and metrics see no others."""

from pathlib import Path
from typing import Literal, get_args

from thermark.core.config import value
from thermark.core.errors import ConfigError

Split = Literal["test", "all"]


def scored(params: Path, dotted: str) -> dict[str, Split]:
    """Return data set -> `test` or `all` from a params file; raises ConfigError for anything else."""
    found = value(params, dotted)
    if not isinstance(found, dict) or not set(found.values()) <= set(get_args(Split)):
        raise ConfigError(
            f"{dotted} must say `test` or `all` of each data set (got {found!r})", "correct params.yaml"
        )
    return found
