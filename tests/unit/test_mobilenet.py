"""MobileNetV2: counts of the paper, an independent implementation, and training under the RTMCC head."""

from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import drawn_faces
import tiny_runs
from thermark.convert import convert, onnx
from thermark.core.config import parse
from thermark.core.errors import ConfigError
from thermark.nets import card, complexity
from thermark.nets.mobilenet import MobileNetV2
from thermark.nets.pixels import normalised
from thermark.nets.rtmpose import RTMPose
from thermark.train import data, run, supervision, validation
from thermark.train.distillation import training
from thermark.train.recipes import mcl

CLASSES = 1000


def test_parameters_and_macs_are_the_published_ones():
    """3.4 M parameters and 300 M multiply-adds (Sandler et al., table 4), both with the classifier."""
    with torch.device("meta"):
        net = MobileNetV2()
        counted = complexity.macs(net, torch.zeros(1, 3, 224, 224))
    assert complexity.parameters(net) == 2_223_872
    assert complexity.parameters(net) + (net.channels + 1) * CLASSES == 3_504_872
    assert counted["conv"] + net.channels * CLASSES == 300_774_272
    assert set(counted) == {"conv", "batch_norm"}


def test_macs_by_hand():
    """The first block at 64 px: a stem of 3 -> 32, depthwise, 32 -> 16, all on 32 x 32."""
    net = MobileNetV2().eval()
    first = nn.Sequential(net.stem, net.blocks[0])
    assert complexity.macs(first, torch.zeros(1, 3, 64, 64))["conv"] == 32 * 32 * (27 * 32 + 9 * 32 + 32 * 16)


def test_resolutions_and_widths_are_those_of_table_2():
    with torch.device("meta"):
        net = MobileNetV2()
        x = net.stem(torch.zeros(1, 3, 224, 224))
    seen = []
    for block in net.blocks:
        x = block(x)
        seen.append(tuple(x.shape[1:3]))
    runs = [seen[0], *(after for before, after in pairwise(seen) if before != after)]
    assert runs == [(16, 112), (24, 56), (32, 28), (64, 14), (96, 14), (160, 7), (320, 7)]
    assert len(seen) == 17 and seen.count((64, 14)) == 4


def test_ten_shortcuts_and_no_activation_before_them():
    net = MobileNetV2().eval()
    assert sum(block.shortcut for block in net.blocks) == 10
    x = torch.randn(1, 24, 8, 8)
    y = net.blocks[2].project(torch.randn(1, 144, 8, 8))
    assert (y < 0).any() and (y.abs() > 0).all()
    with torch.no_grad():
        net.blocks[2].project.bn.weight.zero_()
        assert torch.equal(net.blocks[2](x), x)


def test_activations_end_at_six():
    layer = MobileNetV2().stem.eval()
    with torch.no_grad():
        layer.bn.bias.fill_(7)
        assert float(layer(torch.zeros(1, 3, 4, 4)).max()) == 6


def test_batch_norm_has_the_settings_of_the_other_networks():
    norms = [module for module in MobileNetV2().modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 52
    assert all((norm.eps, norm.momentum) == (1e-5, 0.1) for norm in norms)


@pytest.mark.slow
def test_features_equal_those_of_transformers():
    theirs = import_module("transformers")
    torch.manual_seed(0)
    reference = theirs.MobileNetV2Model(theirs.MobileNetV2Config(tf_padding=False, layer_norm_eps=1e-5)).eval()
    net = MobileNetV2().eval()
    # Both name layers in the order in which images pass them.
    for layer, other in zip(kinds(net, nn.Conv2d), kinds(reference, nn.Conv2d), strict=True):
        assert (layer.stride, layer.groups) == (other.stride, other.groups)
        other.weight.data.copy_(layer.weight)
    for layer, other in zip(kinds(net, nn.BatchNorm2d), kinds(reference, nn.BatchNorm2d), strict=True):
        layer.weight.data.uniform_(0.5, 2)
        layer.bias.data.uniform_(-1, 1)
        layer.running_mean.uniform_(-0.2, 0.2)
        layer.running_var.uniform_(0.1, 0.4)
        other.load_state_dict(layer.state_dict())
    images = torch.randn(2, 3, 96, 64)
    with torch.inference_mode():
        features, wanted = net(images), reference(images).last_hidden_state
    assert features.shape == (2, 1280, 3, 2) and 0.1 < float((wanted > 0).float().mean()) < 0.9
    torch.testing.assert_close(features, wanted, rtol=1e-5, atol=1e-5)


def kinds(net: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [module for module in net.modules() if isinstance(module, kind)]


# As a backbone of the learned networks.


def settings(**changed) -> run.Run:
    return parse(tiny_runs.section("supervised", size="mobilenet_v2", **changed), run.Run, "x")


def test_the_head_reads_its_features():
    torch.manual_seed(0)
    net = RTMPose("mobilenet_v2", 5, (64, 96)).eval()
    images = torch.randn(2, 3, 96, 64)
    x, y = net(images)
    assert x.shape == (2, 5, 128) and y.shape == (2, 5, 192)
    assert torch.equal(x, net.head(net.backbone(images))[0])
    assert not torch.equal(x, net(images.flip(0))[0])


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_trains_it_and_leaves_what_can_be_read(tmp_path, precision, native):
    drawn_faces.write(tmp_path / "thermal", 20, tiny_runs.SIDE)
    done = supervision.train(settings(precision=precision), 0, tmp_path, tmp_path / "state", ["thermal"])
    assert done.card.size == "mobilenet_v2" and np.isfinite(done.card.val_nme)
    start = run.initial(settings(), 0).state_dict()
    moved = [name for name, weight in done.weights.items() if not torch.equal(weight, start[name])]
    assert {"backbone.stem.conv.weight", "backbone.last.bn.running_var", "head.cls_x.weight"} <= set(moved)
    (tmp_path / "model").mkdir()
    card.write(tmp_path / "model", done.card, done.weights)
    net, about = card.read(tmp_path / "model")
    assert about.params == complexity.parameters(net) == 2_223_872 + complexity.parameters(net.head)


@pytest.mark.slow
def test_landmarks_are_learned_from_scratch(tmp_path):
    """In bf16 where the hardware has it; the mean face is the floor."""
    drawn_faces.write(tmp_path / "thermal", 300, 96)
    changed = {"size": "mobilenet_v2", "input_size": 64, "epochs": 14, "batch": 16}
    config = parse(drawn_faces.RUN | changed, run.Run, "x")
    done = supervision.train(config, 0, tmp_path, tmp_path / "state", ["thermal"])
    seen = (data.gather(tmp_path, ["thermal"], split, "ibug68", 64, 1.25) for split in ("train", "val"))
    faces, held_out = seen
    everyone = data.assemble(held_out, np.arange(len(held_out)))
    floor = validation.per_face(np.broadcast_to(faces.xy.mean(0), everyone.xy.shape), everyone).mean() * 1.25 / 64
    assert done.card.val_nme < 0.6 * floor


def test_bf16_gradients_are_sound():
    """In evaluation mode: batches that are normalised by themselves turn any rounding into another gradient."""
    torch.manual_seed(0)
    net = RTMPose("mobilenet_v2", 3, 64).to(memory_format=torch.channels_last).backbone.eval()
    images = normalised(np.random.default_rng(0).integers(0, 256, (8, 64, 64), np.uint8))
    wanted = torch.randn(8, 1280, 2, 2)
    gradients = []
    for enabled in (False, True, True):
        net.zero_grad()
        # Something else than zeros, where an uninitialised buffer may come from.
        del (junk := [torch.full((1000, 1000), torch.nan) for _ in range(4)])[:]
        assert not junk
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            features = net(images)
        (features.float() * wanted).sum().backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in net.parameters()]))
    exact, fast, again = gradients
    assert (fast - exact).norm() / exact.norm() < 0.15
    assert torch.equal(fast, again)


def test_distillation_refuses_to_start_from_another_architecture():
    section = tiny_runs.section("mcl", size="mobilenet_v2", start="teacher")
    about = card.ModelCard(
        **{"recipe": "ktl", "size": "t", "points": 68, "vocabulary": "ibug68", "input_size": 64},
        **{"padding": 1.25, "modality": "thermal", "trained_on": [], "params": 1, "seed": 0, "precision": "fp32"},
    )
    config = parse(section, mcl.Config, "x")
    with pytest.raises(ConfigError, match="mobilenet_v2 cannot start from thermal_t, which is of size t"):
        training.begin(RTMPose("mobilenet_v2", 68, 64), RTMPose("t", 68, 64), config, about)


def test_it_is_no_size_of_an_official_checkpoint():
    section = {"recipe": "imported", "checkpoint": "x.pth", "size": "mobilenet_v2"}
    with pytest.raises(ConfigError, match="size"):
        parse(section, convert.Config, "runs.imported.x")


@pytest.mark.slow
def test_it_can_be_exported(tmp_path):
    torch.manual_seed(0)
    net = RTMPose("mobilenet_v2", 1, 64).eval()
    (tmp_path / "net.onnx").write_bytes(onnx.graph(net, 64, 1))
    assert onnx.difference(net, tmp_path / "net.onnx", 64) < onnx.TOLERANCE
