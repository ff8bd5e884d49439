"""Tables, references and exports of a post can be read by what they are for."""

import csv
import json
import re
import subprocess

import pandas as pd
import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

from post_inputs import EVIL, FORMULA, comparisons, options, result_set, scene, unpainted
from thermark.core import files
from thermark.report.blog import build, latex, post_tables, references
from thermark.report.results.comparisons import Comparisons
from thermark.report.results.record import ResultSet, open_all

COMMIT = "0" * 40


@pytest.fixture(autouse=True)
def blank():
    """Leave pictures empty: that they are the same twice is tested with the figures."""
    with unpainted():
        yield


def git(folder, *given):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *given], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return a folder under git with records and a lock, as the working directory."""
    scene(tmp_path / "results")
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\n")
    (tmp_path / ".gitignore").write_text("/blog/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_provenance_names_every_file_and_a_second_run_writes_the_same_bytes(repository):
    post = options(repository / "results", repository / "blog")
    build.build(post)
    written = everything(repository / "blog")
    named = {"index.md", "results.json", "references.bib", "provenance.json", "huggingface/eval.yaml"}
    assert named <= set(written)
    build.build(post)
    assert everything(repository / "blog") == written
    provenance = json.loads((repository / "blog" / "provenance.json").read_text())
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert (
        provenance["commit"] == head
        and provenance["clean"] is True
        and provenance["command"] == "python stages/blog.py"
    )
    (made,) = provenance["made"]
    assert made["data_sets"] == ["car", "tfake"] and made["arithmetic"] == "portable"
    assert made["environment"] == {"numpy": "2.4.6"} and made["commit"] == head
    assert made["lock"] == files.sha256(repository / "dvc.lock")
    assert set(provenance["written"]) == set(written) - {"provenance.json"}
    for name in ("figures/ced_tfake_720.png", "tables/not_run.tex", ".eval_results/ktl_s.yaml"):
        (path,) = [each for each in provenance["written"] if each.endswith(name)]
        assert provenance["written"][path] == files.sha256(repository / "blog" / path)
    assert provenance["read"] == {
        path.name: files.sha256(path)
        for path in [*sorted((repository / "results").iterdir()), repository / "comparisons.json"]
    }
    assert head in (repository / "blog" / "references.bib").read_text()
    (repository / "dvc.lock").write_text("schema: '3.0'\n")
    build.build(post)
    assert json.loads((repository / "blog" / "provenance.json").read_text())["clean"] is False
    assert "with changes that are not committed" in (repository / "blog" / "index.md").read_text()


def test_results_json_is_every_record_with_the_commit(repository):
    build.build(options(repository / "results", repository / "blog"))
    results = json.loads((repository / "blog" / "results.json").read_text())
    assert results["schema"] == 1
    for name, opened in open_all(repository / "results").items():
        read = ResultSet.model_validate_json(json.dumps(results["sets"][name]))
        assert read.records == opened.records and read.protocol == opened.protocol
        assert len(read.made.commit) == 40 and len(read.made.lock) == 64
    assert Comparisons.model_validate_json(json.dumps(results["comparisons"])) == comparisons()


def test_outside_of_a_repository_there_is_no_commit(tmp_path, monkeypatch):
    scene(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    build.build(options(tmp_path / "results", tmp_path / "blog"))
    provenance = json.loads((tmp_path / "blog" / "provenance.json").read_text())
    assert (provenance["commit"], provenance["date"], provenance["clean"]) == ("", "", False)
    text = (tmp_path / "blog" / "index.md").read_text()
    assert "\ndate:" not in text and "Commit" not in text


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    root = tmp_path_factory.mktemp("exports")
    with unpainted():
        build.build(options(scene(root / "results"), root / "blog"))
    return root / "blog"


def test_csv_tables_hold_the_records_numbers(bundle):
    with (bundle / "tables" / "leaderboard_tfake.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["contestant"] for row in rows] == ["ktl_s", "kd_st", EVIL, "blind", f"'{FORMULA}"]
    assert {(row["data"], row["labels"], row["tier"]) for row in rows} == {
        ("rendered", "rendered", "rendered data only")
    }
    assert float(rows[0]["nme_io_all"]) == 0.0912 and float(rows[0]["nme_io_all_low"]) == pytest.approx(0.0789)
    assert [row["floor"] for row in rows[:2]] == ["0.0211", ""]
    assert rows[3]["nme_io"] == "" and rows[0]["group"] == "A"
    family = pd.read_csv(bundle / "tables" / "family_recipes.csv")
    assert family["difference"].tolist()[:2] == [-0.0056, -0.0056] and family["seeds_b"].tolist() == [3, 3, 0]
    assert set(pd.read_csv(bundle / "tables" / "leaderboard_car.csv")["labels"]) == {"machine"}


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_a_csv_is_a_formula(tmp_path, cell):
    post_tables.write_csv(
        tmp_path / "t.csv", pd.DataFrame({"contestant": [cell], "difference": [-0.25], "faces": [3]})
    )
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {"contestant": f"'{cell.strip()}", "difference": "-0.25", "faces": "3"}


def test_every_csv_of_the_bundle_says_what_its_data_are(bundle):
    paths = [path for path in bundle.rglob("*.csv") if path.name != "not_run.csv"]
    assert len(paths) == 11
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                assert row["data"] == {"tfake": "rendered", "car": "real"}[row["dataset"]]
                assert row["labels"] == {"tfake": "rendered", "car": "machine"}[row["dataset"]]
                assert not any(str(cell).startswith(("=", "+", "@")) for cell in row.values())


def unescaped(text):
    """Return what is left of LaTeX without its commands: what would be special, is."""
    text = re.sub(r"%.*", "", text.replace(r"\%", "")) if text.startswith("%") else text.replace(r"\%", "")
    return re.sub(r"\\[&$#_{}]|\$\\[a-z]+\$|\$-\$", "", text)


def test_latex_is_balanced_and_escaped(bundle):
    written = sorted((bundle / "tables").glob("*.tex"))
    assert len(written) == 4
    for path in written:
        text = path.read_text(encoding="utf-8")
        for name in ("table", "tabular"):
            assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1
        columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1]
        body = text.split(r"\toprule")[1].split(r"\bottomrule")[0].replace(r"\midrule", "")
        rows = [row for row in body.split("\\\\\n") if row.strip()]
        assert len(rows) > 1
        for row in rows:
            plain = unescaped(row)
            assert plain.count("&") == len(columns) - 1
            assert not re.search(r"[$#_%~^<>|\"]", plain)
            assert not row.strip().startswith("[")
        assert unescaped(text).count("{") == unescaped(text).count("}")
        assert text.isascii()
    text = (bundle / "tables" / "leaderboard_tfake.tex").read_text()
    assert r"a\_b \& \textless{}img onerror=x\textgreater{}" in text
    assert "rendered data, no evidence about cameras" in text
    assert "labels are another network's" in (bundle / "tables" / "leaderboard_car.tex").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b", r"a\_b"),
        ("50 % & more", r"50 \% \& more"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("$x^2$", r"\$x\textasciicircum{}2\$"),
        ("a\n\nb", "a b"),
        ("−0.5–1 ↓", r"$-$0.5--1 $\downarrow$"),
    ],
)
def test_latex_special_characters_stand_for_themselves(text, expected):
    assert latex.escaped(text) == expected


def test_a_row_that_begins_with_a_bracket_is_no_argument():
    text = latex.table("c", "l", ["a"], [["[1]"], ["*"]])
    assert "\n{}[1] \\\\\n{}* \\\\\n" in text


def test_markdown_tables_stand_alone(bundle):
    text = (bundle / "tables" / "leaderboard_tfake.md").read_text(encoding="utf-8")
    assert text.startswith("*T-FAKE, rendered (rendered data, no evidence about cameras)*\n\n| contestant |")
    assert r"| a\_b \& \<img onerror=x\> |" in text


def test_hugging_face_reads_its_files(bundle):
    folder = bundle / "huggingface"
    benchmark = yaml.safe_load((folder / "eval.yaml").read_text(encoding="utf-8"))
    assert set(benchmark) == {"name", "description", "evaluation_framework", "tasks"}
    assert "rendered data, no evidence about cameras" in benchmark["description"]
    tasks = {task["id"]: task for task in benchmark["tasks"]}
    assert tasks["tfake_nme_io_all"] == {"id": "tfake_nme_io_all", "config": "tfake", "split": "test"}
    written = sorted((folder / ".eval_results").iterdir())
    assert len(written) == 5  # dlib did not run
    for path in written:
        entries = parse_eval_result_entries(yaml.safe_load(path.read_text(encoding="utf-8")))
        assert {entry.task_id for entry in entries} == set(tasks)
        assert {entry.dataset_id for entry in entries} == {"lab/thermark"}
        for entry in entries:
            caveat = "rendered data" if entry.task_id.startswith("tfake") else "another network's"
            assert caveat in entry.notes and entry.source_url == "https://example.org/thermark"
    content = yaml.safe_load((folder / ".eval_results" / "ktl_s.yaml").read_text(encoding="utf-8"))
    values = {entry.task_id: entry.value for entry in parse_eval_result_entries(content)}
    assert values["tfake_nme_io_all"] == 9.12 and values["tfake_found"] == 100.0


def test_references_are_of_what_is_shown(bundle):
    text = (bundle / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{(\w+),$", text, re.M)
    assert keys == [
        "thermark",
        "tong2025lightweight",
        "jiang2023rtmpose",
        "flotho2025tfake",
        "knapik2024multimodal",
    ]  # and nothing of dlib, which did not run, nor of other data sets
    assert text.count("{") == text.count("}")
    assert len(re.findall(r"^  (author|title) = ", text, re.M)) == 2 * len(keys)


def test_every_reference_is_whole_and_of_something_that_is_there():
    known = references.known()
    assert len(known) > 20
    for key, entry in known.items():
        assert re.fullmatch(r"[a-z0-9]+", key)
        assert {"author", "title"} <= set(entry.fields) and entry.source
        assert entry.titles or entry.kinds or entry.names
        needed = {"article": "journal", "inproceedings": "booktitle"}.get(entry.type)
        assert needed is None or needed in entry.fields
        assert "eprint" not in entry.fields or entry.fields["archiveprefix"] == "arXiv"


def test_a_data_set_is_cited_by_its_whole_name():
    def shown(title):
        return set(references.cited({"a": result_set(title=title)}, COMMIT)) - {"thermark"}

    assert shown("T-FAKE, rendered") == {"flotho2025tfake"}
    assert shown("SF-TL54, visible") == {"kuzdeuov2022sftl54"}
    assert shown("FaceSynthetics, thermalised in the layout of T-FAKE") == {"wood2021fake", "flotho2025tfake"}
    assert shown("TFW2") == set()


@pytest.mark.parametrize("name", ["ktl_s", "a/../b", ".hidden", EVIL, "", "a b", "a_b"])
def test_a_file_name_holds_no_path(name):
    made = post_tables.found_by(name)
    assert re.fullmatch(r"[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*", made) or made.startswith("-")
    assert "/" not in made and not made.startswith(".")


def test_no_two_names_have_one_file():
    names = ["a b", "a_b", "a/b", "a-b", "a  b"]
    assert len({post_tables.found_by(name) for name in names}) == len(names)


def test_a_declared_pair_says_its_caveat_and_no_interval_of_too_few_seeds():
    (family,) = comparisons().families
    one, other, _ = family.pairs
    pairs = [
        one.model_copy(update={"caveat": "boxes frame and prompt"}),
        other.model_copy(update={"verdict": "two seeds: no verdict"}),
    ]
    variant = family.model_copy(update={"pairs": tuple(pairs)})
    sets = {"tfake": result_set(), "car": result_set("car")}
    table = post_tables.family(variant, sets)
    first, second = (dict(zip(table.header, row, strict=True)) for row in table.rows)
    assert first["caveat"] == "boxes frame and prompt"
    assert (first["a − b"], first["95 %"]) == ("−0.56", "−1.01 to −0.11")
    assert (second["a − b"], second["95 %"]) == ("−0.56", "–")
    assert second["p"] == second["caveat"] == "–"
    plain = post_tables.family(comparisons().families[0], sets)
    assert "caveat" not in plain.header
