"""Pages say what is true: links lead somewhere, lists are complete, and numbers are those that git holds."""

import json
import re
import runpy
from pathlib import Path

import pytest
import yaml

from checkout import committed

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "studies/README.md"])
MODULES = [
    path.as_posix()
    for folder in ("src", "stages", "tests", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
]
MADE = ROOT / "docs/reference/python.md"
named = pytest.mark.parametrize("page", [page for page in PAGES if page != MADE], ids=lambda page: page.name)


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """Return what a forge calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@named
def test_links_lead_to_files_and_headings(page):
    broken = []
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(page)):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@named
def test_every_make_target_and_command_exists(page):
    makefile, text = (ROOT / "Makefile").read_text(encoding="utf-8"), page.read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", text, re.M):
        assert re.search(rf"^{''.join(target)}:", makefile, re.M), target
    commands = set(re.findall(r"^### thermark ([a-z-]+)$", (ROOT / "docs/reference/cli.md").read_text(), re.M))
    assert {*re.findall(r"(?:`|^)thermark ([a-z][a-z-]+)", text, re.M)} <= commands | {"readme"}


@named
def test_files_that_are_named_exist(page):
    if page.name == "CHANGELOG.md" or "tutorials" in page.parts or page.parent.name == "studies":
        pytest.skip("it names what once was, or what it makes")
    text = prose(page)
    names = re.findall(r"`((?:src|stages|tests|docs|profiles|benchmarks|metrics)/[\w./-]+\.(?:py|yaml|md))`", text)
    assert [name for name in names if not (ROOT / name).exists()] == []
    short = [f"/{name}" for name in re.findall(r"`([\w/-]+\.py)`", text)]
    assert [name for name in short if not any(module.endswith(name) for module in MODULES)] == []


def test_the_index_lists_every_page():
    listed = set(re.findall(r"\]\(([^)#]+\.md)\)", (ROOT / "docs/index.md").read_text(encoding="utf-8")))
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert listed == pages - {"index.md", "reference/python.md"}


@pytest.mark.parametrize("name", ["cli.md", "metrics.md"])
def test_the_reference_is_that_of_the_code(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    made = runpy.run_path(str(ROOT / "docs/reference.py"))["PAGES"][name]()
    assert (ROOT / "docs/reference" / name).read_text(encoding="utf-8") == made, "run `python docs/reference.py`"


def test_the_python_reference_has_every_package():
    text = runpy.run_path(str(ROOT / "docs/reference.py"))["python"]()
    packages = {path.parent.name for path in (ROOT / "src/thermark").glob("*/__init__.py")}
    assert set(re.findall(r"^## thermark\.(\w+)$", text, re.M)) == packages


def test_the_architecture_lists_every_package():
    part = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("<!-- packages -->")[1]
    listed = re.findall(r"^\| `(\w+)` \|", part, re.M)
    packages = {path.parent.name for path in (ROOT / "src/thermark").glob("*/__init__.py")} | {"cli"}
    assert len(listed) == len(set(listed)) and set(listed) == packages


def test_the_quick_start_names_every_profile():
    text = (ROOT / "docs/quick-start.md").read_text(encoding="utf-8")
    assert [path.stem for path in (ROOT / "profiles").glob("*.yaml") if f"`{path.stem}`" not in text] == []


def test_every_bundle_of_weights_and_contestant_of_the_default_is_described():
    """Names that differ in their ending may share a row: `sapiens2_04b_frame` to `sapiens2_5b_frame`."""
    weights = (ROOT / "docs/weights.md").read_text(encoding="utf-8")
    bundles = [path.stem for path in (ROOT / "data/manifests/weights").glob("*.yaml")]
    assert [name for name in bundles if f"`{name}`" not in weights] == []
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    text = (ROOT / "docs/contestants.md").read_text(encoding="utf-8")
    families = {settings["family"] for settings in params["contestants"].values()} - {
        "learned",
        "mean_shape",
        "absent",
    }
    first = {
        settings["family"]: name
        for name, settings in reversed(params["contestants"].items())
        if settings["family"] in families
    }
    assert [name for name in first.values() if f"`{name}`" not in text] == []


def test_numbers_of_results_are_those_in_git():
    comparisons = json.loads(committed("metrics/comparisons.json"))["families"]
    pairs = [pair for family in comparisons if family["name"] == "distillation" for pair in family["pairs"]]
    assert len(pairs) == 6 and {pair["verdict"] for pair in pairs} == {"no difference shown"}
    assert "none of six comparisons with labels alone shows a difference" in prose(ROOT / "docs/distillation.md")
    floor = json.loads(committed("metrics/summary/mean_shape.json"))["thermeval"]["error_px_mean"]
    assert f"{floor:.2f} px" in prose(ROOT / "docs/tutorials/add-a-contestant.md")
    cookbook = (ROOT / "docs/dvc.md").read_text(encoding="utf-8")
    for name in re.findall(r"^metrics/summary/(\w+)\.json +[0-9]", cookbook, re.M):
        (row,) = re.findall(rf"^metrics/summary/{name}\.json +([0-9].*)$", cookbook, re.M)
        summary = json.loads(committed(f"metrics/summary/{name}.json"))
        sets = ("charlotte.nme_diag", "facesynthetics.nme_io", "missed", "tfake.nme_io", "thermeval.error_px_mean")
        values = [
            summary[key] if key in summary else summary[key.split(".")[0]][key.split(".")[1]] for key in sets
        ]
        assert row.split() == [f"{value:.4g}" for value in values], name


def test_the_full_profile_has_as_many_runs_as_is_said():
    from thermark.core import config, profiles

    default = config.read(ROOT / "params.yaml")
    full = profiles.resolved(default, ROOT / "profiles", "full")
    text = prose(ROOT / "docs/distillation.md")
    assert f"trains {len(full['runs'])} runs of three seeds" in text


@pytest.mark.parametrize("page", ["README.md", "docs/quick-start.md"])
def test_front_pages_give_the_time_of_the_page_of_speed(page):
    """The default's time is that of the first row of docs/speed.md: portable arithmetic, after set-up."""
    cpu, minutes = re.findall(r"^\| (AMD.+) \| ([\d.]+) minutes \|", prose(ROOT / "docs/speed.md"), re.M)[0]
    assert "portable" in cpu and "after set-up" in cpu
    text = " ".join(prose(ROOT / page).split())
    assert f"{minutes} minutes on two cores of an {cpu.split(',')[0]} ([speed]" in text
    given = set(re.findall(r"(\d+\.\d+) minutes", text))
    assert given == {minutes}


def test_what_the_default_fetches_is_counted_from_its_manifests():
    """It takes from package indexes what is no larger than `max_mb`; JSON files describe networks and are none."""
    networks, packages = set(), {}
    for section in yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["weights"].values():
        for file in yaml.safe_load((ROOT / section["manifest"]).read_text(encoding="utf-8")).get("files", []):
            for kind in {"wheel", "npm"} & {*file}:
                if file[kind]["size"] <= section["max_mb"] * 1e6:
                    packages[kind, file[kind]["name"]] = file[kind]["size"]
                    networks |= {file["sha256"]} if not file["name"].endswith(".json") else set()
    kinds = [kind for kind, _ in packages]
    size = f"{sum(packages.values()) / 1e6:.0f} MB"
    fetched = f"{len(networks)} files of networks in {len(packages)} packages"
    split = f"({kinds.count('wheel')} Python wheels, {kinds.count('npm')} npm package), {size}"
    assert f"{fetched} {split}" in " ".join(prose(ROOT / "docs/contestants.md").split())
    assert f"({size} of weights come from there)" in " ".join(prose(ROOT / "README.md").split())


def test_the_spread_that_margins_were_chosen_from_is_that_of_the_records():
    records = json.loads(committed("metrics/results/tfake.json"))["records"]
    spread = {
        record["contestant"]: 100 * record["metrics"]["nme_io"]["seed_std"]
        for record in records
        if record.get("run") and record["seeds"] == 3 and "nme_io" in record.get("metrics", {})
    }
    teacher = spread.pop("pretrain_s")
    text = " ".join(prose(ROOT / "docs/gate.md").split())
    assert f"is {min(spread.values()):.1f} to {max(spread.values()):.1f} points for runs" in text
    assert f"and {teacher:.1f} for the RGB teacher" in text
