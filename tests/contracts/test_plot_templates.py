"""DVC must be able to fill our plot templates, and the page that holds them must need no network."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from dvc_render.html import HTML
from dvc_render.vega import VegaRenderer

FOLDER = Path(__file__).parents[2] / ".dvc" / "plots"
DATA = {
    "ced": [{"dataset": "d", "contestant": "c", "error": 0.01, "fraction": 0.5, "rev": rev} for rev in ("a", "b")],
    "training": [{"run": "r", "epoch": 1, "val_nme": 0.1, "rev": rev} for rev in ("a", "b")],
    "budget": [{"crops": "c", "head": "h", "labels": 5, "native_mean": 9.0, "rev": rev} for rev in ("a", "b")],
}
AXES = {"ced": ("error", "fraction"), "training": ("epoch", "val_nme"), "budget": ("labels", "native_mean")}


class Requests(HTMLParser):
    """Collects what a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href") and tag != "a"]


@pytest.mark.parametrize("name", sorted(DATA))
def test_dvc_fills_the_template(name):
    x, y = AXES[name]
    renderer = VegaRenderer(DATA[name], name, template=name, template_dir=str(FOLDER), x=x, y=y, title="T")
    spec = renderer.partial_html()
    assert "<DVC_METRIC" not in spec
    assert '"strokeDash": {"field": "rev"' in spec
    assert renderer.get_filled_template()["data"]["values"] == DATA[name]


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
