import hashlib
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_server import digest

from fetch_machine import FILES, NOWHERE, write
from thermark.core import profiles
from thermark.core.config import parse, read
from thermark.core.errors import ConfigError, DataError
from thermark.download import fetch_config, listing, manifest
from thermark.download.listing import ListedFile
from thermark.download.manifest import File

ROOT = Path(__file__).parents[2]
ENTRIES = [ListedFile(path=name, size=len(content), sha256=digest(content)) for name, content in FILES.items()]
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
PATHS = st.lists(
    st.text("abAB.é ", min_size=1, max_size=3).filter(lambda part: part not in (".", "..")), min_size=1
)
LISTINGS = st.lists(
    st.builds(ListedFile, path=PATHS.map("/".join), size=st.integers(0, 10**12), sha256=HASHES),
    min_size=1,
    max_size=6,
    unique_by=lambda entry: entry.path,
)


def wanted(**change) -> fetch_config.ResolvedPiece:
    raw = {"url": NOWHERE, "licence": "tiny"} | change
    return fetch_config.resolve_pieces(parse({"max_mb": 1, "pieces": {"all": raw}}, fetch_config.Config, "x"))[0]


# --- listings


def test_a_listing_is_what_sha256sum_would_say_with_sizes(tmp_path):
    entries = listing.list_files(write(tmp_path, FILES))
    assert entries == sorted(ENTRIES, key=lambda entry: entry.path)
    by_hand = "".join(f"{digest(FILES[name])}  {len(FILES[name])}  {name}\n" for name in sorted(FILES))
    tree = listing.digest(entries)
    assert (tree.files, tree.bytes) == (3, sum(map(len, FILES.values())))
    assert tree.sha256 == hashlib.sha256(by_hand.encode()).hexdigest()


@given(LISTINGS, st.data())
def test_the_hash_of_a_listing_knows_no_order_but_every_field(entries, data):
    tree = listing.digest(entries)
    assert listing.digest(data.draw(st.permutations(entries))) == tree
    index = data.draw(st.integers(0, len(entries) - 1))
    one = entries[index]
    changes = [
        {"path": f"{one.path}x" * 2},
        {"size": one.size + 1},
        {"sha256": one.sha256[1:] + ("0" if one.sha256[0] != "0" else "1")},
    ]
    for change in changes:
        other = one.model_copy(update=change)
        if other != one and other.path not in {entry.path for entry in entries} - {one.path}:
            assert listing.digest([*entries[:index], other, *entries[index + 1 :]]).sha256 != tree.sha256
    assert listing.digest(entries[:-1]).sha256 != tree.sha256


@settings(max_examples=25)
@given(LISTINGS)
def test_a_kept_listing_comes_back_or_not_at_all(entries):
    with TemporaryDirectory() as folder:
        cache, tree = Path(folder), listing.digest(entries)
        assert listing.load(cache, tree) is None
        listing.save(cache, entries)
        assert listing.load(cache, tree) == sorted(entries, key=lambda entry: entry.path)
        path = cache / "listings" / tree.sha256
        for damage in (b"", b"nonsense\n", path.read_bytes()[:-9], path.read_bytes() + b"x", b"\xff"):
            path.write_bytes(damage)
            assert listing.load(cache, tree) is None


@pytest.mark.parametrize(
    ("paths", "clash"),
    [
        (["a", "b/c"], None),
        (["a", "A"], "a"),
        (["x/a", "x"], "x/a"),
        (["X", "x/y/a"], "x/y/a"),
        (["e\u0301", "\u00e9"], "\u00e9"),
        (["a/b", "a/c", "ab"], None),
    ],
)
def test_paths_that_collide_on_some_file_system(paths, clash):
    assert listing.colliding(paths) == listing.colliding(paths[::-1]) == clash


def test_links_and_litter_in_folders(tmp_path):
    folder = write(tmp_path / "f", {"a": b"1", "deep/.DS_Store": b"2"})
    assert set(listing.files_below(folder)) == {"a", "deep/.DS_Store"}
    assert set(listing.files_below(folder, litter=False)) == {"a"}
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(DataError, match="a link or device"):
        listing.files_below(folder)


def test_a_name_that_no_manifest_can_hold_is_an_error_with_a_name(tmp_path):
    (tmp_path / "a\\b").write_bytes(b"1")
    with pytest.raises(DataError, match="is no name for a file"):
        listing.list_files(tmp_path)


def test_differences_are_told_by_name_and_the_first_five_only():
    other = [
        ENTRIES[0].model_copy(update={"sha256": "0" * 64}),
        ENTRIES[2],
        ListedFile(path="n", size=1, sha256="1" * 64),
    ]
    message = listing.differences(ENTRIES, other)
    assert message == (
        f"deep/er/000001.png is missing; n is new; 000000.png has sha256 {'0' * 64}, expected {ENTRIES[0].sha256}"
    )
    many = [ListedFile(path=str(n), size=1, sha256="1" * 64) for n in range(9)]
    assert listing.differences(many, []).endswith("4 is missing; and 4 more")


# --- the manifest


@settings(max_examples=50)
@given(LISTINGS, st.booleans())
def test_a_manifest_survives_writing_with_one_line_a_file(entries, packed):
    if listing.colliding(entry.path for entry in entries):
        return
    file = File(name="set.zip", size=3, sha256="0" * 64) if packed else None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "set.json"
        pins = {"b": manifest.pin(wanted(), entries, file), "a": manifest.pin(wanted(), entries[:1], None)}
        manifest.write(path, pins)
        assert manifest.read(path) == pins
        assert sum('"path"' in line for line in path.read_text().splitlines()) == len(entries) + 1
        assert json.loads(path.read_text())["name"] == "set"


def test_the_order_of_pieces_does_not_show_in_the_file(tmp_path):
    pin = manifest.pin(wanted(), ENTRIES, None)
    manifest.write(tmp_path / "set.json", {"a": pin, "b": pin})
    first = (tmp_path / "set.json").read_bytes()
    manifest.write(tmp_path / "set.json", {"b": pin, "a": pin})
    assert (tmp_path / "set.json").read_bytes() == first


def test_a_long_listing_stays_out_of_git_and_its_hash_stays_in(tmp_path):
    entries = [ListedFile(path=f"{n}", size=n, sha256="0" * 64) for n in range(manifest.LISTED + 1)]
    assert manifest.pin(wanted(), entries[1:], None).listing is not None
    pin = manifest.pin(wanted(), entries, None)
    assert pin.listing is None and pin.tree.files == len(entries)
    assert manifest.known_files(pin, tmp_path) is None
    listing.save(tmp_path, entries)
    assert len(manifest.known_files(pin, tmp_path)) == len(entries)


@pytest.mark.parametrize(
    "damage",
    [
        ('"000000.png"', '"../000000.png"'),
        ('"000000.png"', '"/000000.png"'),
        ('"000000.png"', '"./000000.png"'),
        ('"000000.png"', '"L.TXT"'),
        ('"size": 8,', '"size": 9,'),
        ('"size": 8,', '"size": -8,'),
        ('"sha256": "', '"sha256": "x'),
        ('"source"', '"sauce"'),
        ('"name": "set"', '"name": "other"'),
        ('"files": 3', '"files": 4'),
        ("}", ""),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path, damage):
    path = tmp_path / "set.json"
    manifest.write(path, {"all": manifest.pin(wanted(), ENTRIES, None)})
    text = path.read_text()
    assert damage[0] in text
    path.write_text(text.replace(*damage))
    with pytest.raises(DataError):
        manifest.read(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["name", "pieces", "tree"]), inner)
    ),
)
VALID = {"name": "set", "pieces": {"all": manifest.pin(wanted(), ENTRIES, None).model_dump()}}


@st.composite
def mutated(draw) -> str:
    """A sound manifest in which one node, at any depth, is something else."""
    content = json.loads(json.dumps(VALID))
    node = content
    while True:
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], (dict, list)) or draw(st.booleans()):
            node[key] = draw(JSON)
            return json.dumps(content)
        node = node[key]


@settings(max_examples=60)
@given(mutated() | JSON.map(json.dumps) | st.text())
def test_anything_is_a_manifest_or_a_data_error(text):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "set.json"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            pins = manifest.read(path)
            assert all(listing.digest(pin.listing) == pin.tree for pin in pins.values() if pin.listing)
        except DataError as error:
            assert "set.json" in error.cause and error.remedy


def test_deep_nesting_is_no_traceback(tmp_path):
    (tmp_path / "set.json").write_text("[" * 100_000)
    with pytest.raises(DataError):
        manifest.read(tmp_path / "set.json")


def test_pins_must_be_of_the_pieces_that_are_wanted(tmp_path):
    path, piece = tmp_path / "set.json", wanted()
    assert manifest.pinned(path, [piece]) == {}
    pin = manifest.pin(piece, ENTRIES, None)
    manifest.write(path, {"all": pin})
    assert manifest.pinned(path, [piece]) == {"all": pin}
    with pytest.raises(
        ConfigError, match=r"pinned from http://127.0.0.1:9/iccv/set.zip, params.yaml says"
    ) as error:
        manifest.pinned(path, [wanted(url="https://elsewhere.org/set.zip")])
    assert f"delete all from {path} to pin it anew" in error.value.remedy
    with pytest.raises(ConfigError, match=r"pins a piece all that params.yaml does not have") as error:
        manifest.pinned(path, [replace(piece, key="al")])
    assert "`al`" in error.value.remedy


@pytest.mark.parametrize("file", [{}, {"file": "s.zip"}])
def test_a_pin_of_the_newest_revision_stays_when_that_is_written_down(tmp_path, file):
    path, one, other = tmp_path / "set.json", "1" * 40, "2" * 40
    newest, first, second = (
        wanted(url=None, hub="o/s", **file, **more) for more in ({}, {"revision": one}, {"revision": other})
    )
    assert len({newest.source, first.source, second.source}) == 3
    manifest.write(path, {"all": manifest.pin(newest, ENTRIES, None)})
    assert manifest.pinned(path, [first]) == manifest.pinned(path, [newest])
    with pytest.raises(ConfigError, match="was pinned from"):
        manifest.pinned(path, [wanted(url=None, hub="o/other", revision=one, **file)])
    # One revision is not another, nor whatever is the newest.
    manifest.write(path, {"all": manifest.pin(first, ENTRIES, None)})
    for piece in (second, newest):
        with pytest.raises(ConfigError, match="was pinned from"):
            manifest.pinned(path, [piece])


def test_a_query_which_may_be_a_secret_is_no_part_of_the_source(tmp_path):
    assert wanted(url="https://me:pw@a.org/set.zip?token=secret").source == "https://a.org/set.zip"


def test_the_shipped_manifests_are_those_of_a_profile():
    default = read(ROOT / "params.yaml")
    named = [path.stem for path in (ROOT / "profiles").glob("*.yaml")]
    fetched = [profiles.resolved(default, ROOT / "profiles", name)["fetch"] for name in named]
    paths = sorted((ROOT / "data/manifests").glob("*.json"))
    assert paths
    for path in paths:
        sets = [fetch[path.stem] for fetch in fetched if path.stem in fetch]
        assert sets, path
        for raw in sets:
            assert manifest.pinned(path, fetch_config.resolve_pieces(parse(raw, fetch_config.Config, path.stem)))
    faces = manifest.read(ROOT / "data/manifests/facesynthetics100.json")["faces"]
    assert {entry.path for entry in faces.listing} == {
        f"{face:06d}{kind}" for face in range(100) for kind in (".png", "_ldmks.txt", "_seg.png")
    }


# --- params


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"drive": "abcdefghijk"}, "exactly one"),
        ({"url": None}, "exactly one"),
        ({"url": "ftp://a.org/b.zip"}, "url"),
        ({"url": "https://a.org/"}, "name of a file|plain relative"),
        ({"url": None, "drive": "abcdefghijk"}, "drive wants a name"),
        ({"url": None, "drive": "abcdefghi", "name": "w.zip"}, "drive"),
        ({"url": None, "drive_folder": "abcdefghijé"}, "drive_folder"),
        ({"url": None, "kaggle": "a/b"}, "version"),
        ({"version": 1}, "version"),
        ({"file": "a"}, "belong to hub"),
        ({"url": None, "hub": "a/b", "file": "c", "revision": "main"}, "revision"),
        ({"url": None, "hub": "a/b", "file": "../c"}, "plain relative"),
        ({"name": "a/b"}, "without folders"),
        ({"name": ".."}, "plain relative"),
        ({"into": "../x"}, "plain relative"),
        ({"into": "/x"}, "plain relative"),
        ({"licence": None}, "licence"),
        ({"licence": "../x"}, "licence"),
        ({"url": None, "kaggle": "a/b", "version": 1, "unpack": False}, "nothing to leave packed"),
        ({"sha256": "0" * 64}, "sha256"),
    ],
)
def test_a_piece_that_is_not_sound_is_refused(change, word):
    with pytest.raises(ConfigError, match=word):
        wanted(**change)


@pytest.mark.parametrize(("keys", "names"), [("aA", "bc"), ("ab", "cC"), ("ab", "cc")])
def test_pieces_that_could_not_be_placed_side_by_side_are_refused(keys, names):
    raw = {key: {"url": NOWHERE, "name": name, "licence": "tiny"} for key, name in zip(keys, names, strict=True)}
    with pytest.raises(ConfigError, match="two pieces have one name"):
        fetch_config.resolve_pieces(parse({"max_mb": 1, "pieces": raw}, fetch_config.Config, "x"))


@pytest.mark.parametrize(
    ("piece", "source", "name", "unpack"),
    [
        ({"url": "https://a.org/b/c%20d.tar.gz"}, "https://a.org/b/c%20d.tar.gz", "c d.tar.gz", True),
        ({"url": "https://a.org/b/c.csv"}, "https://a.org/b/c.csv", "c.csv", False),
        ({"url": "https://a.org/c.zip", "unpack": False}, "https://a.org/c.zip", "c.zip", False),
        (
            {"drive": "abcdefg-_1", "name": "w.ZIP"},
            "https://drive.google.com/file/d/abcdefg-_1/view",
            "w.ZIP",
            True,
        ),
        ({"drive_folder": "abcdefg-_1"}, "https://drive.google.com/drive/folders/abcdefg-_1", "all.zip", True),
        ({"kaggle": "o/set", "version": 3}, "https://www.kaggle.com/datasets/o/set/versions/3", "set.zip", True),
        (
            {"hub": "o/s", "file": "d/s.tgz"},
            "https://huggingface.co/datasets/o/s/resolve/main/d/s.tgz",
            "s.tgz",
            True,
        ),
        (
            {"hub": "o/s", "file": "s.txt", "revision": "0" * 40},
            f"https://huggingface.co/datasets/o/s/resolve/{'0' * 40}/s.txt",
            "s.txt",
            False,
        ),
    ],
)
def test_defaults_and_addresses(piece, source, name, unpack):
    result = wanted(**{"url": None} | piece)
    assert (result.source, result.name, result.unpack, str(result.into)) == (source, name, unpack, "all")
