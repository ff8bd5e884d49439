"""Licences of data and of weights: one command, one variable, and neither kind breaks the other."""

from dataclasses import replace
from pathlib import Path

import pytest

from fetch_machine import SHEET, Machine
from thermark import cli
from thermark.core.errors import ConfigError
from thermark.download import licences

ROOT = Path(__file__).parents[2]
WEIGHTS, DATA = ROOT / "data/manifests/weights", ROOT / "data/licences"
GIVEN = ["accept-licence", "--manifests", str(WEIGHTS), "--licences", str(DATA)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("THERMARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(licences.VARIABLE, raising=False)
    return tmp_path / "cache"


def test_the_shipped_sheets_say_what_a_person_must_know():
    sheets = licences.of_data(DATA)
    assert {"tfake", "facesynthetics-r-uda", "charlotte", "thermeval", "300w", "coco-wholebody"} <= set(sheets)
    assert {"coco-images", "sftl54", "tfw", "thermal-in-car"} <= set(sheets) and not set(sheets) & set(
        licences.of_weights(WEIGHTS)
    )
    for sheet in sheets.values():
        assert sheet.url.startswith("https://") and len(sheet.terms.split()) > 15 and sheet.covers


@pytest.mark.parametrize(("name", "word"), [("tfake", "non-commercial"), ("sapiens2-license", "Sapiens2")])
def test_a_licence_of_either_kind_is_shown_and_accepted(own_cache, capsys, name, word):
    cli._main([*GIVEN, name, "--yes"])
    output = capsys.readouterr().out
    assert output.startswith(f"{name}: ") and word in output and "\nhttps://" in output and "\n\n" not in output
    assert [path.name for path in own_cache.rglob("*.json")] == [f"{name}.json"]


def test_without_a_name_all_are_listed_with_their_state(monkeypatch, capsys):
    cli._main([*GIVEN, "tfw", "--yes"])
    monkeypatch.setenv(licences.VARIABLE, "sftl54")
    capsys.readouterr()
    cli._main(GIVEN)
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert set(lines) == {*licences.of_data(DATA), *licences.of_weights(WEIGHTS)}
    assert {name for name, line in lines.items() if ", accepted" in line} == {"tfw", "sftl54"}
    assert all(", accepted" in line or ", not accepted" in line for line in lines.values())


def test_the_nearest_name_of_either_kind_is_offered():
    for name, near in (("t-fake", "tfake"), ("sapiens2-licence", "sapiens2-license")):
        with pytest.raises(ConfigError) as error:
            cli._main([*GIVEN, name, "--yes"])
        assert error.value.remedy == f"did you mean `{near}`?"


@pytest.mark.parametrize("named", ["tfake", "tfake,sapiens2-license", " sapiens2-license ,, tfake "])
def test_the_variable_may_name_both_kinds(own_cache, monkeypatch, named):
    data, weights = licences.of_data(DATA), licences.of_weights(WEIGHTS)
    monkeypatch.setenv(licences.VARIABLE, named)
    assert licences.missing([data["tfake"]], own_cache) == []
    lacking = licences.missing([weights["sapiens2-license"], data["tfw"]], own_cache)
    assert [licence.name for licence in lacking] == ["sapiens2-license"] * ("sapiens2" not in named) + ["tfw"]


def test_another_title_address_or_text_wants_to_be_accepted_again(own_cache):
    licence = licences.of_data(DATA)["tfake"]
    note = licences.accept(licence, own_cache)
    assert licences.accepted(licence, own_cache)
    assert licences.accepted(replace(licence, covers="more"), own_cache)
    for change in ({"title": "Another"}, {"url": "https://other.example/"}, {"terms": "Pay."}):
        assert not licences.accepted(replace(licence, **change), own_cache), change
    for damage in ("{}", "[]", "", "\xff"):
        note.write_text(damage, encoding="latin-1")
        assert not licences.accepted(licence, own_cache), damage


def test_a_sheet_with_an_unknown_field_is_refused(tmp_path):
    case = Machine(tmp_path)
    (case.root / "licences/tiny.yaml").write_text(f"{SHEET | {'accepted': True}}")
    with pytest.raises(ConfigError, match="accepted"):
        licences.of_data(case.root / "licences")
