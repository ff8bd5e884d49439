"""Data as the page stores them: columns instead of rows, repeated texts once; a third as long."""

from collections.abc import Iterable, Sequence
from typing import Any


def packed(node: Any) -> Any:
    """Return a specification whose lists of rows (`values`) are `columns`: field -> cells, None if one is absent.

    Cells that are texts are `texts`, each once, and `at`, which of them stands in each row.
    """
    if isinstance(node, list):
        return [packed(child) for child in node]
    if not isinstance(node, dict):
        return node
    if isinstance(rows := node.get("values"), list):
        fields = dict.fromkeys(field for row in rows for field in row)
        return {"columns": {field: _column([row.get(field) for row in rows]) for field in fields}}
    return {key: packed(child) for key, child in node.items()}


def _column(cells: Sequence[Any]) -> Any:
    if not all(cell is None or isinstance(cell, str) for cell in cells):
        return list(cells)
    places = {text: index for index, text in enumerate(dict.fromkeys(cell for cell in cells if cell is not None))}
    return {"texts": list(places), "at": [None if cell is None else places[cell] for cell in cells]}


def numbered(cards: Iterable[dict[str, Any]], key: str) -> list[str]:
    """Replace the first cell of each line under `key` of all cards by its number; return the texts by number."""
    places: dict[str, int] = {}
    for card in cards:
        if key in card:
            card[key] = [(places.setdefault(name, len(places)), *rest) for name, *rest in card[key]]
    return list(places)
