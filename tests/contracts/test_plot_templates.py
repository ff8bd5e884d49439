"""DVC must be able to fill our plot templates, and the page that holds them must need no network."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from dvc_render.html import HTML
from dvc_render.vega import VegaRenderer

from thermark.report.leaderboard import highlights

FOLDER = Path(__file__).parents[2] / ".dvc" / "plots"
CED = {"dataset": "d", "metric": "m", "contestant": "c", "error": 0.01, "fraction": 0.5}
DATA = {
    "ced": [CED | {"rev": rev} for rev in ("a", "b")],
    "training": [{"run": "r", "seed": 0, "epoch": 1, "val_nme": 0.1, "rev": rev} for rev in ("a", "b")],
    "budget": [{"crops": "c", "head": "h", "labels": 5, "native_mean": 9.0, "rev": rev} for rev in ("a", "b")],
}
AXES = {"ced": ("error", "fraction"), "training": ("epoch", "val_nme"), "budget": ("labels", "native_mean")}
COLOURED = {"ced": "contestant", "training": "run", "budget": "head"}


class Requests(HTMLParser):
    """Collects what a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href") and tag != "a"]


def template(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def parts(node, key: str) -> list:
    """Return everything that stands under a key anywhere in a template."""
    if isinstance(node, list):
        return [part for each in node for part in parts(each, key)]
    if not isinstance(node, dict):
        return []
    return [part for name, each in node.items() for part in ([each] if name == key else []) + parts(each, key)]


@pytest.mark.parametrize("name", sorted(DATA))
def test_dvc_fills_the_template(name):
    x, y = AXES[name]
    renderer = VegaRenderer(DATA[name], name, template=name, template_dir=str(FOLDER), x=x, y=y, title="T")
    spec = renderer.partial_html()
    assert "<DVC_METRIC" not in spec
    assert '"strokeDash": {"field": "rev"' in spec
    assert renderer.get_filled_template()["data"]["values"] == DATA[name]


@pytest.mark.parametrize("name", sorted(DATA))
def test_a_legend_can_be_read_and_asked(name):
    """A colour for each curve that the report lets through, lines as symbols, and a click that dims the others."""
    (colour,) = parts(template(name), "color")
    assert colour["field"] == COLOURED[name]
    assert len(set(colour["scale"]["range"])) >= highlights.CURVES + 1
    for legend in (colour["legend"], parts(template(name), "strokeDash")[0]["legend"]):
        assert legend["symbolType"] == "stroke" and legend["symbolSize"] >= 500
    (chosen,) = parts(template(name), "params")
    assert chosen[0]["bind"] == "legend" and chosen[0]["select"]["fields"] == [COLOURED[name]]
    dimmed = parts(template(name), "opacity")
    assert dimmed and all(each["condition"]["param"] == chosen[0]["name"] for each in dimmed)


def test_the_page_survives_filling_and_asks_the_network_for_nothing():
    page = (FOLDER / "offline.html").read_text(encoding="utf-8")
    assert page.count("{plot_divs}") == page.count("{refresh_tag}") == 1
    assert "{scripts}" not in page
    filled = HTML(page).with_scripts(VegaRenderer.SCRIPTS).with_element("<div>DIV</div>").embed()
    assert "<div>DIV</div>" in filled and "jsdelivr" not in filled
    requests = Requests()
    requests.feed(filled)
    assert requests.found == []
    assert not re.search(r"@import|sourceMappingURL", filled)


def test_the_inlined_scripts_carry_their_licences():
    page = (FOLDER / "offline.html").read_text(encoding="utf-8")
    for name in ("vega 5.20.2", "vega-lite 5.2.0", "vega-embed 6.18.2"):
        notice = page[page.index(f"{name}, build/") :][:2000]
        assert "Redistribution and use in source and binary forms" in notice
