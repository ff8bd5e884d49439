"""Runs of a head on features that hold the label: what is trained on what, and every number that is told."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import head_scene as scene
from command_line import run_stage
from thermark.core import files
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.fewshot import crops, features, head_summary, model, plan, run
from thermark.fewshot.plan import HeadTraining, TrainedHead
from thermark.fewshot.tiny_head import TinyHead
from thermark.train.codecs.heatmap import METHODS, Heatmap

PARTS = ["train"] * 24 + ["val"] * 6 + ["test"] * 10
PUBLISHED = [True] * 12 + [False] * 12 + [True] * 4 + [False] * 2 + [True] * 7 + [False] * 3
SECTION = {
    "backbone": "fake",
    "crops": "cut",
    "seeds": [0, 3],
    "budget": [4, 9, 24],
    "epochs": 3,
    "precision": "fp32",
}
COLUMNS = "labels,seed,crop_mean,crop_median,crop_pck@10,native_mean,native_median,native_pck@10,best_epoch"


def config(**changed) -> plan.Config:
    return parse(SECTION | changed, plan.Config, "heads.x")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return a folder with crops, of which 24 may train, and features of them."""
    folder = tmp_path_factory.mktemp("heads")
    scene.encoded(folder, PARTS, PUBLISHED)
    return folder


@pytest.fixture
def alone(monkeypatch):
    """Train in this very process."""
    monkeypatch.setattr(run, "ordered", lambda work, jobs, workers, chunk: map(work, jobs))


def outputs(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def train(root: Path, out: Path, **changed) -> tuple[dict, list[dict[str, str]]]:
    """Train into `out`; return the metrics and the rows of the curve."""
    settings = config(**changed)
    to = run.HeadPaths(out / "head_x", out / "flat.json", out / "metrics.json", out / "curve.csv")
    run.train(settings, root / "cut", root / "seen", to)
    with (out / "curve.csv").open() as file:
        return json.loads((out / "metrics.json").read_text()), list(csv.DictReader(file))


@pytest.fixture(scope="module")
def done(root, tmp_path_factory):
    """Return what a run of two seeds left and where, trained once."""
    out = tmp_path_factory.mktemp("done")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(run, "ordered", lambda work, jobs, workers, chunk: map(work, jobs))
        return out, *train(root, out)


# Who is trained on.


def test_few_labels_are_part_of_more_and_other_ones_with_another_seed(root):
    made = crops.read(root / "cut")
    jobs = plan.planned(made, config(seeds=[0, 3, 5], budget=[9, 4, 24, 100]))
    by = {(job.budget, job.seed): job for job in jobs}
    assert (
        set(by) == {(name, seed) for name in ("published", "4", "9", "all") for seed in (0, 3, 5)}
        and len(by) == 12
    )
    for seed in (0, 3, 5):
        few, more = set(by["4", seed].train), set(by["9", seed].train)
        assert few < more < set(range(24)) and (len(few), len(more)) == (4, 9)
        assert by["all", seed].train.tolist() == list(range(24))
        assert by["published", seed].train.tolist() == list(range(12))
        assert all(by[name, seed].val.tolist() == [24, 25, 26, 27] for name in ("4", "9", "all", "published"))
    assert len({tuple(by["9", seed].train) for seed in (0, 3, 5)}) == 3
    # Choosing from the whole pool, not from the published part.
    assert any(set(by["9", seed].train) - set(range(12)) for seed in (0, 3, 5))
    sizes = [len(job.train) for job in jobs]
    assert sizes == sorted(sizes, reverse=True)
    again = plan.planned(made, config(seeds=[3], budget=[9]))
    assert by["9", 3].train.tolist() == next(job for job in again if job.budget == "9").train.tolist()


def test_crops_without_a_label_are_none(root):
    made = crops.read(root / "cut")
    xy = made.xy.copy()
    xy[[0, 5, 20, 25]] = np.nan
    by = {job.budget: job for job in plan.planned(replace(made, xy=xy), config(seeds=[1], budget=[20, 21]))}
    assert set(by) == {"published", "20", "all"}
    assert by["published"].train.tolist() == [1, 2, 3, 4, *range(6, 12)] and by["published"].val.tolist() == [
        24,
        26,
        27,
    ]
    assert len(by["all"].train) == 21 and len(by["20"].train) == 20 and not {0, 5, 20} & set(by["20"].train)
    xy[24:28] = np.nan
    with pytest.raises(DataError, match="validate"):
        plan.planned(replace(made, xy=xy), config())


# What is measured.


@pytest.mark.slow
def test_features_that_hold_the_label_are_learned(root, tmp_path, alone):
    numbers, rows = train(root, tmp_path, seeds=[1], budget=[5], epochs=30)
    made = crops.read(root / "cut")
    middle = np.hypot(*(made.xy[made.part("test"), 0] - made.xy[:24, 0].mean(axis=0)).T).mean()
    assert numbers["budget"]["all"]["crop_mean"] < 0.25 * middle and middle > 15
    assert numbers["test"]["all"]["crop_pck@20"] == 1.0
    # The frame's pixels are two crop px wide and three high.
    assert numbers["test"]["all"]["native_mean"] < 0.5 * numbers["test"]["all"]["crop_mean"]
    assert [row["labels"] for row in rows] == ["5", "24"]


def by_hand(root: Path, folder: Path, method: str, rows: np.ndarray) -> dict[str, float]:
    """Return the numbers of a trained head, from its files."""
    head, about = model.read(folder)
    made, maps = crops.read(root / "cut"), np.load(root / "seen" / "cut" / "features.npy")
    with torch.inference_mode():
        xy, _ = Heatmap(about.sigma, method).decode(head(torch.from_numpy(maps[rows]).float()))
    gap = xy[:, 0].numpy() * (64 / 64) - 0.5 - made.xy[rows, 0]
    crop, native = np.hypot(*gap.T), np.hypot(gap[:, 0] / 2, gap[:, 1] / 3)
    numbers = {"crops": len(rows), "missed": 0}
    for space, errors in (("crop", crop), ("native", native)):
        numbers |= {f"{space}_mean": errors.mean(), f"{space}_median": torch.tensor(errors).median().item()}
        numbers |= {f"{space}_pck@{limit}": (errors <= limit).mean() for limit in (3, 5, 10, 20)}
    return numbers


def test_numbers_are_means_over_seeds_of_what_the_models_say(root, done):
    out, numbers, _ = done
    made = crops.read(root / "cut")
    test = made.part("test")
    for scope, rows in (("all", test), ("published", made.part("test", published=True))):
        each = [by_hand(root, out / "head_x" / f"seed{seed}", "argmax", rows) for seed in (0, 3)]
        assert set(numbers["test"][scope]) == {*each[0], "crop_mean_spread", "native_mean_spread"}
        for name in each[0]:
            assert numbers["test"][scope][name] == pytest.approx(np.mean([one[name] for one in each]), rel=1e-5), (
                name
            )
        for name in ("crop_mean", "native_mean"):
            a, b = (one[name] for one in each)
            assert numbers["test"][scope][f"{name}_spread"] == pytest.approx(abs(a - b) / np.sqrt(2), rel=1e-4)
    assert (numbers["test"]["all"]["crops"], numbers["test"]["published"]["crops"]) == (10, 7)
    for method in ("argmax", "dark", "soft_argmax"):
        each = [by_hand(root, out / "head_x" / f"seed{seed}", method, test) for seed in (0, 3)]
        for name in ("crop_mean", "native_median", "crop_pck@10"):
            wanted = np.mean([one[name] for one in each])
            assert numbers["decoders"][method][name] == pytest.approx(wanted, rel=1e-4), (method, name)
    assert numbers["decoders"]["argmax"] == numbers["test"]["all"] != numbers["decoders"]["dark"]


def test_the_file_of_numbers_is_as_reports_expect_it(root, done):
    out, numbers, _ = done
    assert set(numbers) == {
        *("status", "reason", "backbone", "crops", "vocabulary", "points", "parameters", "channels", "labels"),
        *("labels_val", "seeds", "decode", "test", "decoders", "quantisation", "budget", "constant"),
        *("faces", "geometry", "side", "epochs", "batch", "features"),
    }
    expected = {
        "status": "ok",
        "reason": "",
        "backbone": "fake",
        "crops": "cut",
        "vocabulary": "nose1",
        "points": 1,
    }
    expected |= {"channels": 4, "labels": 12, "labels_val": 4, "seeds": 2, "decode": "argmax"}
    assert {name: numbers[name] for name in expected} == expected
    # 4 -> 256 by 1x1, 256 -> 64 by 3x3, 64 -> 1, biases, and two numbers a normalised channel.
    assert numbers["parameters"] == (4 + 1 + 2) * 256 + (256 * 9 + 1 + 2) * 64 + 64 + 1
    assert set(numbers["budget"]) == {"4", "9", "all"}  # 24 is all
    assert [numbers["budget"][name]["labels"] for name in ("4", "9", "all")] == [4, 9, 24]
    curve = ("crop_mean", "crop_median", "crop_pck@10", "native_mean", "native_median", "native_pck@10")
    ends = {f"{space}_mean_{end}" for space in ("crop", "native") for end in ("low", "high")}
    assert all(set(point) == {"labels", "steps", *curve, *ends} for point in numbers["budget"].values())
    # 12 published labels are two steps, and so many has everybody.
    assert {point["steps"] for point in numbers["budget"].values()} == {2 * numbers["epochs"]}
    made = crops.read(root / "cut")
    test, mean = made.part("test"), made.xy[made.part("train", published=True), 0].mean(axis=0)
    apart = np.hypot(*(mean - made.xy[test, 0]).T)
    assert numbers["constant"]["crop_mean"] == pytest.approx(apart.mean(), rel=1e-4)
    gap = np.ceil(made.xy[made.part("test"), 0]) - 0.5 - made.xy[made.part("test"), 0]
    assert numbers["quantisation"]["crop_mean"] == pytest.approx(np.hypot(*gap.T).mean(), rel=1e-4)
    native = np.hypot(gap[:, 0] / 2, gap[:, 1] / 3)
    assert numbers["quantisation"]["native_median"] == pytest.approx(
        np.sort(native)[(len(native) - 1) // 2], rel=1e-4
    )
    assert (out / "metrics.json").read_text() == (out / "metrics.json").read_text().replace("NaN", "")


def test_the_curve_has_a_row_a_training_and_the_points_its_means(done):
    _, numbers, rows = done
    assert ",".join(rows[0]) == f"{COLUMNS},val_crop_mean"
    order = [(labels, seed) for labels in ("4", "9", "24") for seed in ("0", "3")]
    assert [(row["labels"], row["seed"]) for row in rows] == order
    assert all(1 <= int(row["best_epoch"]) <= 3 and float(row["val_crop_mean"]) > 0 for row in rows)
    for name, labels in (("4", "4"), ("9", "9"), ("all", "24")):
        point = numbers["budget"][name]
        for column in COLUMNS.split(",")[2:-1]:
            both = [float(row[column]) for row in rows if row["labels"] == labels]
            assert point[column] == pytest.approx(np.mean(both), rel=1e-4)
        for space in ("crop", "native"):
            both = [float(row[f"{space}_mean"]) for row in rows if row["labels"] == labels]
            # Student's t with one degree of freedom is 12.706 at 97.5 %.
            half = 12.7062 * abs(both[0] - both[1]) / 2
            assert point[f"{space}_mean_low"] == pytest.approx(np.mean(both) - half, rel=1e-2, abs=1e-3)
            assert point[f"{space}_mean_high"] == pytest.approx(np.mean(both) + half, rel=1e-2, abs=1e-3)


def numbers_of(*values: float | None) -> list[dict[str, float]]:
    return [
        {"crops": 4.0} | ({} if value is None else {"crop_mean": value, "crop_pck@10": 0.5}) for value in values
    ]


def test_an_interval_by_hand():
    """Of 1, 2, 3 and 6: mean 3, standard deviation 2.1602, t of three degrees of freedom 3.1824."""
    job = HeadTraining("5", 0, np.arange(5), np.arange(2), 5)
    each = [
        TrainedHead(job, {}, 1, 2.0, {("all", "argmax"): {"crop_mean": x, "native_mean": 2 * x}})
        for x in (1.0, 2, 3, 6)
    ]
    point = head_summary._point(each, "argmax", 120)
    assert point["steps"] == 600
    assert (point["labels"], point["crop_mean"], point["crop_pck@10"]) == (5, 3.0, None)
    half = 3.182446 * np.sqrt(14 / 3) / 2
    assert (point["crop_mean_low"], point["crop_mean_high"]) == pytest.approx((3 - half, 3 + half), rel=1e-6)
    assert (point["native_mean_low"], point["native_mean_high"]) == pytest.approx((6 - 2 * half, 6 + 2 * half))


def test_means_over_seeds_of_which_one_has_none():
    """Whoever missed everything has no mean error: then there is no mean of means, and JSON must not choke."""
    assert head_summary.averaged(numbers_of(1.0, 3.0)) == {
        "crops": 4.0,
        "crop_mean": 2.0,
        "crop_mean_spread": pytest.approx(np.sqrt(2)),
        "crop_pck@10": 0.5,
    }
    for values in ((1.0, None), (None, 1.0, 2.0)):
        made = head_summary.averaged(numbers_of(*values))
        assert made["crop_mean"] is made["crop_mean_spread"] is None and made["crops"] == 4
        json.dumps(files.rounded(made), allow_nan=False)
    assert head_summary.averaged(numbers_of(5.0))["crop_mean_spread"] is None


def test_one_seed_has_no_spread_and_no_interval(root, tmp_path, alone):
    numbers, _ = train(root, tmp_path, seeds=[2], budget=[4], epochs=1)
    for scope in ("all", "published"):
        assert numbers["test"][scope]["crop_mean_spread"] is numbers["test"][scope]["native_mean_spread"] is None
    for point in numbers["budget"].values():
        assert [point[f"{space}_mean_{end}"] for space in ("crop", "native") for end in ("low", "high")] == [
            None
        ] * 4
        assert point["crop_mean"] > 0


def test_the_decoder_reaches_all_numbers_and_the_card(root, tmp_path, alone):
    numbers, rows = train(root, tmp_path, seeds=[0], budget=[], decode="soft_argmax")
    assert numbers["decode"] == "soft_argmax"
    assert numbers["test"]["all"] == numbers["decoders"]["soft_argmax"] != numbers["decoders"]["argmax"]
    assert float(rows[0]["crop_mean"]) == pytest.approx(numbers["budget"]["all"]["crop_mean"], rel=1e-4)
    _, about = model.read(tmp_path / "head_x" / "seed0")
    assert (about.decode, about.sigma) == ("soft_argmax", 2.0)


def test_points_and_misses_are_counted_by_themselves(tmp_path, alone):
    """Two points a crop, one without a label in a test crop, and a crop without any."""
    scene.encoded(tmp_path, PARTS, PUBLISHED, points=2)
    arrays = files.read_arrays(tmp_path / "cut" / "crops.npz")
    arrays["xy"][30, 1] = arrays["xy"][31] = np.nan
    files.write_arrays(tmp_path / "cut" / "crops.npz", arrays)
    maps = np.load(tmp_path / "seen/cut/features.npy")
    maps[32] = np.nan
    np.save(tmp_path / "seen/cut/features.npy", maps)
    numbers, _ = train(tmp_path, tmp_path, seeds=[0, 1], budget=[], epochs=2)
    scores = numbers["test"]["all"]
    # Ten crops less one without a label; two points of the crop that nobody can see.
    assert (scores["crops"], scores["missed"], numbers["points"]) == (9, 2, 2)
    assert np.isfinite(scores["crop_mean"]) and 0 < scores["crop_pck@20"] <= 15 / 17
    assert numbers["quantisation"]["crops"] == 9


def test_only_a_batch_of_maps_is_held_and_each_decoder_reads_it(root):
    """What decoders say of all maps together is, but for rounding, what they say of them batch by batch."""
    known = features.read(root / "seen/cut")
    torch.manual_seed(0)
    head, maps = TinyHead(known.channels, 1).eval(), []
    torch.nn.init.constant_(head.conv3.bias, 5.0)  # of what is not positive there is no logarithm
    head.register_forward_hook(lambda module, inputs, answer: maps.append(answer))
    rows = np.arange(len(known))[::-1].copy()
    predictions = run.predicted(head, known, rows, METHODS, 2.0, batch=7)
    assert [len(part) for part in maps] == [7] * 5 + [5]
    for method in METHODS:
        wanted = [Heatmap(2.0, method).decode(part)[0] for part in maps]
        torch.testing.assert_close(predictions[method][0], torch.cat(wanted), atol=0, rtol=0, equal_nan=True)
        whole, _ = Heatmap(2.0, method).decode(torch.cat(maps))
        torch.testing.assert_close(predictions[method][0], whole, atol=0.05, rtol=0, equal_nan=True)
    assert not torch.equal(predictions["soft_argmax"][0], predictions["argmax"][0])


def test_each_head_learns_from_the_backbone_of_its_own_seed(root, tmp_path, alone):
    """Features of a second seed are louder; a head of that seed is trained on them, and says whose they are."""
    shutil.copytree(root, tmp_path / "root")
    seen = tmp_path / "root/seen"
    for seed in (0, 3):
        shutil.copytree(seen / "cut", seen / f"seed{seed}" / "cut")
    folder = seen / "seed3/cut"
    np.save(folder / features.ARRAY, 2 * np.load(folder / features.ARRAY))
    files.write_json(folder / features.CARD, files.read_json(folder / features.CARD) | {"sha256": "c" * 64})
    shutil.rmtree(seen / "cut")
    settings = config(seeds=[0, 3], budget=[4], epochs=1)
    to = run.HeadPaths(*(tmp_path / name for name in ("head_x", "metrics.json", "flat.json", "curve.csv")))
    run.train(settings, root / "cut", seen, to)
    plain = run.HeadPaths(
        *(tmp_path / "plain" / name for name in ("head_x", "metrics.json", "flat.json", "curve.csv"))
    )
    run.train(settings, root / "cut", root / "seen", plain)
    assert [model.read(to.out / f"seed{k}")[1].backbone_sha256[0] for k in (0, 3)] == ["b", "c"]
    same, other = (
        [load_file(at / f"seed{k}/model.safetensors")["conv1.weight"] for at in (to.out, plain.out)]
        for k in (0, 3)
    )
    assert torch.equal(*same) and not torch.equal(*other)
    with pytest.raises(DataError, match=r"has seed0, seed3, but no seed 1"):
        run.train(config(seeds=[0, 1], budget=[4], epochs=1), root / "cut", seen, to)


def test_weights_travel_as_arrays_and_only_those_that_are_kept(root):
    """A tensor that comes from another process holds a file descriptor: some runs would have a thousand."""
    jobs = {job.budget: job for job in plan.planned(crops.read(root / "cut"), config(seeds=[0], budget=[4]))}
    settings = config(seeds=[0], epochs=1)
    made = {name: run.fitted(job, root / "cut", root / "seen", settings).weights for name, job in jobs.items()}
    assert made["4"] == made["all"] == {} and set(made["published"]) == set(scene.TinyHead(4, 1).state_dict())
    assert all(isinstance(array, np.ndarray) for array in made["published"].values())


# What is left behind.


def test_a_folder_a_seed_with_weights_and_card(done):
    out, _, _ = done
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    heads = [f"head_x/seed{k}/{name}" for k in (0, 3) for name in ("head.json", "model.safetensors")]
    assert names == sorted([*heads, "metrics.json", "curve.csv", "flat.json"])
    for seed in (0, 3):
        _, about = model.read(out / "head_x" / f"seed{seed}")
        expected = {
            "vocabulary": "nose1",
            "points": 1,
            "channels": 4,
            "size": 64,
            "side": 64,
            "geometry": "square",
        }
        expected |= {"padding": 1.5, "decode": "argmax", "sigma": 2.0, "backbone": scene.SECTION, "labels": 12}
        expected |= {
            "backbone_sha256": "b" * 64,
            "trained_on": ["drawn", "elsewhere"],
            "labels_val": 4,
            "seed": seed,
        }
        assert {name: getattr(about, name) for name in expected} == expected
        assert 1 <= about.best_epoch <= 3 and about.val_error > 0
    first, second = (load_file(out / "head_x" / f"seed{seed}" / "model.safetensors") for seed in (0, 3))
    assert not torch.equal(first["conv1.weight"], second["conv1.weight"])


def test_what_it_owes_is_named_once(root, tmp_path, alone):
    shutil.copytree(root, tmp_path / "root")
    path = tmp_path / "root/seen/cut" / features.CARD
    files.write_json(path, files.read_json(path) | {"trained_on": ["elsewhere", "drawn"]})
    train(tmp_path / "root", tmp_path / "out", seeds=[0], budget=[], epochs=1)
    assert model.read(tmp_path / "out/head_x/seed0")[1].trained_on == ["drawn", "elsewhere"]


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_number_of_processes_nor_on_other_seeds(root, done, tmp_path, monkeypatch):
    """Not on threads either, nor on what this process drew before."""
    out, _, _ = done
    whole = run.ordered
    torch.manual_seed(99)
    torch.set_num_threads(2)
    monkeypatch.setattr(run, "ordered", lambda work, jobs, workers, chunk: whole(work, jobs, 2, chunk))
    train(root, tmp_path / "two")
    assert outputs(tmp_path / "two") == outputs(out)
    monkeypatch.setattr(run, "ordered", lambda work, jobs, workers, chunk: whole(work, jobs, 1, chunk))
    torch.rand(5)
    train(root, tmp_path / "fewer", seeds=[3], budget=[9])
    kept = outputs(tmp_path / "fewer")
    assert {kept[name] == outputs(out)[name] for name in kept if name.startswith("head_x")} == {True}


def test_experiments_are_compared_by_a_flat_row(done):
    out, numbers, _ = done
    flat = files.read_json(out / "flat.json")
    assert flat["crop_mean"] == numbers["test"]["published"]["crop_mean"] and flat["native_pck@10"] >= 0
    assert {name: flat[name] for name in flat if "native_mean@" in name} == {
        f"native_mean@{name}": point["native_mean"] for name, point in numbers["budget"].items()
    }


def test_without_features_there_is_a_reason(root, tmp_path, capsys):
    files.write_json(tmp_path / "seen" / features.STATUS, {"status": "skipped", "reason": "no weights of x"})
    old = tmp_path / "out/head_x/seed0"
    old.mkdir(parents=True)
    to = run.HeadPaths(
        tmp_path / "out/head_x", *(tmp_path / f"out/{name}" for name in ("f.json", "m.json", "c.csv"))
    )
    run.train(config(), root / "absent", tmp_path / "seen", to)
    assert not old.exists()
    assert files.read_json(tmp_path / "out/head_x/skipped.json") == {"reason": "no weights of x"}
    about = {"status": "skipped", "reason": "no weights of x", "backbone": "fake", "crops": "cut"}
    assert files.read_json(tmp_path / "out/m.json") == about
    assert files.read_json(tmp_path / "out/f.json") == {"status": "skipped", "reason": "no weights of x"}
    assert (tmp_path / "out/c.csv").read_text() == f"{COLUMNS},val_crop_mean\n"
    assert "head_x was left out: no weights of x" in capsys.readouterr().out


# What is refused.


def test_features_of_something_else_are_refused(root, tmp_path, alone):
    shutil.copytree(root, tmp_path / "root")

    def refused(words, **changed):
        with pytest.raises(DataError, match=words) as caught:
            train(tmp_path / "root", tmp_path / "out", **changed)
        assert "dvc repro" in caught.value.remedy and not (tmp_path / "out").exists()

    path = tmp_path / "root/seen/cut" / features.CARD
    about = files.read_json(path)
    files.write_json(path, about | {"crops": "e" * 64})
    refused("features of fake are of other crops")
    path.unlink()
    refused("holds no whole features")
    status = tmp_path / "root/seen" / features.STATUS
    for text in ("", "[]", '{"status": "ok"}'):
        status.write_text(text)
        refused("holds no features of fake")
    status.unlink()
    refused("holds no features of fake")
    shutil.rmtree(tmp_path / "root/cut")
    files.write_json(status, {"status": "ok", "reason": ""})
    refused("missing or damaged")


def test_settings_that_make_no_sense_are_config_errors():
    wrong = [{"seeds": []}, {"seeds": [-1]}, {"seeds": [1, 1]}, {"budget": [0]}, {"budget": [5, 5]}, {"epochs": 0}]
    for changed in [*wrong, {"decode": "best"}, {"lr": 0}, {"epoch": 3}, {"batch": 1}]:
        with pytest.raises(ConfigError, match=f"heads.x.{next(iter(changed))}"):
            config(**changed)
    assert (config().lr, config().batch, config().sigma) == (3e-3, 8, 2.0)


def test_the_stage_reads_its_section(root, tmp_path, alone):
    options = {"params": "heads.x", "crops": root / "cut", "features": root / "seen", "out": "head_x"}
    options |= {"metrics": "f/x.json", "details": "m/x.json", "curve": "c/x.csv"}
    run_stage("head", tmp_path, {"heads": {"x": SECTION | {"seeds": [0], "budget": []}}}, options)
    assert files.read_json(tmp_path / "m/x.json")["labels"] == 12
    assert len((tmp_path / "c/x.csv").read_text().splitlines()) == 2
    assert model.read(tmp_path / "head_x/seed0")[1].labels == 12
