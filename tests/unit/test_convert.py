import json
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

import reference_vectors
from mmpose_checkpoints import save
from thermark import cli, landmarks
from thermark.convert import rows
from thermark.convert.convert import Config, convert
from thermark.convert.official import recognised
from thermark.core.errors import ConfigError, DataError
from thermark.models import learned
from thermark.nets import card, state_dict_file
from thermark.nets.cspnext import SIZES

ROOT = Path(__file__).parents[2]
FINAL, BIAS = "head.final_layer.weight", "head.final_layer.bias"


@pytest.fixture(scope="module")
def shapes(golden):
    """Return a function from a size to the {name: shape} of an official checkpoint."""
    stored = json.loads(golden("state_dict_keys.json").read_text())

    def of(size, points=68, width=256, height=256):
        known = {name: shape for name, shape, _ in stored[size]}
        known[FINAL], known[BIAS] = [points, *known[FINAL][1:]], [points]
        known["head.mlp.1.weight"] = [256, width * height // 1024]
        known["head.cls_x.weight"], known["head.cls_y.weight"] = [2 * width, 256], [2 * height, 256]
        return known

    return of


@pytest.fixture(scope="module")
def tiny(shapes):
    """Return a function to the seeded weights of an official RTMPose-t; fresh dictionaries, shared tensors."""
    made = {}

    def of(**layout):
        for name, shape in shapes("t", **layout).items():
            key = (name, *shape)
            if key not in made:
                ((_, value),) = reference_vectors.weights([(name, shape)]).items()
                made[key] = torch.from_numpy(value)
        return OrderedDict((name, made[(name, *shape)]) for name, shape in shapes("t", **layout).items())

    return of


def config(checkpoint: Path, **options) -> Config:
    return Config(recipe="imported", checkpoint=str(checkpoint), **options)


def logits(model, golden):
    with np.load(golden("rtmpose_t.npz")) as wanted, torch.inference_mode():
        x, y = model(torch.from_numpy(reference_vectors.images()[:1]))
        np.testing.assert_allclose(x, wanted["simcc_x"], atol=5e-4)
        np.testing.assert_allclose(y, wanted["simcc_y"], atol=5e-4)


def test_a_converted_checkpoint_computes_the_reference_logits(tmp_path, tiny, golden):
    weights = tiny() | {"data_preprocessor.mean": torch.zeros(3, 1, 1)}
    account = convert(config(save(tmp_path / "official.pth", weights), size="t"), tmp_path / "out")
    model, about = card.read(tmp_path / "out" / "seed0")
    logits(model, golden)
    assert (about.recipe, about.points, about.vocabulary, about.modality) == ("imported", 68, "ibug68", "rgb")
    assert (about.params, about.best_epoch, about.val_nme, about.trained_on) == (4_333_538, 0, None, [])
    assert about.source == f"official.pth sha256:{account.sha256}" and account.notes() == []
    assert len(account.of("taken")) == 218 and account.ignored == ["data_preprocessor.mean"]
    assert len(learned.read(tmp_path / "out" / "seed0").flip) == 68


def test_every_container_holds_the_same_weights(tmp_path, tiny):
    weights = tiny()
    wrapped = {f"module.{name}": value for name, value in weights.items()}
    torch.save(weights, tmp_path / "plain.pth")
    torch.save(
        {name: torch.nn.Parameter(v, v.is_floating_point()) for name, v in weights.items()}, tmp_path / "p.pt"
    )
    torch.save(weights, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save(tmp_path / "wrapped.pth", wrapped)
    torch.save({"ema_state_dict": wrapped | {"steps": torch.tensor(7)}}, tmp_path / "average.pth")
    # What mmengine calls ema_state_dict beside a state_dict is what was averaged, not the average.
    raw = {name: torch.zeros_like(value) for name, value in wrapped.items()}
    save(tmp_path / "both.pth", weights, ema_state_dict=raw, message_hub={"log_scalars": OrderedDict()})
    save_file(dict(weights), tmp_path / "w.safetensors")
    for path in sorted(tmp_path.iterdir()):
        official = recognised(state_dict_file.read(path), path.name)
        assert (official.size, official.points, official.input_size) == ("t", 68, (256, 256)), path
        assert all(torch.equal(official.weights[name], value) for name, value in weights.items()), path
        assert official.ignored == (["steps"] if path.name == "average.pth" else [])


def test_half_precision_becomes_float32(tmp_path, tiny):
    halved = {name: value.half() if value.is_floating_point() else value for name, value in tiny().items()}
    convert(config(save(tmp_path / "half.pth", halved)), tmp_path / "out")
    kept = load_file(tmp_path / "out" / "seed0" / "model.safetensors")
    assert {str(value.dtype) for value in kept.values()} == {"torch.float32", "torch.int64"}


@pytest.mark.parametrize("size", SIZES)
def test_the_size_is_found_from_the_shapes(size, shapes):
    layout = shapes(size, points=98, width=192)
    stored = {
        name: torch.zeros((), dtype=torch.int64 if name.endswith("tracked") else torch.float32).expand(shape)
        for name, shape in layout.items()
    }
    official = recognised(stored, "x.pth")
    assert (official.size, official.points, official.input_size) == (size, 98, (192, 256))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone.stage2.1.short_conv.bn.bias": None}, "stage2.1.short_conv.bn.bias is missing"),
        ({"head.gau.o.weight": None}, "head.gau.o.weight is missing"),
        ({FINAL: None}, f"has no {FINAL}"),
        ({"backbone.stem.0.conv.weight": None}, "has no backbone.stem.0"),
        ({"backbone.stem.9.conv.weight": torch.ones(1)}, "stem.9.conv.weight is unexpected"),
        ({"head.final_layer2.weight": torch.ones(1)}, "final_layer2.weight is unexpected"),
        ({"head.gau.ln.g": torch.ones(2)}, r"head.gau.ln.g is \[2\], not \[1\]"),
        ({"head.cls_x.weight": torch.ones(768, 256)}, "768 x 512 bins for maps of 64 cells"),
        ({"backbone.stem.0.conv.weight": torch.ones(20, 3, 3, 3)}, "starts with 20 channels"),
        ({"head.gau.ln.g": torch.tensor([np.nan])}, "head.gau.ln.g is not finite"),
        ({"head.gau.ln.g": torch.ones(1, dtype=torch.int64)}, "head.gau.ln.g holds int64"),
        ({"head.gau.ln.g": 1.0}, "head.gau.ln.g is no plain tensor"),
        ({"head.gau.ln.g": torch.ones(1, device="meta")}, "head.gau.ln.g is no plain tensor"),
        ({"head.gau.ln.g": torch.ones(1).to_sparse()}, "head.gau.ln.g is no plain tensor"),
    ],
)
def test_what_is_no_rtmpose_is_refused_by_name(change, message, tiny):
    stored = {name: value for name, value in {**tiny(), **change}.items() if value is not None}
    with pytest.raises(DataError, match=message):
        recognised(stored, "x.pth")


def test_only_the_first_three_reasons_are_listed(tiny):
    stored = {name: value for name, value in tiny().items() if "stage3.1.blocks" not in name}
    with pytest.raises(DataError, match=r"^x.pth is no RTMPose-t: [^;]+; [^;]+; [^;]+ and 15 more$"):
        recognised(stored, "x.pth")


def test_a_failed_conversion_leaves_what_was_there(tmp_path, tiny):
    out = tmp_path / "out"
    convert(config(save(tmp_path / "good.pth", tiny())), out)
    before = {path.name: path.read_bytes() for path in (out / "seed0").iterdir()}
    with pytest.raises(DataError, match="is an RTMPose-t, not an RTMPose-m"):
        convert(config(tmp_path / "good.pth", size="m"), out)
    with pytest.raises(ConfigError, match="multiple of 32"):
        convert(config(tmp_path / "good.pth", input_size=200), out)
    convert(config(tmp_path / "good.pth"), out)
    assert {path.name: path.read_bytes() for path in (out / "seed0").iterdir()} == before
    assert [path.name for path in out.iterdir()] == ["seed0"]
    assert str(tmp_path).encode() not in before["model.json"]


def test_row_maps_are_permutations_that_a_mirror_keeps():
    """The flip pairs of LaPa's 106 points, as MMPose's data set description has them."""
    flip = np.arange(106)
    runs = [(0, 32, 33), (33, 46, 5), (38, 50, 4), (55, 65, 1), (56, 64, 1), (57, 63, 1), (58, 62, 5)]
    runs += [(66, 79, 5), (71, 82, 3), (74, 83, 1), (84, 90, 7), (91, 95, 5), (96, 100, 5), (101, 103, 3)]
    for start, end, count in [*runs, (104, 105, 1)]:
        for step in range(count):
            flip[start + step], flip[end - step] = end - step, start + step
    assert (flip[flip] == np.arange(106)).all()
    face6 = np.array(rows.load("face6").rows)
    ours = landmarks.load("ibug68")
    np.testing.assert_array_equal(face6[ours.flip], flip[face6])
    assert len(set(face6)) == 68


def test_eyelids_go_around_the_ring_of_lapa():
    """Outer corner, upper lid inwards, inner corner, lower lid outwards; the middles 68, 72, 77, 81 are unused."""
    at = dict(zip(landmarks.load("ibug68").points, rows.load("face6").rows, strict=True))
    assert [at[f"right_eye_{n}"] for n in range(6)] == [66, 67, 69, 70, 71, 73]
    assert [at[f"left_eye_{n}"] for n in range(6)] == [75, 76, 78, 79, 80, 82]
    # MMPose trains rows 68 and 72 on the means of these pairs: each pair must lie on both sides of it.
    for low, high, middle in [(1, 2, 68), (5, 4, 72)]:
        assert abs(at[f"right_eye_{low}"] - middle) == abs(at[f"right_eye_{high}"] - middle) == 1
    assert (at["right_brow_0"], at["left_brow_0"], at["nose_bridge_3"], at["nostril_row_2"]) == (33, 42, 54, 60)
    assert (at["mouth_outer_0"], at["mouth_inner_0"], at["jaw_16"]) == (84, 96, 32)


def test_whole_body_rows_are_those_of_the_bridge():
    matrix = landmarks.weights("coco_wholebody133", "ibug68")
    np.testing.assert_array_equal(matrix.argmax(axis=1), rows.load("wholebody133").rows)
    assert matrix.shape[1] == rows.load("wholebody133").points


def test_face6_selects_rows_and_takes_the_rest(tmp_path, tiny):
    weights = tiny(points=106)
    path = save(tmp_path / "face6.pth", weights)
    account = convert(config(path, rows="face6"), tmp_path / "out", tmp_path / "report.json")
    model, about = card.read(tmp_path / "out" / "seed0")
    kept = model.state_dict()
    assert torch.equal(kept[FINAL], weights[FINAL][rows.load("face6").rows])
    assert torch.equal(kept[BIAS][38], weights[BIAS][69]) and torch.equal(kept[BIAS][67], weights[BIAS][103])
    assert all(torch.equal(kept[name], value) for name, value in weights.items() if name not in (FINAL, BIAS))
    assert account.of("selected") == [FINAL, BIAS] and account.of("reinitialised") == []
    assert about.source.endswith("; face6: 68 of 106 points")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (
        report["selected"] == [FINAL, BIAS] and len(report["taken"]) == 216 and report["input_size"] == [256, 256]
    )


def test_fresh_rows_leave_the_rest_of_the_head(tmp_path, tiny):
    weights = tiny(points=98)
    path = save(tmp_path / "wflw.pth", weights)
    account = convert(config(path, rows="fresh"), tmp_path / "out")
    model, about = card.read(tmp_path / "out" / "seed0")
    assert account.of("reinitialised") == [FINAL, BIAS] and account.of("selected") == []
    assert torch.equal(model.head.cls_x.weight, weights["head.cls_x.weight"])
    assert float(model.head.final_layer.weight.detach().std()) == pytest.approx(0.001, rel=0.05)
    assert about.source.endswith("; head re-initialised in part: final_layer")


def test_another_input_size_costs_what_depends_on_pixels(tmp_path, tiny):
    weights = tiny(points=133, width=192)
    path = save(tmp_path / "body.pth", weights)
    kept = {}
    for seed, folder in [(0, "a"), (0, "b"), (1, "c")]:
        account = convert(config(path, rows="wholebody133", seed=seed), tmp_path / folder)
        kept[folder] = card.read(tmp_path / folder / "seed0")[0].state_dict()
    pixels = ["head.mlp.1.weight", "head.cls_x.weight", "head.cls_y.weight"]
    assert account.of("reinitialised") == pixels and account.of("selected") == [FINAL, BIAS]
    assert (account.points, account.input_size) == (133, (192, 256))
    assert torch.equal(kept["a"][FINAL], weights[FINAL][23:91])
    for name in ("head.mlp.0.g", "head.gau.uv.weight", "head.gau.gamma", "backbone.stage4.2.attention.fc.bias"):
        assert torch.equal(kept["a"][name], weights[name])
    for name in pixels:
        assert torch.equal(kept["a"][name], kept["b"][name]) and not torch.equal(kept["a"][name], kept["c"][name])
    wanted = ["wholebody133: 68 of 133 points", "head re-initialised in part: mlp.1, cls_x, cls_y"]
    assert account.notes() == wanted


@pytest.mark.parametrize("choice", ["same", "fresh"])
def test_a_bare_backbone_gets_a_new_head(tmp_path, tiny, choice):
    weights = {name: value for name, value in tiny().items() if name.startswith("backbone.")}
    heatmap = {FINAL: torch.ones(17, 256, 1, 1), "head.deconv_layers.0.weight": torch.ones(384, 256, 4, 4)}
    path = save(tmp_path / "udp.pth", weights | heatmap)
    account = convert(config(path, rows=choice), tmp_path / "out")
    model, about = card.read(tmp_path / "out" / "seed0")
    assert all(torch.equal(model.state_dict()[name], value) for name, value in weights.items())
    assert account.ignored == [FINAL, "head.deconv_layers.0.weight"]
    assert len(account.of("reinitialised")) == len(list(model.head.state_dict()))
    assert about.source.endswith("; head re-initialised")
    assert "no RTMCC head" in account.text()


def test_rows_that_do_not_suit_name_those_that_do():
    with pytest.raises(DataError, match="has 106 points, ibug68 has 68") as caught:
        rows.selected("same", 106, 68, "ibug68")
    assert caught.value.remedy == "say rows: face6 or fresh"
    with pytest.raises(DataError, match="rows face6 are for 106 points, the checkpoint has 68") as caught:
        rows.selected("face6", 68, 68, "ibug68")
    assert caught.value.remedy == "say rows: same"
    with pytest.raises(DataError, match="the checkpoint has no RTMCC head") as caught:
        rows.selected("wholebody133", None, 68, "ibug68")
    assert caught.value.remedy == "say rows: fresh"
    with pytest.raises(ConfigError, match="are those of ibug68"):
        rows.selected("face6", 106, 1, "nose1")
    with pytest.raises(ConfigError) as caught:
        rows.selected("face7", 106, 68, "ibug68")
    assert caught.value.remedy == "did you mean `face6`?"


def test_the_command_says_what_it_took_and_warns(tmp_path, tiny, capsys):
    path = save(tmp_path / "face6.pth", tiny(points=106))
    cli._main(["convert-checkpoint", str(path), "--out", str(tmp_path / "out"), "--rows", "face6", "--size", "t"])
    output = capsys.readouterr()
    assert output.out.splitlines()[0] == "face6.pth: RTMPose-t, 106 points, 256 x 256 px"
    assert f"  selected         2  {FINAL}, {BIAS}" in output.out.splitlines()
    assert "  taken          216  backbone.stem.0.conv.weight, " in output.out
    assert output.err == "warning: face6: 68 of 106 points; fine-tune before use\n"


@pytest.mark.slow
def test_the_stage_reads_its_section(tmp_path, tiny):
    save(tmp_path / "official.pth", tiny())
    section = {"recipe": "imported", "checkpoint": "official.pth", "size": "t", "rows": "same", "input_size": 256}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"runs": {"imported": {"t": section}}}))
    command = [sys.executable, str(ROOT / "stages" / "convert.py"), "--params", "runs.imported.t", "--out", "m"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.startswith("official.pth: RTMPose-t, 68"), (
        done
    )
    assert sorted(path.name for path in (tmp_path / "m" / "seed0").iterdir()) == [
        "model.json",
        "model.safetensors",
    ]
