"""Shards are made anywhere, by anybody, once; what they are joined to does not tell."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from thermark.core import code, files, shards
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Faces, open_set
from thermark.core.frames import Frames
from thermark.datasets import tfake
from thermark.datasets.checks import sanity
from thermark.datasets.checks.splits import Fractions
from thermark.datasets.prepare import packing, sharding
from thermark.datasets.prepare.packing import CropConfig, Sharing
from thermark.datasets.prepare.sharding import WorkPart
from thermark.datasets.readers.loaded import Findings

ROOT = Path(__file__).parents[2]
SPLIT = Fractions(val=0.3, test=0.3)
CONFIG = tfake.Config(raw="r", split=SPLIT, max_bad_fraction=0.2)
CROP = CropConfig(size=24, padding=1.5, shard=5)


@pytest.fixture
def raw(tmp_path):
    """24 frames of 12 ids, each different from every other."""
    root = tmp_path / "raw"
    for index in range(12):
        rng = np.random.default_rng(index)
        for folder in ("labels", "warm", "cold"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        text = "".join(f"{x:.3f} {y:.3f}\n" for x, y in rng.uniform(20, 60, (70, 2)))
        (root / f"labels/{index:06d}_ldmks.txt").write_text(text)
        for folder in ("warm", "cold"):
            noise = cv2.resize(rng.uniform(9000, 60000, (7, 9)), (96, 80), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(root / folder / f"{index:06d}_thermal.png"), noise.clip(0, 65535).astype(np.uint16))
    return root


def pack(raw, out, crop=CROP, config=CONFIG, **sharing):
    at = Sharing(**sharing) if sharing else None
    beside = [out.with_suffix(suffix) for suffix in (".json", ".csv")]
    return packing.pack(tfake, raw, config, crop, out, *beside, workers=1, sharing=at)


def content(out):
    """Everything that a face set holds, whatever its files are called."""
    faces, crops = open_set(out)
    return [crops.pixels[:], crops.to_source, faces.xy, faces.ids, (out / "frames.npz").read_bytes()]


def same(one, two):
    assert all(np.array_equal(*pair) for pair in zip(content(one), content(two), strict=True))


@pytest.mark.parametrize("size", [1, 5, 24, 1000])
def test_no_number_depends_on_the_size_of_shards(raw, tmp_path, size):
    whole = pack(raw, tmp_path / "whole", CROP.model_copy(update={"shard": 4096}))
    cut = pack(raw, tmp_path / "cut", CROP.model_copy(update={"shard": size}))
    assert whole == cut
    same(tmp_path / "whole", tmp_path / "cut")
    assert len(shards.names(tmp_path / "cut")) == -(-24 // size)
    assert sorted(path.name for path in tmp_path.iterdir() if "shards" in path.name) == []


@pytest.mark.parametrize("count", [1, 3, 7])
def test_parts_made_apart_are_joined(raw, tmp_path, count):
    alone = pack(raw, tmp_path / "alone")
    for index in reversed(range(1, count + 1)):
        plan = packing.make_part(tfake, raw, CONFIG, CROP, WorkPart(index, count), tmp_path / "shards", workers=1)
        assert not plan.missing(WorkPart(index, count))
    assert plan.missing() == []
    joined = pack(raw, tmp_path / "joined", folder=tmp_path / "shards", merge=True)
    assert joined == alone
    same(tmp_path / "alone", tmp_path / "joined")
    assert not (tmp_path / "shards").exists()


def test_parts_share_the_work_and_nothing_is_done_twice():
    owners = [[part for part in range(1, 5) if WorkPart(part, 4).has(shard)] for shard in range(11)]
    assert [len(owner) for owner in owners] == [1] * 11
    assert all(two[0] != one[0] for one, two in pairwise(owners))


def test_a_merge_makes_nothing(raw, tmp_path):
    plan = packing.make_part(tfake, raw, CONFIG, CROP, WorkPart(2, 2), tmp_path / "shards", workers=1)
    assert plan.missing() == [0, 2, 4]
    with pytest.raises(DataError, match=r"3 of 5 shards are missing in .*: 0, 2, 4"):
        pack(raw, tmp_path / "out", folder=tmp_path / "shards", merge=True)
    assert not (tmp_path / "out").exists()
    assert plan.missing() == [0, 2, 4]


def test_whole_shards_are_not_read_again(raw, tmp_path, monkeypatch):
    plan = packing.make_part(tfake, raw, CONFIG, CROP, WorkPart(1, 2), tmp_path / "shards", workers=1)
    read = []
    real = tfake.read
    monkeypatch.setattr(tfake, "read", lambda path, config: read.append(path.name) or real(path, config))
    pack(raw, tmp_path / "out", folder=tmp_path / "shards")
    assert len(read) == sum(end - start for start, end in plan.spans[1::2])


def test_others_may_keep_the_shards(raw, tmp_path):
    first = pack(raw, tmp_path / "one", folder=tmp_path / "shards", keep=True)
    assert pack(raw, tmp_path / "two", folder=tmp_path / "shards", keep=True, merge=True) == first
    same(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize(
    "change",
    [
        {"crop": CROP.model_copy(update={"padding": 1.6})},
        {"crop": CROP.model_copy(update={"shard": 6})},
        {"config": CONFIG.model_copy(update={"high": 41.0})},
        {"config": CONFIG.model_copy(update={"split": Fractions(val=0.3, test=0.31)})},
        {"moved": True},
        {"longer": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_shards_of_other_settings_or_frames_are_not_taken(raw, tmp_path, change):
    before = packing.make_part(tfake, raw, CONFIG, CROP, WorkPart(1, 1), tmp_path / "shards", workers=1)
    path = raw / "warm/000003_thermal.png"
    if "moved" in change:
        labels = raw / "labels/000003_ldmks.txt"
        labels.write_text(labels.read_text().replace("3", "4"))
    if "longer" in change:
        path.write_bytes(path.read_bytes() + b"\0")
    config, crop = change.get("config", CONFIG), change.get("crop", CROP)
    after = packing.make_part(tfake, raw, config, crop, WorkPart(2, 99), tmp_path / "shards", workers=1)
    assert after.folder != before.folder


def test_what_is_decided_afterwards_reads_nothing_again(raw, tmp_path):
    for index in range(5):
        (raw / f"warm/{index:06d}_thermal.png").write_bytes(b"")
    with pytest.raises(DataError, match="5 of 24 frames cannot be read"):
        pack(raw, tmp_path / "out", folder=tmp_path / "shards")
    lax = CONFIG.model_copy(update={"max_bad_fraction": 0.5})
    assert pack(raw, tmp_path / "out", config=lax, folder=tmp_path / "shards", merge=True)["faces"] == 19


def test_unreadable_frames_anywhere(raw, tmp_path):
    """A shard without any readable frame, and one that begins with an unreadable one, leave no gap."""
    lax = CONFIG.model_copy(update={"max_bad_fraction": 0.9})
    names = sorted(path for path in raw.rglob("*_thermal.png"))
    order = [raw / str(path) for path in tfake.load(raw, CONFIG).frames.paths]
    assert sorted(order) == names
    for place in (0, 5, 6, 7, 8, 9, 14):
        order[place].write_bytes(b"")
    content = pack(raw, tmp_path / "out", config=lax)
    faces, crops = open_set(tmp_path / "out")
    assert content["faces"] == len(faces) == len(crops.pixels) == 17
    assert len(shards.names(tmp_path / "out")) == 4
    assert pack(raw, tmp_path / "whole", CropConfig(size=24, padding=1.5), config=lax) == content
    same(tmp_path / "whole", tmp_path / "out")


def test_a_kill_while_shards_are_joined_loses_none(raw, tmp_path, monkeypatch):
    """The last step of hours of work: what was killed in it must not begin again."""
    plan = packing.make_part(tfake, raw, CONFIG, CROP, WorkPart(1, 1), tmp_path / "shards", workers=1)
    (tmp_path / f"out.tmp-{files.MACHINE}-999999999").mkdir()  # of an earlier one, killed too
    real = sharding.place

    def killed(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sharding, "place", killed)
        with pytest.raises(KeyboardInterrupt):
            pack(raw, tmp_path / "out", folder=tmp_path / "shards")
    assert plan.missing() == []
    monkeypatch.setattr(tfake, "read", lambda path, config: pytest.fail("a picture was read again"))
    pack(raw, tmp_path / "out", folder=tmp_path / "shards")
    assert not [path for path in tmp_path.iterdir() if "tmp-" in path.name]


def test_shards_of_other_code_are_not_taken(raw, tmp_path, monkeypatch):
    before = packing.make_part(tfake, raw, CONFIG, CROP, WorkPart(1, 1), tmp_path / "shards", workers=1)
    roots = []
    real = code.key
    monkeypatch.setattr(code, "key", lambda *starts: roots.extend(starts) or real(*starts) + "x")
    after = packing.make_part(tfake, raw, CONFIG, CROP, WorkPart(2, 99), tmp_path / "shards", workers=1)
    assert after.folder != before.folder
    names = {path.relative_to(code.PACKAGE).as_posix() for path in code.closure(*roots)}
    needed = {
        "core/geometry.py",
        "datasets/prepare/reading.py",
        "datasets/prepare/sharding.py",
        "datasets/tfake.py",
    }
    assert names >= needed


def test_shards_of_other_boxes_are_not_taken(raw, tmp_path):
    loaded = tfake.load(raw, CONFIG)
    jobs = packing._jobs(raw, loaded)
    moved = [replace(job, boxes=job.boxes + 1) for job in jobs]
    turned = [replace(job, prompts=job.prompts + 1) for job in jobs]
    folders = {sharding.plan(tfake, CONFIG, CROP, raw, some, tmp_path).folder for some in (jobs, moved, turned)}
    assert len(folders) == 3


@pytest.mark.parametrize(("size", "verdict"), [((96, 80), "ok"), ((58, 58), "warning"), ((48, 40), "failed")])
def test_labels_of_another_size_than_the_pictures(size, verdict):
    """Points between 20 and 60 px: beyond a frame of half the size, and a little beyond a smaller one."""
    xy = np.random.default_rng(0).uniform(20, 60, (50, 70, 2)).astype(np.float32)
    xy[:, 3] = np.nan
    nothing = np.full((50, 4), np.nan, np.float32)
    names = np.array([f"{row}" for row in range(50)])
    faces = Faces(names, names, names, names, np.full(50, "p"), nothing, nothing, xy, np.ones((50, 70), np.bool_))
    frames = Frames(names, names, names, np.tile(np.array(size, np.int32), (50, 1)), "thermal")
    findings = Findings()
    sanity.check(faces, frames, {"p": sanity.Scheme(70)}, findings)
    assert [check.verdict for check in findings.checks] == [verdict]
    assert "of 3,450 points" in findings.checks[0].found


@pytest.mark.parametrize("name", [sharding.PIXELS, sharding.TABLE])
def test_a_damaged_shard_is_made_again_or_refused(raw, tmp_path, name):
    plan = packing.make_part(tfake, raw, CONFIG, CROP, WorkPart(1, 1), tmp_path / "shards", workers=1)
    (plan.at(2) / name).unlink()
    assert plan.missing() == [2]
    (plan.at(2) / name).write_bytes(b"\x93NUMPY no more")
    with pytest.raises(DataError, match="damaged"):
        pack(raw, tmp_path / "out", folder=tmp_path / "shards", merge=True)
    assert not (tmp_path / "out").exists()


def test_a_check_that_fails_at_once_spares_the_reading(raw, tmp_path, monkeypatch):
    cv2.imwrite(str(raw / "cold/000005_thermal.png"), np.zeros((80, 96), np.uint8))
    monkeypatch.setattr(tfake, "read", lambda path, config: pytest.fail("a picture was read"))
    with pytest.raises(DataError, match=r"000005_thermal\.png is 8-bit"):
        pack(raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_check_that_fails_afterwards_shows_the_report(raw, tmp_path, capsys):
    class Plausible(tfake.Config):
        plausible: tuple[float, float] = (37.0, 40.0)

    config = Plausible(**CONFIG.model_dump() | {"split": CONFIG.split, "tone": CONFIG.tone})
    with pytest.raises(DataError, match="median face has"):
        pack(raw, tmp_path / "out", config=config)
    output = capsys.readouterr().err
    assert "failed  face temperature" in output
    assert "12 in both" in output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["0/4", "5/4", "3", "1/0", "-1/4", "a/b", "1/4/2", ""])
def test_what_is_no_part(text):
    with pytest.raises(ConfigError, match="from 1 to n"):
        sharding.parse_part(text)


def test_a_part():
    assert sharding.parse_part("3/16") == WorkPart(3, 16)


def test_impossible_shards_are_refused():
    with pytest.raises(ConfigError, match="shard"):
        parse({"shard": 0}, CropConfig, "prepare")


def stage(root, *more, **environment):
    """Start the stage as DVC would."""
    settings = {"prepare": {"size": 24, "padding": 1.5, "shard": 2} | dict(environment.pop("prepare", {}))}
    dataset = {"loader": "tfake", "raw": "r", "split": SPLIT.model_dump()}
    (root / "params.yaml").write_text(yaml.safe_dump(settings | {"datasets": {"t": dataset}}))
    command = [sys.executable, str(ROOT / "stages/prepare.py"), "--loader", "tfake", "--params", "datasets.t"]
    paths = {"raw": "raw", "out": "faces/t", "report": "r.json", "splits": "s.csv", "shards": "shards/t"}
    options = [word for name, path in paths.items() for word in (f"--{name}", path)]
    command += [*options, *more]
    surroundings = {name: value for name, value in os.environ.items() if name != "THERMARK_SHARDS"} | environment
    return subprocess.Popen(
        command, cwd=root, env=surroundings, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ended(process):
    output, complained = process.communicate(timeout=120)
    return process.returncode, output, complained


@pytest.mark.slow
def test_the_stage_makes_parts_and_joins_them(raw, tmp_path):
    for number in ("1/2", "2/2"):
        code, output, complained = ended(stage(tmp_path, "--shard", number))
        assert code == 0, complained
    assert "t: 0 of 12 shards are missing" in output
    assert not (tmp_path / "faces").exists()
    code, output, complained = ended(stage(tmp_path, "--merge"))
    assert code == 0, complained
    assert len(open_set(tmp_path / "faces/t")[0]) == 24
    assert not (tmp_path / "shards/t").exists()
    code, _, complained = ended(stage(tmp_path, "--merge"))
    assert code == 3
    assert "12 of 12 shards are missing" in complained
    assert "remedy: make them with `--shard i/n`" in complained


@pytest.mark.slow
def test_an_experiment_makes_a_part_for_others(raw, tmp_path):
    part = {"part": "2/3"}
    code, _, complained = ended(stage(tmp_path, prepare=part))
    assert code == 2
    assert "THERMARK_SHARDS" in complained
    code, output, _ = ended(stage(tmp_path, prepare=part, THERMARK_SHARDS=str(tmp_path / "shared")))
    assert code == 0
    assert "t: 8 of 12 shards are missing" in output
    assert files.read_json(tmp_path / "r.json") == part
    with pytest.raises(DataError, match="t is not prepared"):
        open_set(tmp_path / "faces/t")
    code, _, _ = ended(stage(tmp_path, THERMARK_SHARDS=str(tmp_path / "shared")))
    assert code == 0
    assert len(open_set(tmp_path / "faces/t")[0]) == 24
    assert len(list((tmp_path / "shared/t").glob("*/*"))) == 12  # kept for the next


def finished(folder):
    """How many shards are whole; `os.walk`, unlike `glob`, bears a folder that the stage removes meanwhile."""
    return sum("table.npz" in names for _, _, names in os.walk(folder))


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_stage_goes_on_and_ends_in_the_same(raw, tmp_path, kill):
    expected = pack(raw, tmp_path / "expected", CropConfig(size=24, padding=1.5))
    for _ in range(12):
        process = stage(tmp_path)
        held = finished(tmp_path / "shards/t")
        while process.poll() is None and finished(tmp_path / "shards/t") <= held:
            time.sleep(0.002)
        process.send_signal(kill)
        if process.wait(timeout=60) == 0:
            break
        assert not (tmp_path / "faces/t").exists()
    code, _, complained = ended(stage(tmp_path))
    assert code == 0, complained
    report = files.read_json(tmp_path / "r.json")
    assert report["fingerprint"] == expected["fingerprint"]
    same(tmp_path / "expected", tmp_path / "faces/t")
