"""The figures of a post: those of the page as SVG, and as PNG at twice the size, for a page and for a phone."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib
import pandas as pd
import vl_convert

from thermark.core import files
from thermark.report.blog.post_tables import origin, write_csv
from thermark.report.notices import caveat
from thermark.report.page.figures import cost, distributions, face, ranks
from thermark.report.page.figures.vega import Figure, Spec
from thermark.report.page.view import View

WIDTHS = (720, 360)  # CSS pixels
FONT = "DejaVu Sans"  # it comes with matplotlib, so that every machine draws the same letters
LETTER = 8  # px of a letter of a subtitle, at most
SIZE = re.compile(r'<svg[^>]* width="([0-9.]+)"')
KINDS: Mapping[str, Callable[[View], Figure]] = {
    "leaderboard": ranks.leaderboard,
    "ced": distributions.ced,
    "landmarks": face.landmarks,
    "pareto": partial(cost.pareto, axis="parameters"),
}


@dataclass(frozen=True)
class Drawing:
    """A figure of one data set: its specification, the `table` of its numbers, and its text."""

    kind: str
    dataset: str
    alt: str
    spec: Spec
    table: pd.DataFrame

    @property
    def name(self) -> str:
        """The stem of its files."""
        return f"{self.kind}_{self.dataset}"


def drawings(name: str, view: View) -> list[Drawing]:
    """Return the figures that there are of a data set, which is called `name` in the bundle."""
    if not view.ranked:
        return []
    data_set, limitation = view.results.data_set, caveat(view.results.data_set)
    start = f"{data_set.title}{f' ({limitation})' if limitation else ''}. "
    made = []
    for kind, drawn in KINDS.items():
        figure = drawn(view)
        if (spec := figure.spec) is not None:
            numbers = pd.DataFrame([row for rows in _rows(spec) for row in rows])
            table = pd.DataFrame(origin(name, data_set), numbers.index).join(numbers)
            spec["title"]["subtitle"] = [spec["title"]["subtitle"], *filter(None, [limitation])]
            made.append(Drawing(kind, name, start + figure.alt, spec, table))
    return made


def write(folder: Path, drawing: Drawing) -> list[Path]:
    """Write `<name>_<width>.svg` and `.png` for each width, and `<name>.csv`; return what was written."""
    written = [folder / f"{drawing.name}.csv"]
    write_csv(written[0], drawing.table)
    for width in WIDTHS:
        text = svg(drawing.spec, width)
        png = folder / f"{drawing.name}_{width}.png"
        files.write_text(png.with_suffix(".svg"), text)
        with files.replacing(png) as temporary:
            temporary.write_bytes(vl_convert.svg_to_png(text, scale=2))
        written += [png.with_suffix(".svg"), png]
    return written


def svg(spec: Spec, width: int) -> str:
    """Return a figure of so many CSS pixels."""
    _fonts()
    made, wide = deepcopy(spec), width == max(WIDTHS)
    lines = [line for text in made["title"]["subtitle"] for line in wrap(text, int(width / LETTER))]
    made["title"] |= {"subtitle": lines, "limit": width}
    made["config"] |= {"font": FONT, "background": "white"}
    made["config"]["legend"]["columns"] = 4 if wide else 2
    if made.get("usermeta", {}).get("fluid"):
        return vl_convert.vegalite_to_svg(
            made | {"width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
        )
    # Panels do not follow a width: they are drawn once to see how much room their labels take.
    faces = "spec" in made
    panels, count = ([made["spec"]], 3 if wide else 2) if faces else (made["hconcat"][1:], 1)
    made |= {"columns": count} if faces else {}
    for _ in range(2):
        text = vl_convert.vegalite_to_svg(made)
        room = width - float(SIZE.findall(text)[0])
        for panel in panels:
            panel["width"] += room // count
            panel["height"] = round(1.05 * panel["width"]) if faces else panel["height"]
    return vl_convert.vegalite_to_svg(made)


def _rows(node: Any) -> list[list[dict[str, Any]]]:
    """Return all tables of numbers in a specification."""
    if isinstance(node, Mapping):
        values = [node["values"]] if isinstance(node.get("values"), list) else []
        return values + [rows for key, child in node.items() if key != "values" for rows in _rows(child)]
    return [rows for child in node for rows in _rows(child)] if isinstance(node, list) else []


@cache
def _fonts() -> None:
    vl_convert.register_font_directory(str(Path(matplotlib.get_data_path()) / "fonts/ttf"))
