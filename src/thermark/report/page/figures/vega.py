"""What all figures share: the frame of a Vega-Lite specification, colours of both themes, marks.

Numbers stand in a figure's own data, rounded. No text of a file becomes a field name or part of an expression:
orders are domains of scales, as Vega-Lite makes expressions of lists to sort by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thermark.core import files

Spec = dict[str, Any]
Rows = list[dict[str, Any]]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # a name: nothing is fetched
FONT = "system-ui, 'DejaVu Sans', sans-serif"
WIDTH = 640
DIGITS = 4  # of every number in a figure
# Okabe and Ito's palette without black and yellow, which one of the themes swallows, and two more.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6D46", "#7B4FA3")
HEAT = ("#2F8FCB", "#A583AE", "#D55E00")  # from little to much, to be told apart on white and on black
INK, MUTED, RULE, REST, GREY = ("#1D2127", "#5C6470", "#DDE1E7", "#A9A9A8", "#D5D8DC")  # REST: the unnamed
# What each of these is on a dark page: figures are made for a light one.
DARK = dict(
    zip(
        (*PALETTE, INK, MUTED, RULE, REST, GREY),
        (
            *("#4BA3E3", "#F0803C", "#2BC79A", "#E29CC4", "#8FD0F5", "#F2B84B", "#C2A077", "#B18CD9"),
            *("#E6E8EB", "#A6ADB7", "#343A44", "#6B7280", "#3A404A"),
        ),
        strict=True,
    )
)
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)


@dataclass(frozen=True)
class PageTable:
    """A caption, the names of columns, and rows whose first cell names them."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """A figure: its key on the page, its title, its numbers in a sentence, how it is drawn, and its table.

    One without a key has nothing to draw, and `alt` says why.
    """

    key: str
    title: str
    alt: str
    spec: Spec | None = None
    table: PageTable | None = None


def config() -> Spec:
    """Return the Vega-Lite config of all figures: transparent, thin rules, the palette."""
    axis = {"labelColor": MUTED, "titleColor": MUTED, "gridColor": RULE, "domainColor": MUTED, "tickColor": MUTED}
    return {
        "background": "transparent",
        "font": FONT,
        "axis": axis | {"titleFontWeight": "normal", "labelFontSize": 11, "titleFontSize": 12, "gridOpacity": 0.8},
        "legend": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": 12, "symbolStrokeWidth": 2}
        | {"orient": "bottom", "columns": 4, "labelLimit": 220, "titleFontWeight": "normal", "symbolOpacity": 1},
        "header": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": 12},
        "title": {"color": INK, "subtitleColor": MUTED, "anchor": "start", "fontSize": 14, "offset": 10}
        | {"subtitleFontSize": 12},
        "view": {"stroke": None},
        "range": {"category": list(PALETTE), "heatmap": list(HEAT)},
        "text": {"color": INK, "fontSize": 11},
    }


def spec(title: str, subtitle: str, rows: Rows, **body: Any) -> Spec:
    """Return a whole specification of one figure with its data; `body` is its marks and encodings."""
    heading = {"text": title, "subtitle": subtitle}
    content = {"$schema": SCHEMA, "title": heading, "data": {"values": rows}, "config": config(), **body}
    return files.rounded(content, DIGITS)  # type: ignore[no-any-return]


def fluid(title: str, subtitle: str, rows: Rows, height: int, layers: list[Spec], /, **meta: int) -> Spec:
    """Return the specification of one panel that is as wide as the page; `meta` are facts for its script."""
    usermeta = {"fluid": True, **meta}
    return spec(title, subtitle, rows, width=WIDTH, height=height, layer=layers, usermeta=usermeta)


def coloured(names: Sequence[str], field: str = "contestant", **more: Any) -> Spec:
    """Return a colour encoding in which a name has the same colour in every figure that is given these `names`."""
    return {"field": field, "type": "nominal", "scale": {"domain": list(names)}, "title": None, **more}


def told_apart(names: Sequence[str], marks: Sequence[Any], field: str = "contestant") -> Spec:
    """Return dashes or shapes by name, so that no line or dot is recognised by its colour alone."""
    by_name = [marks[index % len(marks)] for index in range(len(names))]
    return coloured(names, field, scale={"domain": list(names), "range": by_name})


def amounts(field: str, title: str, **more: Any) -> Spec:
    """Return an encoding of a quantity along an axis."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def bounds(axis: str, title: str, prefix: str = "") -> Spec:
    """Return the encoding of an interval along the axis `x` or `y`."""
    return {axis: amounts(f"{prefix}low", title), f"{axis}2": {"field": f"{prefix}high"}}


def layer(mark: str, encoding: Spec, rows: Rows | None = None, **look: Any) -> Spec:
    """Return marks of one kind, drawn from the rows of the figure or from their own."""
    own = {} if rows is None else {"data": {"values": rows}}
    return own | {"mark": {"type": mark, **look}, "encoding": encoding}


def tooltip(titles: Mapping[str, str]) -> list[Spec]:
    """Return a tooltip of fields by their titles; numbers with four digits."""
    return [{"field": field, "title": title} for field, title in titles.items()]


def scaled(factor: float, **values: float | None) -> dict[str, float]:
    """Return numbers in the unit in which they are shown, what is undefined left out."""
    return {name: factor * value for name, value in values.items() if value is not None}
