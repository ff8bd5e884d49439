"""What a stage's code can reach is what it depends on, through code.json: no more, no less."""

import re
from pathlib import Path

import pytest

from imports import computed, imported
from thermark.core import code, entries
from thermark.core.files import read_json

ROOT = Path(__file__).parents[2]
PACKAGES = {"cv2": "opencv-python-headless", "PIL": "pillow", "ai_edge_litert": "ai-edge-litert"}
PACKAGES |= {"vl_convert": "vl-convert-python"}
# Contestants and backbones of several families are one group: a new version of what one imports concerns them all.
# Records say with which versions everything before them was made.
GROUPED = {"predict", "features", "results"}
# Downloads are verified by checksums instead: a refactored downloader downloads nothing again.
FREE = ("env", "fetch", "weights")


def script(stage) -> str:
    return re.search(r"python stages/(\w+)\.py", stage.cmd)[1]


def reached(stage, closures) -> set[Path]:
    """Return the files of all keys that a stage names; the name of a group names all in it."""
    return set().union(
        *(files for name in stage.code for key, files in closures.items() if f"{key}.".startswith(f"{name}."))
    )


def test_every_stage_depends_on_the_code_of_its_own_script(stages, closures):
    for stage in stages.values():
        if stage.name.split("@")[0] in FREE:
            assert not stage.code, stage.name
            continue
        assert ROOT / "stages" / f"{script(stage)}.py" in reached(stage, closures), stage.name


def test_a_name_in_a_command_is_the_one_whose_code_is_depended_on(stages):
    """`--recipe ktl` and train.ktl, `--loader tfake` and prepare.tfake."""
    for stage in stages.values():
        for flag in ("recipe", "loader", "layout"):
            for name in re.findall(rf"--{flag} (\w+)", stage.cmd):
                assert f"{script(stage)}.{name}" in stage.code, stage.name


def test_whatever_is_imported_by_a_computed_name_is_an_entry(closures):
    known = {*entries.FAMILIES.values(), *(name for also in entries.ALSO.values() for name in also)}
    known |= {"train.losses"}
    for name, files in closures.items():
        for path in files:
            if path.suffix == ".py":
                assert computed(path)[0] <= known, (name, path)


def test_a_head_of_a_cascade_may_have_any_backbone(closures):
    """fewshot/backbone.py imports by the name in a card, which no section of params.yaml tells."""
    everyone = {code.PACKAGE / "fewshot/backbones" / f"{name}.py" for name in entries.modules("fewshot.backbones")}
    assert len(everyone) >= 3 and everyone <= closures["predict.cascade"]
    assert not everyone & closures["train.ktl"]


def packages(path: Path) -> set[str]:
    """Return the distributions that a file imports, by the names that env.json uses."""
    roots = {name.split(".")[0] for name in imported(path)} if path.suffix == ".py" else set()
    return {PACKAGES.get(name, name) for name in roots}


def test_the_versions_of_what_a_stage_imports_are_its_parameters(stages, closures):
    movers = set(read_json(ROOT / "env.json"))
    wrong = {}
    for stage in stages.values():
        if stage.name.split("@")[0] in FREE:
            continue
        imported = set().union(*map(packages, reached(stage, closures))) & movers
        named = set(stage.params["env.json"])
        if imported - named or (named - imported and stage.name.split("@")[0] not in GROUPED):
            wrong[stage.name] = sorted(imported ^ named)
    assert wrong == {}


@pytest.mark.parametrize("entry", ["train", "predict", "render", "prepare", "head", "features"])
def test_expensive_stages_do_not_reach_metrics_or_report(closures, entry):
    for name, files in closures.items():
        if name.split(".")[0] == entry:
            parts = {p.relative_to(code.PACKAGE).parts[0] for p in files if code.PACKAGE in p.parents}
            assert not parts & {"metrics", "report"}, name


def test_every_package_of_the_project_is_reached_by_somebody_or_is_a_tool(closures):
    """Code that no stage reaches is a command of its own, or dead."""
    everyone = set().union(*closures.values())
    tools = {
        "download",
        "portability",
        "portability/canaries",
        "calibrate",
        "report/gate",
        "report/speed",
        "report/blog",
    }
    for folder in sorted(path.parent for path in code.PACKAGE.rglob("__init__.py")):
        if str(folder.relative_to(code.PACKAGE)) not in tools:
            assert any(folder in path.parents for path in everyone), folder.name
