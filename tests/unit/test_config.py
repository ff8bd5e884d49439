from pathlib import Path

import pytest

from thermark.core.config import Section, section, value
from thermark.core.errors import ConfigError


class Run(Section):
    lr: float
    epochs: int = 3
    name: str = "x"
    window: tuple[int, int] = (0, 1)


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(
        "runs:\n  good: {lr: 1, window: [2, 3]}\n  typo: {lr: 0.1, epoch: 4}\n  kind: {lr: fast}\n",
        encoding="utf-8",
    )
    return path


def test_a_section_is_typed_and_frozen(params):
    run = section(params, "runs.good", Run)
    assert (run.lr, run.epochs, run.window) == (1.0, 3, (2, 3))
    with pytest.raises(Exception, match="frozen"):
        run.lr = 2.0


def test_an_unknown_key_names_its_nearest_neighbour(params):
    with pytest.raises(ConfigError) as caught:
        section(params, "runs.typo", Run)
    assert "epoch" in caught.value.cause and "`epochs`" in caught.value.remedy


def test_a_wrong_type_shows_field_and_value(params):
    with pytest.raises(ConfigError, match=r"runs\.kind\.lr.*'fast'"):
        section(params, "runs.kind", Run)


def test_a_missing_section_names_its_nearest_neighbour(params):
    with pytest.raises(ConfigError) as caught:
        value(params, "runs.god")
    assert "`good`" in caught.value.remedy


@pytest.mark.parametrize("text", ["a: [", "- just\n- a list\n", ""])
def test_a_broken_file_is_a_usage_error(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        value(path, "a")


def test_an_absent_file_is_a_usage_error(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        value(tmp_path / "params.yaml", "a")
