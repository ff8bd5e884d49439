import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml

import tiny_runs
from thermark.convert import onnx as exported
from thermark.core import bundle
from thermark.core.errors import DataError
from thermark.models.inference import sessions
from thermark.nets import card

STAGE = Path(__file__).parents[2] / "stages" / "export.py"
RUN = exported.Config(run="rgb_t")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    tiny_runs.write_scaled(folder / "models" / "rgb_t" / "seed0", 1)
    tiny_runs.write_scaled(folder / "models" / "rgb_t" / "seed2", 2, seed=2)
    exported.export(RUN, folder / "models", folder / "assets")
    return folder


def test_the_bundle_says_what_rtmlib_and_a_reader_must_know(root):
    whole = bundle.read(root / "assets")
    names = [f"seed{seed}/{name}" for seed in (0, 2) for name in ("pose.onnx", "model.safetensors", "model.json")]
    assert whole.status == "ok" and sorted(whole.cards) == sorted(names) and all(map(whole.file, names))
    assert whole.cards["seed2/pose.onnx"]["model"] == "RTMPose-t, rgb_t seed2"
    about = bundle.read(root / "assets/seed0")
    assert about.status == "ok" and sorted(path.name for path in about.folder.iterdir()) == [
        *("bundle.json", "model.json", "model.safetensors", "pose.onnx"),
    ]
    metadata = about.cards["pose.onnx"]
    assert metadata["model"] == "RTMPose-t, rgb_t seed0" and metadata["source"] == "trained by this pipeline"
    assert (metadata["input_size"], metadata["channels"], metadata["padding"]) == ([64, 64], "rgb", 1.25)
    assert (metadata["vocabulary"], metadata["trained_on"], metadata["licence"]) == (
        "ibug68",
        ["elsewhere"],
        "Apache-2.0",
    )
    assert metadata["face_sets"] == ["elsewhere"]
    assert about.cards["model.safetensors"] == about.cards["model.json"] == metadata


def test_the_network_itself_lies_beside_its_graph(root):
    net, about = card.read(bundle.read(root / "assets/seed0").folder)
    wanted, expected = card.read(root / "models" / "rgb_t" / "seed0")
    assert about == expected
    assert all(torch.equal(weight, wanted.state_dict()[name]) for name, weight in net.state_dict().items())


def test_normalisations_are_folded_to_the_nearest_float(root):
    # The exporter's own square roots are a bit off, and by another bit on a CPU of another make.
    state = {
        name: weight.double().numpy() for name, weight in card.read(root / "assets/seed0")[0].state_dict().items()
    }
    model = onnx.load(bundle.read(root / "assets/seed0").file("pose.onnx"))
    stored = {held.name: onnx.numpy_helper.to_array(held) for held in model.graph.initializer}
    blocks = [name.removesuffix(".bn.weight") for name in state if name.endswith(".bn.weight")]
    assert blocks
    for block in blocks:
        statistics = {
            name: state[f"{block}.bn.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        }
        scale = statistics["weight"] / (statistics["running_var"] + 1e-5) ** 0.5
        weight = (state[f"{block}.conv.weight"] * scale[:, None, None, None]).astype(np.float32)
        offset = (statistics["bias"] - statistics["running_mean"] * scale).astype(np.float32)
        assert np.array_equal(stored[f"{block}.conv.weight"], weight), block
        assert np.array_equal(stored[f"{block}.conv.bias"], offset), block


def test_the_graph_has_the_published_names_and_a_free_batch_axis(root):
    model = onnx.load(bundle.read(root / "assets/seed0").file("pose.onnx"))
    onnx.checker.check_model(model, full_check=True)
    (source,), outputs = model.graph.input, model.graph.output
    assert (source.name, [output.name for output in outputs]) == ("input", ["simcc_x", "simcc_y"])
    for one, rest in ((source, [3, 64, 64]), *((output, [68, 128]) for output in outputs)):
        batch, *others = one.type.tensor_type.shape.dim
        assert batch.dim_param and [axis.dim_value for axis in others] == rest
    assert {(use.domain, use.version) for use in model.opset_import} == {("", exported.OPSET)}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_onnxruntime_says_what_torch_says(root, count):
    net, _ = card.read(root / "models" / "rgb_t" / "seed0")
    images = np.random.default_rng(count).normal(size=(count, 3, 64, 64)).astype(np.float32)
    outputs = sessions.run(sessions.opened(root / "assets/seed0/pose.onnx"), images)
    with torch.inference_mode():
        for have, want in zip(outputs, net(torch.from_numpy(images)), strict=True):
            assert have.shape == want.shape == (count, 68, 128)
            assert want.std() > 0.1  # or nothing would be compared
            np.testing.assert_allclose(have, want.numpy(), atol=exported.TOLERANCE * float(want.abs().max()))


def test_bytes_depend_on_the_weights_only(root, tmp_path):
    exported.export(RUN, root / "models", tmp_path / "again")
    for path in (path for path in (root / "assets").rglob("*") if path.is_file()):
        assert (tmp_path / "again" / path.relative_to(root / "assets")).read_bytes() == path.read_bytes()
    content = (root / "assets/seed0/pose.onnx").read_bytes()
    assert content != (root / "assets/seed2/pose.onnx").read_bytes()
    assert b".py" not in content and str(root).encode() not in content and b"/home" not in content


def test_a_difference_is_seen(root):
    net, _ = card.read(root / "models" / "rgb_t" / "seed0")
    path = root / "assets/seed0/pose.onnx"
    assert exported.difference(net, path, 64) < exported.TOLERANCE
    with torch.no_grad():
        net.head.cls_y.weight[3] += 0.01
    assert exported.difference(net, path, 64) > exported.TOLERANCE
    with torch.no_grad():
        net.head.cls_y.weight[3] = torch.nan
    assert not exported.difference(net, path, 64) < exported.TOLERANCE


def test_a_network_that_differs_leaves_nothing_and_the_old_bundle_stays(root, tmp_path, monkeypatch):
    exported.export(RUN, root / "models", tmp_path / "out")
    before = (tmp_path / "out/seed2/pose.onnx").read_bytes()
    monkeypatch.setattr(exported, "difference", lambda *_: 0.1)
    with pytest.raises(DataError, match=r"rgb_t seed0 in ONNX is off by 0\.1 of"):
        exported.export(RUN, root / "models", tmp_path / "out")
    assert (tmp_path / "out/seed2/pose.onnx").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_that_is_not_there_is_refused(root, tmp_path):
    with pytest.raises(DataError, match=r"rgb_x holds no seed<k> folder"):
        exported.export(exported.Config(run="rgb_x"), root / "models", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_stage_exports_quietly(root, tmp_path):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"exported": {"teacher": {"run": "rgb_t"}}}))
    flags = ["--params", "exported.teacher", "--models", str(root / "models"), "--out", "out"]
    done = subprocess.run(
        [sys.executable, STAGE, *flags], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert bundle.read(tmp_path / "out").cards["seed2/pose.onnx"]["model"].endswith("seed2")
