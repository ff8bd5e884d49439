"""What holds of a data set whoever publishes it: the same faults, limits and pins for all of them."""

import re

import pytest
from google_drive import QUOTA, Drive, driving
from publishers import ALL, FILES, ID, PACKED, SINGLE, SOURCES, as_nobody, publishing, size
from scripted_server import CUT, OK, digest
from test_hub import COMMIT, hubbub

from fetch_machine import Machine, below, zipped
from thermark.core.errors import DataError, NetworkError
from thermark.download import trees
from thermark.download.request import TooLarge

pytestmark = pytest.mark.usefixtures(as_nobody.__name__)
LANDED = below("all", FILES)
FLIPPED = bytes([FILES["a.bin"][0] ^ 1]) + FILES["a.bin"][1:]


@pytest.fixture(autouse=True)
def one_after_the_other(monkeypatch):
    monkeypatch.setattr(trees, "WORKERS", 1)


def machine(tmp_path, piece, **more) -> Machine:
    return Machine(tmp_path / "m", pieces={"all": piece}, **more)


def kept(case: Machine) -> list[str]:
    """Return what the cache holds of data, finished or not; of a page an empty part may stay."""
    paths = [path for name in ("objects", "trees", "urls", "parts") for path in (case.cache / name).rglob("*")]
    return [path.name for path in paths if path.is_file() and path.stat().st_size > 99]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("changed", [{"a.bin": FLIPPED}, {"a.bin": FLIPPED + b"1"}], ids=["same size", "longer"])
def test_a_data_set_is_pinned_and_found_again_and_another_is_refused(tmp_path, kind, changed):
    with publishing(kind) as offer:
        case = machine(tmp_path, offer.piece)
        assert case.fetch() == LANDED
        pins, count = case.pins(), len(offer.ranges())
        pin = pins["all"]
        assert re.fullmatch(SOURCES[kind], pin.source) and {entry.path for entry in pin.listing} == set(FILES)
        assert pin.file is None if kind not in SINGLE else pin.file.sha256 == digest(zipped(FILES))
        case.lose()
        assert case.fetch() == LANDED and len(offer.ranges()) == count == 1
        case.lose(cached=True)
        assert case.fetch() == LANDED and case.pins() == pins and len(offer.ranges()) == 2
    with publishing(kind, FILES | changed, again=offer):
        case.lose(cached=True)
        with pytest.raises(DataError) as error:
            case.fetch()
        assert case.pins() == pins and not case.out.exists()
        case.path.unlink()
        assert case.fetch() == below("all", FILES | changed) and case.pins() != pins
    content = zipped(FILES | changed) if kind in SINGLE else changed["a.bin"]
    assert digest(content) in error.value.cause or f"offers {len(content)} bytes" in error.value.cause
    assert error.value.remedy.endswith(
        f"find out what changed upstream; if it is right, delete all from {case.path} to pin it anew"
    )


@pytest.mark.parametrize("kind", ALL)
def test_a_connection_that_is_cut_is_continued(tmp_path, kind):
    with publishing(kind, steps=(CUT, OK)) as offer:
        assert machine(tmp_path, offer.piece).fetch() == LANDED
        first, second = offer.ranges()
    assert first is None and 0 < int(second[6:-1]) <= size(kind) // 2


@pytest.mark.parametrize("kind", ALL)
def test_one_that_stays_cut_is_an_error_and_the_next_run_begins_where_it_ended(tmp_path, kind):
    with publishing(kind, steps=(CUT, 503)) as offer:
        case = machine(tmp_path, offer.piece)
        with pytest.raises(NetworkError, match=r"lacks 1 pieces: all \(.*gave up"):
            case.fetch()
        assert not case.out.exists() and not case.path.exists()
    with publishing(kind, again=offer) as offer:
        assert case.fetch() == LANDED
        (byte_range,) = offer.ranges()
    assert 0 < int(byte_range[6:-1]) <= size(kind) // 2


@pytest.mark.parametrize("kind", ALL)
def test_what_is_too_large_is_not_kept(tmp_path, kind):
    with publishing(kind) as offer:
        case = machine(tmp_path, offer.piece, max_mb=(size(kind) - 1) / 1e6)
        with pytest.raises(TooLarge, match=r"max_mb is|takes .*MB"):
            case.fetch()
        assert kind == "drive folder" or kept(case) == []  # its list has no sizes: the small ones come
        assert not case.out.exists()
        case.max_mb = (size(kind) + 1) / 1e6
        assert case.fetch() == LANDED


@pytest.mark.parametrize("kind", ALL)
def test_without_a_network_it_ends_at_once_and_says_where_to_put_the_files(tmp_path, monkeypatch, waits, kind):
    def unreachable(*arguments, **named):
        raise OSError(101, "Network is unreachable")

    with publishing(kind) as offer:
        case = machine(tmp_path, offer.piece)
        monkeypatch.setattr("socket.create_connection", unreachable)
        with pytest.raises(NetworkError, match=r"cannot be reached \(Network is unreachable\)") as error:
            case.fetch()
        assert offer.ranges() == []
    assert sum(waits) < 5
    assert str(case.placed / ("set.zip" if kind in SINGLE else "all")) in error.value.remedy


@pytest.mark.parametrize("kind", PACKED)
def test_a_web_page_is_no_archive_and_does_not_stay(tmp_path, kind):
    with publishing(kind, archive=b"\n<!DOCTYPE html><p>log in") as offer:
        case = machine(tmp_path, offer.piece)
        with pytest.raises(DataError, match=r"sent a (web )?page|is a web page"):
            case.fetch()
    assert kept(case) == []
    with publishing(kind, again=offer):
        assert case.fetch() == LANDED


def test_a_quota_of_one_piece_keeps_no_other_away(tmp_path):
    other, archive = "1-_-RHg7ZDzFFtoyeXJsyrdtgkcnJ3FMR", zipped(FILES)
    script = Drive({ID: archive, other: archive}, {}, {ID: [QUOTA]})
    pieces = {"warm": {"drive": ID, "name": "warm.zip"}, "cold": {"drive": other, "name": "cold.zip"}}
    case = Machine(tmp_path, pieces=pieces)
    with driving(script):
        with pytest.raises(DataError, match=r"lacks 1 pieces: warm .*too many people") as error:
            case.fetch()
        assert f"place by hand warm.zip as {case.placed / 'warm.zip'}" in error.value.remedy
        assert "try again in a day" in error.value.remedy and "pin it anew" not in error.value.remedy
        count = len(script.ranges(other))
        script.steps = {}
        assert case.fetch() == below("warm", FILES) | below("cold", FILES)
        assert count and len(script.ranges(other)) == count


def test_a_pin_of_the_newest_revision_serves_the_one_that_is_written_down(tmp_path, capfd):
    case = machine(tmp_path, {"hub": "lab/faces", "file": "pairs.zip"})
    with hubbub("ok", content=zipped(FILES)):
        case.fetch()
        assert f"revision: {COMMIT}; pins in its manifest stay" in capfd.readouterr().err
        pins = case.pins()
        case.pieces["all"]["revision"] = COMMIT
        for cached in (False, True):
            case.lose(cached=cached)
            assert case.fetch() == LANDED and case.pins() == pins
