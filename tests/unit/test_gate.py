"""`thermark compare`: every kind of damage turns it red, and nothing else does."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import results_scene
from thermark import cli
from thermark.core.config import parse
from thermark.core.errors import ThermarkError
from thermark.landmarks import load
from thermark.report.gate.gate_config import Config, Margin
from thermark.report.gate.judge import exit_code, judge
from thermark.report.gate.outputs import markdown
from thermark.report.gate.sources import side

MARGINS = {
    "found": {},
    "nme_io": {"absolute": 0.002, "relative": 0.03},
    "nme_io_all": {"absolute": 0.002, "relative": 0.03},
    "pck@10px": {"absolute": 0.01},
}
WHERE = {"results": "metrics/results"}
CONFIG = parse({"margins": MARGINS} | WHERE, Config, "gate")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return results_scene.write(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    return results_scene.write(tmp_path_factory.mktemp("moved"), shifted(9, 9))


@pytest.fixture(scope="module")
def unsure(tmp_path_factory):
    return results_scene.write(tmp_path_factory.mktemp("unsure"), doubtful)


def rows_of(base, head, config=CONFIG):
    return judge(side(str(base), "nowhere"), side(str(head), "nowhere"), config)


def verdicts(rows, metric=""):
    return {(row.contestant, row.metric): row.verdict for row in rows if not metric or row.metric == metric}


def shifted(dx, dy, who=("run", "ready")):
    def change(own):
        moved = own.xy + np.array([dx, dy], np.float32)
        return replace(own, xy=moved) if own.contestant in who else own

    return change


def flipped(own):
    return replace(own, xy=own.xy[:, load("ibug68").flip])


def silent(own):
    return replace(own, xy=np.full_like(own.xy, np.nan)) if own.contestant == "ready" else own


def doubtful(own):
    """Make three subjects much worse: the mean exceeds a margin, and so might chance."""
    xy = own.xy.copy()
    xy[:12] += np.random.default_rng(9).normal(0, 14, xy[:12].shape).astype(np.float32)
    return replace(own, xy=xy) if own.contestant == "ready" else own


def test_equal_results_are_no_regression(base):
    rows = rows_of(base, base)
    assert exit_code(rows, strict=True) == 0
    assert {row.verdict for row in rows} == {"ok"} and {row.contestant for row in rows} == {"run", "ready", "idle"}
    assert all(row.difference in (0.0, None) for row in rows)


MUTATIONS = {
    "all points 1 px off": shifted(1, 1),
    "swapped flip indices": flipped,
    "one contestant silently failing": silent,
}


@pytest.mark.parametrize("change", MUTATIONS.values(), ids=MUTATIONS)
def test_a_mutation_turns_it_red(base, tmp_path, change):
    head = results_scene.write(tmp_path, change)
    for scores in ("margin", "exact"):
        assert exit_code(rows_of(base, head, CONFIG.model_copy(update={"scores": scores}))) == 1


@pytest.mark.parametrize(("shift", "metric"), [(0.5, "nme_io"), (1e-3, "")])
def test_a_hair_s_breadth_is_seen_where_scores_are_exact(base, tmp_path, shift, metric):
    """It lies within a margin that seeds and CPUs need; equal arithmetic needs none."""
    head = results_scene.write(tmp_path, shifted(shift, 0, who=("run",)))
    worse = [
        row for row in rows_of(base, head, CONFIG.model_copy(update={"scores": "exact"})) if row.verdict != "ok"
    ]
    assert exit_code(worse) == 1 and {row.contestant for row in worse} == {"run"}
    assert not metric or metric in {row.metric for row in worse}
    assert shift == 0.5 or exit_code(rows_of(base, head)) == 0


def test_better_is_no_move_where_scores_are_exact(base, tmp_path):
    truth = results_scene.faces()

    def change(own):
        return replace(own, xy=(own.xy + truth.xy) / 2)

    head = results_scene.write(tmp_path, change)
    assert exit_code(rows_of(base, head)) == 0
    assert verdicts(rows_of(base, head))["run", "nme_io"] == "improved"
    assert exit_code(rows_of(base, head, CONFIG.model_copy(update={"scores": "exact"}))) == 1


def test_a_doubled_subject_cannot_be_compared(base, tmp_path):
    truth = results_scene.faces()
    twice = np.concatenate([np.arange(len(truth)), np.arange(results_scene.EACH)])
    doubled = replace(truth.take(twice), ids=np.array([f"f{row:03}" for row in range(len(twice))]))
    head = results_scene.write(tmp_path, truth=doubled)
    rows = rows_of(base, head)
    assert exit_code(rows) == 2 and "other faces: 80 and 84" in rows[0].reason
    again = results_scene.write(tmp_path / "same", truth=truth.take(twice))
    rows = rows_of(base, again)
    assert exit_code(rows) == 2 and "scored twice" in rows[0].reason


def test_a_face_of_somebody_else_cannot_be_compared(base, tmp_path):
    truth = results_scene.faces()
    subjects = truth.subjects.copy()
    subjects[0] = "s19"
    rows = rows_of(base, results_scene.write(tmp_path, truth=replace(truth, subjects=subjects)))
    assert exit_code(rows) == 2 and rows[0].reason == "face f000 belongs to another subject"


def test_another_order_of_faces_is_no_other_result(base, tmp_path):
    folder = tmp_path / "shuffled"
    shutil.copytree(base, folder)
    from pyarrow import parquet

    table = parquet.read_table(folder / "shown.parquet")
    order = np.random.default_rng(0).permutation(len(table))
    order = order[np.argsort(table["seed"].to_numpy()[order], kind="stable")]
    order = order[np.argsort([str(each) for each in table["contestant"].take(order).to_pylist()], kind="stable")]
    same = [row for seed in range(3) for row in order if table["seed"][int(row)].as_py() == seed]
    first = {face: place for place, face in enumerate(dict.fromkeys(table["face"].take(same).to_pylist()))}
    rank = np.array([first[face] for face in table["face"].to_pylist()])
    sorted_rows = np.lexsort((rank, table["seed"].to_numpy(), table["contestant"].to_pylist()))
    parquet.write_table(table.take(sorted_rows), folder / "shown.parquet")
    rows = rows_of(base, folder)
    assert exit_code(rows, strict=True) == 0 and {row.difference for row in rows} <= {0.0, None}


def edited(base: Path, folder: Path, change) -> Path:
    """Return a copy of results in which `change` has edited the JSON."""
    shutil.copytree(base, folder, dirs_exist_ok=True)
    raw = json.loads((folder / "shown.json").read_text())
    change(raw)
    (folder / "shown.json").write_text(json.dumps(raw))
    return folder


def record(raw, name):
    return next(entry for entry in raw["records"] if entry["contestant"] == name)


def of(name, **values):
    """Return an edit of fields of a contestant's record."""
    return lambda raw: record(raw, name).update(values)


def protocol(**values):
    return lambda raw: raw["protocol"].update(values)


def metric(value):
    return lambda raw: record(raw, "run")["metrics"]["pck@10px"].update(value=value)


STOPPED = {"status": "failed", "reason": "no memory", "metrics": {}}
# An edit of the head, and the only row that is not ok: contestant, metric, verdict, its reason; exit code.
# Given boxes hide that a detector got worse, and a failed training that is left out improves the mean.
EDITS = {
    "miss": (protocol(miss=0.4), ("", "data", "cannot compare", "miss: 0.5 and 0.4"), 2),
    "labels": (protocol(labels="other"), ("", "data", "cannot compare", "labels: 'd' and 'other'"), 2),
    "vocabulary": (protocol(vocabulary="wflw98"), ("", "data", "cannot compare", "vocabulary"), 2),
    "main": (protocol(main="nme_diag"), ("", "data", "cannot compare", "main"), 2),
    "split": (protocol(split="all"), ("", "data", "cannot compare", "split"), 2),
    "boxes": (of("ready", boxes="b"), ("ready", "nme_io", "cannot compare", "other boxes: prompt and b"), 2),
    "seeds": (of("run", seeds=2), ("run", "nme_io", "cannot compare", "fewer seeds: 2, and 3 before"), 2),
    "gone": (lambda raw: raw["records"].pop(1), ("ready", "", "regression", "no longer listed"), 1),
    "stopped": (of("ready", **STOPPED), ("ready", "", "regression", "failed: no memory"), 1),
    "size": (of("run", exact={"parameters": 11.0}), ("run", "parameters", "regression", "must not move"), 1),
    "no size": (of("run", exact={}), ("run", "parameters", "regression", "defined on one side only"), 1),
    "worse": (metric(0.5), ("run", "pck@10px", "regression", ""), 1),
    "undefined": (metric(None), ("run", "pck@10px", "regression", "undefined"), 1),
}


@pytest.mark.parametrize(("edit", "expected", "code"), EDITS.values(), ids=EDITS)
def test_every_other_record_is_seen(base, tmp_path, edit, expected, code):
    rows = rows_of(base, edited(base, tmp_path, edit))
    (row,) = [row for row in rows if row.verdict != "ok"]
    assert (row.contestant, row.metric, row.verdict) == expected[:3] and expected[3] in row.reason
    assert exit_code(rows) == code
    if row.contestant:
        ignoring = CONFIG.model_copy(update={"ignore": (row.contestant,)})
        assert exit_code(rows_of(base, tmp_path, ignoring)) == 0


def test_more_seeds_and_better_metrics_are_no_regression(base, tmp_path):
    few = edited(base, tmp_path / "few", of("run", seeds=2))
    assert {row.verdict for row in rows_of(few, base)} == {"ok"}
    worse = edited(base, tmp_path / "worse", metric(0.5))
    assert verdicts(rows_of(worse, base))["run", "pck@10px"] == "improved"


def test_a_number_that_the_base_lacks_is_listed_and_no_regression(base, tmp_path):
    without = edited(base, tmp_path / "without", metric(None))
    rows = rows_of(without, base)
    (row,) = [row for row in rows if row.verdict != "ok"]
    assert (row.contestant, row.metric, row.verdict) == ("run", "pck@10px", "new") and exit_code(rows) == 0
    assert "| new | `shown` | `run` | pck@10px |" in markdown(rows, "a", "b")
    assert row.reason == "the base has no such number: not compared"


def test_rendered_data_that_moved_are_a_regression(tmp_path):
    base = results_scene.write(tmp_path / "base", report={"origin": "rendered"})
    assert exit_code(rows_of(base, edited(base, tmp_path / "head", protocol(labels="moved")))) == 1


def test_an_error_without_a_margin_is_not_let_pass_in_silence(base, moved):
    alone = CONFIG.model_copy(update={"margins": {"found": Margin(), "nme_diag": Margin(absolute=1.0)}})
    rows = rows_of(base, moved, alone)
    assert exit_code(rows) == 2
    assert {row.reason for row in rows if row.verdict != "ok"} == {"no margin is stated for nme_io or nme_io_all"}
    one = CONFIG.model_copy(update={"margins": {"nme_io_all": Margin(absolute=0.002)}})
    assert exit_code(rows_of(base, moved, one)) == 1


def test_a_data_set_that_is_gone_is_a_regression_and_a_new_one_is_not(base, tmp_path):
    more = tmp_path / "more"
    shutil.copytree(base, more)
    raw = json.loads((base / "shown.json").read_text())
    raw["data_set"]["name"] = "other"
    (more / "other.json").write_text(json.dumps(raw))
    shutil.copyfile(base / "shown.parquet", more / "other.parquet")
    assert exit_code(rows_of(more, base)) == 1
    assert exit_code(rows_of(base, more)) == 0 and ("", "data set") in verdicts(rows_of(base, more))


def test_one_face_fewer_is_a_regression_unless_a_margin_allows_it(base, tmp_path):
    def change(own):
        xy = own.xy.copy()
        xy[7] = np.nan
        return replace(own, xy=xy) if own.contestant == "ready" else own

    head = results_scene.write(tmp_path, change)
    rows = rows_of(base, head)
    assert verdicts(rows, "found") == {("run", "found"): "ok", ("ready", "found"): "regression"}
    (row,) = [row for row in rows if (row.contestant, row.metric) == ("ready", "found")]
    assert row.reason == "1 of 80 faces are missed, 0 were"
    allowed = CONFIG.model_copy(update={"margins": CONFIG.margins | {"found": Margin(absolute=0.02)}})
    assert exit_code(rows_of(base, head, allowed)) == 0
    assert verdicts(rows_of(head, base), "found")["ready", "found"] == "improved"


def test_a_doubtful_difference_is_inconclusive_and_fails_only_when_asked(base, unsure):
    rows = rows_of(base, unsure)
    (row,) = [row for row in rows if (row.contestant, row.metric) == ("ready", "nme_io")]
    assert row.low < 0 < row.margin < row.high, "the scene is not doubtful"
    assert row.verdict == "inconclusive"
    assert exit_code([row]) == 0 and exit_code([row], strict=True) == 1


def test_worse_beyond_doubt_yet_within_the_margin_is_let_pass(base, moved):
    wide = CONFIG.model_copy(update={"margins": {"nme_io": Margin(absolute=0.5)}})
    rows = rows_of(base, moved, wide)
    (row,) = [row for row in rows if (row.contestant, row.metric) == ("run", "nme_io")]
    assert row.low > 0 and row.verdict == "ok" and row.reason == "worse, by less than the margin"


def test_one_subject_is_judged_as_it_stands(tmp_path):
    one = replace(results_scene.faces(1), subjects=np.full(results_scene.EACH, "s"))
    base = results_scene.write(tmp_path / "base", truth=one)
    rows = rows_of(base, results_scene.write(tmp_path / "head", shifted(9, 9), truth=one))
    (row,) = [row for row in rows if (row.contestant, row.metric) == ("run", "nme_io")]
    assert row.verdict == "regression" and "one subject" in row.reason


# The command, on folders and revisions.


@pytest.fixture
def project(tmp_path, monkeypatch, base, moved):
    """A git repository with two commits: results, and results that are some px off."""
    root = tmp_path / "project"
    (root / "metrics").mkdir(parents=True)
    gated(root, monkeypatch)
    shutil.copytree(base, root / "metrics/results")
    git("init", "-q")
    commit("good")
    shutil.rmtree(root / "metrics/results")
    shutil.copytree(moved, root / "metrics/results")
    commit("bad")
    return root


def gated(root: Path, monkeypatch, margins=MARGINS) -> None:
    (root / "params.yaml").write_text(json.dumps({"gate": WHERE | {"margins": margins}}))
    monkeypatch.chdir(root)


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def commit(message: str) -> None:
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", message)


def compare(*arguments: str) -> int:
    try:
        cli._main(["compare", *arguments])
    except SystemExit as left:
        return left.code
    return 0


def test_a_revision_is_compared_with_the_working_tree(project, capsys):
    assert compare("HEAD~1") == 1
    output = capsys.readouterr().out
    assert output.startswith("## Worse") and "the working tree" in output and "`ready`" in output
    assert re.search(r"^`HEAD~1 \([0-9a-f]{9}\)` against the working tree: ", output, re.MULTILINE)
    assert compare("HEAD") == 0
    assert "No regression" in capsys.readouterr().out


def test_two_revisions_a_branch_and_an_experiment(project):
    assert compare("HEAD~1", "HEAD") == 1 and compare("HEAD", "HEAD~1") == 0
    git("branch", "kept", "HEAD~1")
    assert compare("kept") == 1
    git("update-ref", "refs/exps/ab/cdef/brave-bird", "HEAD~1")
    assert compare("brave-bird") == 1


def test_reports_say_the_same_in_three_forms(project):
    outs = ["--markdown", "out/gate.md", "--json", "out/gate.json", "--junit", "out/gate.xml"]
    (project / "out").mkdir()
    assert compare("HEAD~1", *outs) == 1
    report = json.loads((project / "out/gate.json").read_text())
    suite = ElementTree.parse(project / "out/gate.xml").getroot()
    worse = [row for row in report["rows"] if row["verdict"] == "regression"]
    assert report["exit"] == 1 and len(worse) == int(suite.get("failures")) == len(suite.findall(".//failure")) > 0
    assert len(report["rows"]) == int(suite.get("tests"))
    assert (project / "out/gate.md").read_text().count("| regression |") == len(worse)


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["nowhere"], "nowhere is neither a folder nor a revision"),
        (["HEAD", "empty"], "empty holds no results"),
        (["HEAD~2"], "HEAD~2 is neither a folder nor a revision"),
    ],
)
def test_what_cannot_be_compared_leaves_with_two(project, arguments, cause):
    (project / "empty").mkdir()
    with pytest.raises(ThermarkError) as caught:
        compare(*arguments)
    assert caught.value.code == 2 and cause in caught.value.cause and caught.value.remedy


def test_a_revision_without_records_or_errors_leaves_with_two(project):
    (project / "metrics/results/shown.parquet").unlink()
    commit("no errors")
    with pytest.raises(ThermarkError, match=r"HEAD has no metrics/results/shown\.parquet") as caught:
        compare("HEAD", "HEAD~1")
    assert caught.value.code == 2
    shutil.rmtree(project / "metrics")
    commit("no results")
    with pytest.raises(ThermarkError, match="HEAD has no metrics/results") as caught:
        compare("HEAD", "HEAD~2")
    assert caught.value.code == 2


def test_a_margin_for_an_unknown_metric_is_refused(project):
    (project / "params.yaml").write_text(json.dumps({"gate": WHERE | {"margins": {"nme_oi": {}}}}))
    with pytest.raises(ThermarkError, match="no metric 'nme_oi'") as caught:
        compare("HEAD")
    assert caught.value.code == 2


def test_a_project_in_a_folder_of_a_repository_is_compared(tmp_path, monkeypatch, base):
    root = tmp_path / "all/project"
    shutil.copytree(base, root / "metrics/results")
    (root / "params.yaml").write_text(json.dumps({"gate": WHERE | {"margins": MARGINS}}))
    monkeypatch.chdir(tmp_path / "all")
    git("init", "-q")
    commit("good")
    monkeypatch.chdir(root)
    assert compare("HEAD") == 0


def test_reports_say_that_a_doubt_fails_where_it_does(base, unsure, tmp_path, capsys, monkeypatch):
    gated(tmp_path, monkeypatch, {"nme_io": MARGINS["nme_io"]})
    assert compare(str(base), str(unsure), "--junit", "gate.xml") == 0
    assert (
        "## No regression" in capsys.readouterr().out
        and ElementTree.parse("gate.xml").find(".//skipped") is not None
    )
    assert compare(str(base), str(unsure), "--junit", "gate.xml", "--strict") == 1
    suite = ElementTree.parse("gate.xml").getroot()
    assert "## Inconclusive" in capsys.readouterr().out and suite.find(".//skipped") is None
    assert int(suite.get("failures")) == len(suite.findall(".//failure")) > 0 and suite.get("skipped") == "0"


def test_a_reason_with_control_characters_is_readable_xml(base, tmp_path, monkeypatch):
    def stop(raw):
        record(raw, "ready").update(status="failed", reason="\x1b[31mno\x00 memory", metrics={})

    head = edited(base, tmp_path / "head", stop)
    gated(tmp_path, monkeypatch)
    assert compare(str(base), str(head), "--junit", "gate.xml") == 1
    assert "no� memory" in ElementTree.parse("gate.xml").find(".//failure").get("message")


def test_a_name_cannot_break_out_of_the_report(base, tmp_path, capsys, monkeypatch):
    evil = "<img src=x onerror=alert(1)>|`"
    head = edited(base, tmp_path / "head", lambda raw: record(raw, "ready").update(contestant=evil))
    gated(tmp_path, monkeypatch)
    assert compare(str(base), str(head), "--junit", "gate.xml") == 1
    output = capsys.readouterr().out
    assert (
        not re.search(r"(?<!\\)<img", output)
        and ElementTree.parse("gate.xml").getroot().get("name") == "thermark compare"
    )
