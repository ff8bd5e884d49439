"""Sapiens2 with a tiny random network: from a file with the published names of tensors to points in the frame."""

import pickle
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny_transformers
from thermark import landmarks
from thermark.core import bundle
from thermark.core.config import parse
from thermark.core.errors import ConfigError, DataError
from thermark.models import sapiens2
from thermark.models.inference.contract import Assets
from thermark.nets import pretrained, sapiens2_pose

pytestmark = pytest.mark.slow  # transformers takes ten seconds to import

CARD = {"vocabulary": "sapiens308", "channels": "rgb", "input_size": [768, 1024]}
SETTINGS = {"family": "sapiens2", "weights": "w", "size": [96, 64], "dtype": "float32", "given": "labelled"}
# What stands in an encoder layer: published name -> name in transformers.
LAYER = {
    "attn.gamma.weight": "layer_scale1.lambda1",
    "attn.k_norm.weight": "attention.k_norm.weight",
    "attn.q_norm.weight": "attention.q_norm.weight",
    "attn.proj.bias": "attention.o_proj.bias",
    "attn.proj.weight": "attention.o_proj.weight",
    "attn.wk.bias": "attention.k_proj.bias",
    "attn.wk.weight": "attention.k_proj.weight",
    "attn.wq.bias": "attention.q_proj.bias",
    "attn.wq.weight": "attention.q_proj.weight",
    "attn.wv.bias": "attention.v_proj.bias",
    "attn.wv.weight": "attention.v_proj.weight",
    "ffn.w3.bias": "mlp.down_proj.bias",
    "ffn.w3.weight": "mlp.down_proj.weight",
    "ln1.weight": "norm1.weight",
    "ln2.weight": "norm2.weight",
}
REST = {
    "backbone.cls_token": "model.embeddings.cls_token",
    "backbone.storage_tokens": "model.embeddings.register_tokens",
    "backbone.patch_embed.projection.weight": "model.embeddings.patch_embeddings.weight",
    "backbone.patch_embed.projection.bias": "model.embeddings.patch_embeddings.bias",
    "backbone.ln1.weight": "model.norm.weight",
    "decode_head.deconv_layers.0.weight": "decode_head.upsample_layers.0.convolution.weight",
    "decode_head.deconv_layers.3.weight": "decode_head.upsample_layers.1.convolution.weight",
    "decode_head.conv_pose.weight": "decode_head.predictor.weight",
    "decode_head.conv_pose.bias": "decode_head.predictor.bias",
}


def published(net):
    """Return the weights under the names, and in the packing, of the published checkpoints."""
    tensors = net.state_dict()
    state = {name: tensors.pop(ours) for name, ours in REST.items()}
    for number in range(3):
        for kind in ("weight", "bias"):
            ours = f"decode_head.conv_layers.{number}.convolution.{kind}"
            state[f"decode_head.conv_layers.{3 * number}.{kind}"] = tensors.pop(ours)
    for number in range(net.config.num_hidden_layers):
        theirs, ours = (
            f"backbone.blocks.{number}.",
            next(name.split("norm1")[0] for name in net.state_dict() if f".{number}.norm1" in name),
        )
        state |= {theirs + name: tensors.pop(ours + name_) for name, name_ in LAYER.items()}
        for kind in ("weight", "bias"):
            halves = [tensors.pop(f"{ours}mlp.{part}_proj.{kind}") for part in ("gate", "up")]
            state[f"{theirs}ffn.w12.{kind}"] = torch.cat(halves)
    assert not tensors
    state["backbone.rope_embed.periods"] = 100 ** (torch.arange(4) / 4)
    return {name: weight.clone().contiguous() for name, weight in state.items()}


@pytest.fixture(scope="module")
def net():
    return tiny_transformers.sapiens2()


@pytest.fixture(scope="module")
def file(net, tmp_path_factory):
    path = tmp_path_factory.mktemp("w") / "sapiens2_0.4b_pose.safetensors"
    save_file(published(net), path)
    return path


@pytest.fixture
def weights(file):
    bundle.write(file.parent, "ok", "", {file.name: CARD})
    return bundle.read(file.parent)


def settings(**changes):
    name = {"file": "sapiens2_0.4b_pose.safetensors"}
    return parse(SETTINGS | name | changes, sapiens2.Config, "zeroshot.s")


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (90 + 10 * i, 120, 3), np.uint8) for i in range(4)]


BOXES = [
    np.array([[10, 10, 80, 85], [np.nan] * 4, [0, 0, 119, 80]], np.float32),
    np.zeros((0, 4), np.float32),
    np.array([[30, 20, 31, 100]], np.float32),
    np.array([[-20, -20, 60, 60]], np.float32),
]


def test_a_file_with_the_published_names_is_the_same_network(net, file):
    loaded = sapiens2_pose.load_pose_model(file)
    picture = torch.randn(2, 3, 64, 48)
    with torch.inference_mode():
        wanted = net(picture).heatmaps
        assert wanted.std() > 0.1
        assert torch.equal(loaded(picture).heatmaps, wanted)
        features = loaded.model(picture).last_hidden_state
        assert torch.equal(features, net.model(picture).last_hidden_state)
    assert not loaded.training and next(loaded.parameters()).dtype == torch.float32


def test_a_folder_of_the_hub_is_the_same_network(net, file, tmp_path):
    net.save_pretrained(tmp_path)
    loaded = sapiens2_pose.load_pose_model(tmp_path / "model.safetensors")
    assert loaded.config.num_key_value_heads_per_layer == [2, 1, 1, 2]
    picture = torch.randn(1, 3, 64, 48)
    with torch.inference_mode():
        assert torch.equal(loaded(picture).heatmaps, net(picture).heatmaps)


def test_bfloat16_files_become_float32(net, tmp_path):
    state = {name: weight.bfloat16() for name, weight in published(net).items()}
    save_file(state, tmp_path / "x.safetensors")
    loaded = sapiens2_pose.load_pose_model(tmp_path / "x.safetensors")
    assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}
    assert torch.equal(loaded.decode_head.predictor.bias, state["decode_head.conv_pose.bias"].float())


HEAD = ([1024, 768], [512, 512, 256])


@pytest.mark.parametrize(
    ("width", "layers", "heads", "head", "size"),
    [
        (1024, 24, 16, HEAD, None),
        (1280, 32, 16, HEAD, None),
        (1536, 40, 24, ([1536, 1024], [768, 512, 256]), 6_079_194_752),
        (2432, 56, 32, HEAD, 20_480_899_148),
    ],
    ids=["0.4b", "0.8b", "1b", "5b"],
)
def test_the_published_sizes_are_read_from_shapes(width, layers, heads, head, size):
    """Widths and depths as the authors list them, heads as in their settings, `size` of the file in bytes."""
    made = pretrained.Sapiens2Config(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_attention_heads=heads // 2,
        num_labels=308,
        head_config=pretrained.Sapiens2HeadConfig(upsample_out_channels=head[0], conv_out_channels=head[1]),
    )
    with torch.device("meta"):
        net = pretrained.Sapiens2ForPoseEstimation(made)
    shapes = {name: tuple(weight.shape) for name, weight in published(net).items()}
    read = sapiens2_pose.architecture(shapes, "x")
    for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_labels"):
        assert getattr(read, key) == getattr(made, key)
    assert read.num_key_value_heads_per_layer == made.num_key_value_heads_per_layer
    for key in ("upsample_out_channels", "upsample_kernel_sizes", "conv_out_channels", "conv_kernel_sizes"):
        assert getattr(read.head_config, key) == getattr(made.head_config, key)
    if size:
        # The rest is the header: about a hundred bytes a tensor.
        rest = size - 4 * sum(weight.numel() for weight in net.parameters())
        assert 80 * len(shapes) < rest < 160 * len(shapes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("backbone.blocks.2.ln1.weight"), "missing"),
        (lambda state: state.pop("backbone.blocks.1.ffn.w12.bias"), "missing"),
        (lambda state: state.pop("decode_head.conv_pose.weight"), "missing"),
        (lambda state: state.pop("backbone.cls_token"), "missing"),
        (lambda state: state.update(more=torch.zeros(2)), "more is unexpected"),
        (lambda state: state.update({"decode_head.periods": torch.zeros(2)}), "periods is unexpected"),
        (lambda state: state.update({"backbone.ln1.weight": torch.zeros(31)}), "is .31., not .32."),
        (lambda state: state.update({"backbone.blocks.3.attn.proj.weight": torch.zeros(32, 30)}), "not .32, 32."),
        (lambda state: [state.pop(key) for key in list(state) if key.startswith("decode_head")], "missing"),
        (lambda state: [state.pop(key) for key in list(state) if "blocks.1." in key], "not fit"),
    ],
)
def test_every_tensor_must_fit(net, tmp_path, change, message):
    state = published(net)
    change(state)
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(DataError, match=message):
        sapiens2_pose.load_pose_model(tmp_path / "x.safetensors")


def test_a_network_of_another_name_scheme_is_refused_not_random(net, tmp_path):
    """A backbone's checkpoint in a pose network is what transformers would fill up with random numbers."""
    state = {f"x.{name}": weight for name, weight in published(net).items() if "periods" not in name}
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(DataError, match="is no pose network"):
        sapiens2_pose.load_pose_model(tmp_path / "x.safetensors")
    net.config.save_pretrained(tmp_path)
    with pytest.raises(DataError, match=r"missing and \d+ more"):
        sapiens2_pose.load_pose_model(tmp_path / "x.safetensors")


@pytest.mark.parametrize("damage", ["cut", "longer", "header", "pickle", "empty", "none"])
def test_a_damaged_file_is_refused(file, tmp_path, damage):
    path, whole = tmp_path / "model.safetensors", file.read_bytes()
    content = {
        "cut": whole[:-100],
        "longer": whole + b"\0" * 8,
        "header": struct.pack("<Q", 10) + whole[8:],
        "pickle": pickle.dumps({"backbone.cls_token": 1}),
        "empty": b"",
    }
    if damage in content:
        path.write_bytes(content[damage])
    with pytest.raises(DataError, match="no whole safetensors file"):
        sapiens2_pose.load_pose_model(path)


def test_a_torch_pickle_is_not_unpickled(tmp_path):
    torch.save({"backbone.cls_token": torch.zeros(1, 1, 32)}, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match="no whole safetensors file"):
        sapiens2_pose.load_pose_model(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"model_type": "vitpose"}', '{"model_type": "sapiens2", "hidden_size": "x"}']
)
def test_a_damaged_description_is_refused(net, tmp_path, text):
    save_file(published(net), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(DataError, match=r"config\.json"):
        sapiens2_pose.load_pose_model(tmp_path / "model.safetensors")


def test_bfloat16_is_nearly_the_same(weights, native):
    exact = sapiens2.load(settings(flip=False), Assets(weights), "cpu")
    rough = sapiens2.load(settings(flip=False, dtype="bfloat16"), Assets(weights), "cpu")
    picture = torch.randn(1, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        a, b = exact.forward(picture), rough.forward(picture).float()
    assert not torch.equal(a, b)
    assert (a - b).square().mean() < 0.01 * a.square().mean()


def test_a_planted_summit_is_found_at_its_source_pixel(weights):
    """The network's maps are replaced by one summit a point, on 96 x 128 for an input of 768 x 1024."""
    contestant = sapiens2.load(settings(size=[1024, 768], given="frame"), Assets(weights), "cpu")
    places = 30.25 + torch.arange(308) / 10
    mirrored = torch.empty(308)
    mirrored[torch.from_numpy(landmarks.load("sapiens308").flip)] = 95 - places
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(96.0), indexing="ij")
    shapes = []

    def planted(inputs):
        at = (places, mirrored)[len(shapes)]
        shapes.append(tuple(inputs.shape))
        return torch.exp(-((x - at[:, None, None]) ** 2 + (y - 70.5) ** 2) / 72)[None]

    # A frame of 97 x 129 is enlarged by 1.25 to 120 x 160 between outer pixel centres.
    frame = np.zeros((129, 97, 3), np.uint8)
    outline = np.array([[-0.5, -0.5, 96.5, 128.5]], np.float32)
    (seen,) = replace(contestant, forward=planted)([frame], [outline])
    assert shapes == [(1, 3, 1024, 768)] * 2
    wanted = np.stack([48 - 60 + places / 95 * 120, np.full(308, 64 - 80 + 70.5 / 127 * 160)], axis=-1)
    np.testing.assert_allclose(seen.xy[0], wanted, atol=0.05)
    np.testing.assert_allclose(seen.score, 1, atol=0.01)


def test_cards_and_options_are_checked(file, weights):
    for change in ({"vocabulary": "ibug68"}, {"channels": "bgr"}, {"channels": None}):
        wrong = bundle.Bundle(weights.folder, "ok", "", {file.name: CARD | change})
        with pytest.raises(DataError, match="states"):
            sapiens2.load(settings(), Assets(wrong), "cpu")
    for change in ({"size": [100, 64]}, {"given": "own"}, {"detector": "x.onnx"}, {"dtype": "int8"}, {"batch": 0}):
        with pytest.raises(ConfigError):
            settings(**change)


def test_another_number_of_points_is_refused(tmp_path):
    save_file(published(tiny_transformers.sapiens2(17)), tmp_path / "model.safetensors")
    bundle.write(tmp_path, "ok", "", {"model.safetensors": CARD})
    with pytest.raises(DataError, match="17 points"):
        sapiens2.load(settings(file="model.safetensors"), Assets(bundle.read(tmp_path)), "cpu")


def test_the_helper_names_every_published_tensor(net, file):
    """The file that is loaded above is not merely transformers' own."""
    assert "backbone.blocks.3.ffn.w12.weight" in load_file(file)
    assert not any(name.startswith("model.") for name in load_file(file))


def test_own_persons_come_with_their_scores(file, mirror, tmp_path):
    """A real detector on a real picture of a person, in front of the random network."""
    picture = cv2.imread(str(mirror("000000000785.jpg")))[..., ::-1]
    (tmp_path / "model.safetensors").write_bytes(file.read_bytes())
    (tmp_path / "yolox_nano.onnx").write_bytes(mirror("yolox_nano.onnx").read_bytes())
    card = {"input_size": [416, 416], "channels": "bgr", "vocabulary": None}
    bundle.write(tmp_path, "ok", "", {"model.safetensors": CARD, "yolox_nano.onnx": card})
    options = settings(file="model.safetensors", given="own", detector="yolox_nano.onnx", detector_score=0.5)
    contestant = sapiens2.load(options, Assets(bundle.read(tmp_path)), "cpu")
    assert (contestant.given, contestant.box_source) == ("own", "yolox_nano")
    person, nobody = contestant([picture, np.zeros((50, 60, 3), np.uint8)], [None, None])
    assert len(person.boxes) >= 1 and len(nobody.boxes) == 0
    assert (person.box_score > 0.5).all() and np.isfinite(person.score).all()
    assert person.xy.shape == (len(person.boxes), 308, 2) and nobody.xy.shape == (0, 308, 2)
