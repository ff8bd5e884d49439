"""Options of a stage that are the fields of a dataclass of paths, one for one."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def names(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of a dataclass's fields, in their order."""
    return tuple(field.name for field in fields(kind))


def filled(kind: type[T], options: Namespace, among: Sequence[str] = ()) -> T:
    """Return a dataclass with the options of its fields' names; of those `among` alone, where these are given."""
    return kind(**{name: getattr(options, name) for name in among or names(kind)})
