"""Flat rows as mappings: of lists by one key, or nested by several."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")
Names = TypeVar("Names", bound=tuple[str, ...])


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Return key -> its values, both in the order in which they come."""
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def nested(cells: Mapping[Names, Any]) -> dict[str, Any]:
    """Return cells by several names as mappings of mappings; a name that is empty has no level of its own."""
    tree: dict[str, Any] = {}
    for (*outer, last), value in cells.items():
        node = tree
        for name in filter(None, outer):
            node = node.setdefault(name, {})
        node[last] = value
    return tree
