import subprocess
import sys
from pathlib import Path

import pytest

from thermark import cli
from thermark.core.errors import ConfigError


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "sample.yaml").write_text("a: 1\n")
    (folder / "full.yaml").write_text("a: 2\n")
    return folder


def test_a_profile_becomes_the_params_file(profiles, tmp_path):
    params = tmp_path / "params.yaml"
    cli.switch("full", profiles, params)
    assert params.read_text() == "a: 2\n"
    cli.switch("sample", profiles, params)
    assert params.read_text() == "a: 1\n" and not (tmp_path / "params.yaml.bak").exists()


def test_params_that_are_in_no_profile_are_kept(profiles, tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text("a: mine\n")
    cli.switch("full", profiles, params)
    assert (tmp_path / "params.yaml.bak").read_text() == "a: mine\n"


def test_an_unknown_profile_names_the_nearest(profiles, tmp_path):
    with pytest.raises(ConfigError) as caught:
        cli.switch("ful", profiles, tmp_path / "params.yaml")
    assert caught.value.remedy == "did you mean `full`?" and not (tmp_path / "params.yaml").exists()


def test_the_readme_keeps_everything_but_the_leaderboard(tmp_path):
    readme, board = tmp_path / "README.md", tmp_path / "l.md"
    readme.write_text(f"before\n{cli.MARKER}\nold\n{cli.MARKER}\nafter\n")
    board.write_text("# new\n\n| a |\n\nlegend\n\n## part\n\n| b |\n")
    for _ in range(2):
        cli.renew(readme, board)
    assert readme.read_text() == f"before\n{cli.MARKER}\n| a |\n\nlegend\n{cli.MARKER}\nafter\n"


def test_a_readme_without_markers_is_left_alone(tmp_path):
    readme, board = tmp_path / "README.md", tmp_path / "l.md"
    readme.write_text("text")
    board.write_text("new")
    with pytest.raises(ConfigError, match="twice"):
        cli.renew(readme, board)
    assert readme.read_text() == "text"


@pytest.mark.parametrize(("arguments", "code"), [(["profile", "nothing"], 2), (["readme", "a", "b"], 3), ([], 2)])
def test_exit_codes_reach_the_shell(arguments, code, tmp_path):
    (tmp_path / "profiles").mkdir()
    command = [sys.executable, "-m", "thermark.cli", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code and done.stdout == "" and "Traceback" not in done.stderr
