import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from thermark import cli
from thermark.core.errors import ConfigError
from thermark.report.results.record import open_set

RESULTS = Path(__file__).parents[1] / "golden/smoke/tfake.json"


def test_the_readme_keeps_everything_but_the_leaderboard(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{cli.MARKER}\nold\n{cli.MARKER}\nafter\n")
    for _ in range(2):
        cli.renew(readme, RESULTS)
    assert readme.read_text() == f"before\n{cli.MARKER}\n{cli.overview(RESULTS)}\n{cli.MARKER}\nafter\n"


def test_the_overview_has_one_of_each_kind_and_says_how_many_there_are():
    results = open_set(RESULTS)
    ran = [record for record in results.records if record.ran and record.points == 68]
    *rows, _, rule = cli.overview(RESULTS).splitlines()[2:]
    kinds = {row.split("`")[1]: row.split("`")[3] for row in rows}
    assert len(rows) == min(10, len(ran)) and set(kinds.values()) == {record.kind for record in ran}
    assert f"{len(rows)} of the {len(ran)} contestants" in rule and "a missed face counts 50.00 %" in rule
    errors = [float(re.search(r"\| ([0-9.]+)( \(|$)", row)[1]) for row in rows]
    assert errors == sorted(errors)


def test_a_readme_without_markers_is_left_alone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("text")
    with pytest.raises(ConfigError, match="twice"):
        cli.renew(readme, RESULTS)
    assert readme.read_text() == "text"


@pytest.mark.parametrize("command", [command for commands in cli.GROUPS.values() for command in commands])
def test_every_command_is_listed_and_has_an_example_that_its_options_allow(command, capsys):
    with pytest.raises(SystemExit):
        cli._main(["--help"])
    assert f"  {command.name} " in capsys.readouterr().out
    program, *arguments = shlex.split(command.example.replace("\\\n", ""))
    options = cli.parser().parse_args(arguments)
    assert program == "thermark" and options.command == command.name and options.run is command.run
    with pytest.raises(SystemExit):
        cli._main([command.name, "--help"])
    assert command.example in capsys.readouterr().out


@pytest.fixture
def manifests(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("THERMARK_CACHE", str(tmp_path / "cache"))
    card = (
        "{model: m, source_page: 'https://a.org', licence: Tiny License, gated: true, "
        "licence_url: 'https://a.org/l', input_size: [1, 1], channels: rgb, vocabulary: null, trained_on: [x]}"
    )
    file = f"{{name: a, url: {{address: 'https://a.org/a'}}, size: null, sha256: null, card: {card}}}"
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "t.yaml").write_text(f"name: t\nfiles: [{file}]\n")
    return tmp_path / "manifests"


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    (tmp_path / "licences").mkdir()
    return tmp_path / "licences"


@pytest.mark.parametrize(("answer", "yes"), [("y", False), ("YES ", False), ("", True)])
def test_a_licence_is_shown_and_accepted(manifests, sheets, tmp_path, monkeypatch, capsys, answer, yes):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    given = ["--manifests", str(manifests), "--licences", str(sheets)]
    cli._main(["accept-licence", "tiny-license", *given, *(["--yes"] if yes else [])])
    assert "tiny-license: Tiny License\nhttps://a.org/l\n" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "cache").rglob("*.json")] == ["tiny-license.json"]


@pytest.mark.parametrize(
    ("name", "terminal", "remedy"),
    [
        ("tiny-license", True, "weights under it are left out"),
        ("tiny-license", False, "add --yes"),
        ("tiny", True, "did you mean `tiny-license`?"),
    ],
)
def test_a_licence_that_nobody_confirms_is_not_accepted(
    manifests, sheets, tmp_path, monkeypatch, name, terminal, remedy
):
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "")
    with pytest.raises(ConfigError) as caught:
        cli.accept_licence(name, manifests, sheets, yes=False)
    assert remedy in caught.value.remedy and not (tmp_path / "cache").exists()


def test_an_end_of_input_at_the_question_is_a_no(manifests, sheets, tmp_path, monkeypatch):
    def ended(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", ended)
    with pytest.raises(ConfigError, match="was not accepted") as caught:
        cli.accept_licence("tiny-license", manifests, sheets, yes=False)
    assert "a data set under it is not fetched" in caught.value.remedy and not (tmp_path / "cache").exists()


@pytest.mark.parametrize("arguments", [[], ["tfake", "--yes"]])
def test_outside_of_the_repository_there_are_no_licences(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/manifests/weights").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"^data/licences is not here$") as caught:
        cli._main(["accept-licence", *arguments])
    assert caught.value.remedy == "run it in the repository"


@pytest.mark.parametrize(("arguments", "code"), [(["profile", "nothing"], 2), (["readme", "a", "b"], 3), ([], 2)])
def test_every_failure_has_its_exit_code(arguments, code, tmp_path, monkeypatch, capsys):
    (tmp_path / "profiles").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["thermark", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, complained = capsys.readouterr()
    assert ended.value.code == code and out == "" and complained


def test_an_exit_code_reaches_the_shell(tmp_path):
    command = [sys.executable, "-m", "thermark.cli", "readme", "a", "b"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and done.stdout == "" and done.stderr.startswith("error: ")


@pytest.mark.parametrize("command", ["calibrate", "predict"])
def test_help_says_from_where_pixels_are_counted(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "110")
    with pytest.raises(SystemExit) as caught:
        cli._main([command, "--help"])
    output = capsys.readouterr().out
    assert (
        caught.value.code == 0
        and "0,0 is the CENTRE" in output
        and "COCO counts from the picture's OUTLINE" in output
    )
    assert "%(" not in output and max(map(len, output.splitlines())) <= 115
