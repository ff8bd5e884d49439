"""A post says nothing but what records say."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from post_inputs import EVIL, options, scene, unpainted
from thermark.core.errors import ConfigError, DataError
from thermark.report.blog import build, figures, template, template_names
from thermark.report.results.record import open_all


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    root = tmp_path_factory.mktemp("post")
    out = root / "blog"
    with unpainted():
        assert build.build(options(scene(root / "results"), out)) == []
    return out


@pytest.fixture(autouse=True)
def undrawn(bundle, monkeypatch):
    """Figures take most of the time, and one bundle has them."""
    monkeypatch.setattr(figures, "write", lambda folder, drawing: [])


@pytest.fixture(scope="module")
def post(bundle):
    return (bundle / "index.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def names(bundle):
    sets = open_all(bundle.parent / "results")
    numbers = template_names.numbers(sets)
    return numbers | {"metric": template.Key("metric", numbers), "data": template_names.data_sets(sets, {})}


@pytest.mark.parametrize(
    ("post", "text"),
    [
        ("{{ nme_io_all.ktl_s.tfake }}", "9.12"),
        ("{{ nme_io.ktl_s.tfake }} %", "9.34 %"),
        ("{{ nme_io_all.ktl_s.tfake.low }} to {{ nme_io_all.ktl_s.tfake.high }}", "7.89 to 10.57"),
        ("{{ nme_io_all.ktl_s.tfake.interval }} {{ nme_io_all.ktl_s.tfake.unit }}", "7.89–10.57 %"),
        ("{{ found.ktl_s.tfake.faces }} of {{ found.ktl_s.tfake.subjects }}", "24 of 6"),
        ("{{ found.ktl_s.tfake.seeds }} and {{ found.kd_st.car.missed }}", "3 and 0"),
        ('{{ metric["pck@0.1io"].ktl_s.tfake }}', "50.00"),
        (f'{{{{ found["{EVIL}"].tfake }}}}', "75.00"),
        ('{{ metric[data.tfake.error_all][data.tfake.best]["tfake"] }}', "9.12"),
    ],
)
def test_a_name_is_the_number_of_its_record(names, post, text):
    assert template.render(post, names, "t") == text


@pytest.mark.parametrize(
    ("post", "cause", "remedy"),
    [
        ("{{ nme_ioo.ktl_s.tfake }}", "nme_ioo", "did you mean `nme_io`?"),
        ("{{ nme_io.ktls.tfake }}", "nme_io.ktls", "did you mean `ktl_s`?"),
        ("{{ nme_io.ktl_s.tfaek }}", "nme_io.ktl_s.tfaek", "did you mean `tfake`?"),
        ("{{ nme_io.ktl_s.tfake.hihg }}", "nme_io.ktl_s.tfake.hihg", "did you mean `high`?"),
        ("{% if nme_io.ktl_s.tfaek %}{% endif %}", "nme_io.ktl_s.tfaek", "did you mean `tfake`?"),
        ("{% for each in setz %}{% endfor %}", "setz", "use one of"),
        ("{{ nme_io.ktl_s }}", "a name is missing at its end", "use one of: car, tfake"),
        ("{{ nme_io.dlib.tfake }}", "skipped: needs", "leave it out"),
        ("{{ nme_io.dlib.tfake.low }}", "skipped: needs", "leave it out"),
        ("{{ nme_io.blind.tfake }}", "nothing is known of any face", "leave it out"),
        ("{{ nme_io.ktl_s.tfake ", "mine.md:1 is no template", "jinja"),
        ("{{ ''.__class__.__mro__ }}", "unsafe", "docs/publishing.md"),
    ],
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(names, post, cause, remedy):
    with pytest.raises(ConfigError) as caught:
        template.render(post, names, "mine.md")
    assert cause in caught.value.cause and remedy in caught.value.remedy
    assert caught.value.cause.startswith("mine.md") and "\n" not in caught.value.cause


def test_a_template_of_ones_own_that_names_nobody_leaves_the_last_bundle_alone(bundle, tmp_path):
    path = tmp_path / "mine.md"
    path.write_text("{{ nme_io.ktl.tfake }}")
    before = (bundle / "index.md").read_bytes()
    with pytest.raises(ConfigError, match=r"mine\.md"):
        build.build(options(bundle.parent / "results", bundle, template=path))
    assert (bundle / "index.md").read_bytes() == before


def test_numbers_outside_of_names_are_told_of(bundle, tmp_path):
    path = tmp_path / "mine.md"
    path.write_text("{{ found.ktl_s.tfake }} of 99.5 and {# 1.5 #} 7\n")
    (warning,) = build.build(options(bundle.parent / "results", tmp_path / "blog", template=path))
    assert "1 number" in warning and "99.5" in warning
    assert (tmp_path / "blog" / "index.md").read_text() == "100.00 of 99.5 and  7\n"


def test_the_template_of_the_package_has_no_number_of_its_own():
    post, _ = build.read_template(None)
    assert template.bare_numbers(post) == []
    assert template.bare_numbers(post.replace("## What was compared", "## 9.21 %")) == ["9.21"]


def test_every_number_of_the_post_comes_from_a_record(bundle, tmp_path, monkeypatch):
    """With the functions that print numbers silenced, none is left."""
    printing = ("number_format.shown", "number_format.plus", "blog.post_tables.shown", "blog.template_names.shown")
    for place in (*printing, "results.printed.probability"):
        monkeypatch.setattr(f"thermark.report.{place}", lambda *number: "§")
    # Those of figures are the page's, and stand in their alternative texts alone.
    silent = {
        kind: lambda view, drawn=drawn: replace(drawn(view), alt="§") for kind, drawn in figures.KINDS.items()
    }
    monkeypatch.setattr(figures, "KINDS", silent)
    build.build(options(bundle.parent / "results", tmp_path / "blog"))
    text = (tmp_path / "blog" / "index.md").read_text(encoding="utf-8")
    body = text.split("## Where the numbers come from")[0]
    assert "§" in body
    assert template.NUMBER.findall(body) == []


def test_the_post_names_winner_intervals_and_what_is_not_told_apart(post):
    assert "`ktl_s`, 9.12 % of the distance of the outer eye corners (7.89–10.57)" in post
    assert "where a miss counts 50.00 %" in post
    assert "Next is `kd_st` with 9.68 %" in post
    assert "**Group A**, of the best: `ktl_s`, `kd_st`. They do not differ" in post
    assert "1 of 3 comparisons show a difference" in post
    assert "below the jitter floor" in post and "dlib did not run" in post
    assert "| −0.56 | −1.01 to −0.11 |" in post


def test_rendered_data_and_machine_labels_are_called_so_at_every_table_and_figure(post):
    sections = re.split(r"^## ", post, flags=re.M)
    for title, caveat in (
        ("T-FAKE, rendered", "rendered data, no evidence about cameras"),
        ("ThermalImagesDataset, machine labels", "labels are another network's"),
    ):
        (section,) = [each for each in sections if each.startswith(title)]
        figures = re.findall(r"!\[(.*)\]\(", section)
        assert len(figures) == 4 and all(caveat in alt for alt in figures)
        assert re.search(rf"^\*.*{caveat}.*\*\n\n\| contestant", section, re.M)
    assert "> **Rendered data.**" in post and "> **Machine labels.**" in post


def test_front_matter_is_yaml_that_quarto_and_hugo_read(post):
    _, front, body = post.split("---\n", 2)
    loaded = yaml.safe_load(front)
    assert loaded["title"] == build.TITLE and "rendered data" in loaded["description"]
    assert loaded["bibliography"] == "references.bib"
    assert "{{" not in body.replace(r"\{\{", "")  # neither runs a shortcode of a reason


def test_no_name_becomes_markup(post):
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(post.split("---\n", 2)[2])
    assert "<img onerror" not in html and "&lt;img onerror=x&gt;" in html
    assert "<b>DATA" not in html
    tables = re.findall(r"<table>.*?</table>", html, re.S)
    assert len(tables) == 4
    for table in tables:
        rows = [row.count("<td") + row.count("<th") for row in re.findall(r"<tr>.*?</tr>", table, re.S)]
        assert len(set(rows)) == 1  # no name has a cell of its own


def test_every_link_leads_to_a_file(bundle, post):
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", post)
    assert len(links) > 20
    assert [link for link in links if not (bundle / link).is_file()] == []


def test_figures_can_be_html_for_phones(bundle, tmp_path):
    path = tmp_path / "mine.md"
    path.write_text("{{ figure.ced.tfake.html }}\n\n{{ figure.ced.tfake.alt }}")
    build.build(options(bundle.parent / "results", tmp_path / "blog", template=path))
    html, alt = (tmp_path / "blog" / "index.md").read_text().split("\n\n")
    assert 'srcset="figures/ced_tfake_360.svg"' in html and "&lt;img onerror=x&gt;" in html
    assert "<img onerror" not in html and r"\<img onerror=x\>" in alt


def test_without_comparisons_nothing_is_called_real(bundle, tmp_path):
    build.build(options(bundle.parent / "results", tmp_path / "blog", comparisons=None))
    text = (tmp_path / "blog" / "index.md").read_text()
    assert "No comparison was declared" in text and "**Group" not in text and "| group |" not in text


def test_the_page_about_it_names_what_there_is(bundle, tmp_path):
    """Each `.name` in a row of docs/publishing.md stands behind the names of that row."""
    page = (Path(__file__).parents[2] / "docs" / "publishing.md").read_text(encoding="utf-8")
    behind = {
        "<metric>.": "nme_io.ktl_s.tfake",
        "difference.": "difference.ktl_s.kd_st.tfake",
        "data.": "data.tfake",
        "contestant.": "contestant.ktl_s.tfake",
        "figure.": "figure.ced.tfake",
        "families": "families[0]",
    }
    lines = []
    for start, key in behind.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{start}")]
        names = re.findall(r"`\.(\w+)`", row)
        assert len(names) >= 4
        lines += [f"{{% set _ = {key}.{name} %}}" for name in names]
    path = tmp_path / "mine.md"
    path.write_text("\n".join(lines))
    build.build(options(bundle.parent / "results", tmp_path / "blog", template=path))


def test_a_folder_of_something_else_is_not_replaced(bundle, tmp_path):
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "mine.md").write_text("mine")
    with pytest.raises(ConfigError, match="something else"):
        build.build(options(bundle.parent / "results", tmp_path / "posts"))
    assert (tmp_path / "posts" / "mine.md").read_text() == "mine"


def test_what_the_pipeline_leaves_makes_a_post(tmp_path):
    """The records of the smoke profile, as git has them."""
    smoke = Path(__file__).parents[1] / "golden" / "smoke"
    build.build(options(smoke, tmp_path / "blog", comparisons=None))
    text = (tmp_path / "blog" / "index.md").read_text(encoding="utf-8")
    for name, each in open_all(smoke).items():
        assert f"## {each.data_set.title}\n" in text and f"figures/ced_{name}_720.svg" in text
    assert "> **Rendered data.**" in text


def test_absent_records_and_comparisons_say_what_to_do(tmp_path):
    with pytest.raises(DataError, match="no results"):
        build.build(options(tmp_path, tmp_path / "blog"))
    root = scene(tmp_path / "results")
    with pytest.raises(DataError, match="missing"):
        build.build(options(root, tmp_path / "blog", comparisons=tmp_path / "none.json"))
    with pytest.raises(ConfigError, match="missing"):
        build.build(options(root, tmp_path / "blog", template=tmp_path / "none.md"))
    assert not (tmp_path / "blog").exists()
