import json
from hashlib import sha256

import numpy as np
import pytest
import torch

import reference_vectors
from thermark.core.errors import ConfigError
from thermark.nets import complexity
from thermark.nets.cspnext import SIZES
from thermark.nets.rtmpose import RTMPose
from thermark.train.codecs.simcc import SimCC


@pytest.fixture(scope="module")
def reference(golden):
    """RTMPose-t with the seeded weights, in evaluation mode."""
    keys = json.loads(golden("state_dict_keys.json").read_text())["t"]
    model = RTMPose("t", 68)
    state = reference_vectors.weights((key, shape) for key, shape, _ in keys)
    model.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
    return model.eval()


@pytest.fixture(scope="module")
def images(golden):
    stack = reference_vectors.images()
    digest = json.loads(golden("rtmpose.json").read_text())["input_sha256"]
    assert sha256(stack.tobytes()).hexdigest() == digest
    return torch.from_numpy(stack[:1])


@pytest.mark.parametrize("size", SIZES)
def test_state_dict_is_that_of_the_official_checkpoints(size, golden):
    wanted = json.loads(golden("state_dict_keys.json").read_text())[size]
    with torch.device("meta"):
        state = RTMPose(size, 68).state_dict()
    assert [[key, list(v.shape), str(v.dtype).removeprefix("torch.")] for key, v in state.items()] == wanted


@pytest.mark.parametrize("size", SIZES)
def test_parameters_and_macs_are_the_published_ones(size, golden):
    wanted = json.loads(golden("complexity.json").read_text())["rtmpose"][size]
    with torch.device("meta"):
        model = RTMPose(size, 68)
        counted = complexity.macs(model, torch.zeros(1, 3, 256, 256))
        backbone = complexity.macs(model.backbone, torch.zeros(1, 3, 256, 256))
    assert complexity.parameters(model) == wanted["params"]
    assert complexity.parameters(model.head) == wanted["params_head"]
    assert counted.total() == wanted["macs"]
    assert backbone.total() == wanted["macs_backbone"]
    assert counted["conv"] == wanted["macs_by_op"]["conv"]


def test_logits_are_the_reference_ones(reference, images, golden):
    with np.load(golden("rtmpose_t.npz")) as wanted, torch.inference_mode():
        x, y = reference(images)
        np.testing.assert_allclose(x, wanted["simcc_x"], atol=5e-4)
        np.testing.assert_allclose(y, wanted["simcc_y"], atol=5e-4)
        xy, score = SimCC((256, 256)).decode((x, y))
        np.testing.assert_array_equal(xy, wanted["keypoints"])
        np.testing.assert_allclose(score, wanted["scores"], atol=5e-4)


def test_stages_have_the_reference_statistics(reference, images, golden):
    wanted = json.loads(golden("rtmpose.json").read_text())["stages"]
    x, first = images, {}
    with torch.inference_mode():
        for name in ("stem", "stage1", "stage2", "stage3", "stage4"):
            x = reference.backbone.get_submodule(name)(x)
            first[name] = x.flatten()[:8]
        maps = reference.head.final_layer(x)
        tokens = reference.head.mlp(maps.flatten(2))
        attended = reference.head.gau(tokens)
    first |= {"final_layer": maps.flatten()[:8], "mlp": tokens.flatten()[:8], "gau": attended.flatten()[:8]}
    for name, values in first.items():
        np.testing.assert_allclose(values, wanted[name]["first8"], atol=1e-4, err_msg=name)


def test_flip_test_is_the_reference_one(reference, images, golden):
    flip = torch.tensor(json.loads(golden("rtmpose.json").read_text())["flip_indices"])
    with np.load(golden("rtmpose_t.npz")) as wanted, torch.inference_mode():
        codec = SimCC((256, 256), aligned=False)
        xy, score = codec.decode(codec.mean(reference(images), codec.flip(reference(images.flip(-1)), flip)))
        np.testing.assert_array_equal(xy, wanted["flip_keypoints"])
        np.testing.assert_allclose(score, wanted["flip_scores"], atol=5e-4)


def test_head_accepts_a_foreign_feature_map():
    model = RTMPose("t", 5, 64)
    features = model.backbone(torch.randn(2, 3, 64, 64)).detach()
    x, y = model.head(features)
    assert x.shape == y.shape == (2, 5, 128)
    (x.sum() + y.sum()).backward()
    assert all(p.grad is None for p in model.backbone.parameters())
    assert all(p.grad is not None for p in model.head.parameters())


def test_input_may_be_taller_than_wide():
    x, y = RTMPose("t", 3, (64, 96)).eval()(torch.zeros(1, 3, 96, 64))
    assert x.shape == (1, 3, 128) and y.shape == (1, 3, 192)


def test_input_size_must_be_a_multiple_of_32():
    with pytest.raises(ConfigError, match="multiple of 32"):
        RTMPose("t", 68, 100)


def test_head_starts_small():
    torch.manual_seed(0)
    head = RTMPose("t", 68).head
    assert float(head.final_layer.weight.detach().std()) == pytest.approx(0.001, rel=0.05)
    assert float(head.cls_x.weight.detach().std()) == pytest.approx(0.01, rel=0.05)
    assert float(head.gau.gamma.detach().min()) >= 0 and float(head.gau.gamma.detach().mean()) > 0.4


def test_batch_norm_has_the_reference_settings():
    norms = [m for m in RTMPose("t", 68).modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == 33
    assert all((norm.eps, norm.momentum) == (1e-5, 0.1) for norm in norms)


def test_an_attention_counts_as_its_two_products():
    """7 queries of 2 heads, 5 keys, 4 and 4 channels; on `meta` it is counted as products, on the CPU as one."""

    class Attention(torch.nn.Module):
        def forward(self, query: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.scaled_dot_product_attention(query, keys, keys)

    for device in ("cpu", "meta"):
        inputs = (torch.zeros(3, 2, length, 4, device=device) for length in (7, 5))
        counted = complexity.macs(Attention(), *inputs)
        assert counted.total() == 3 * 2 * 7 * 5 * (4 + 4)


@pytest.mark.parametrize("pixels", [64, 96, 128])
def test_bf16_gradients_of_the_first_head_layer_are_sound(pixels):
    """oneDNN reads memory that nobody wrote for 7 x 7 kernels on 2 x 2 maps; the head must keep clear of it."""
    torch.manual_seed(0)
    head = RTMPose("t", 68, pixels).head
    features = torch.randn(8, 384, pixels // 32, pixels // 32)
    gradients = []
    for enabled in (False, True, True):
        head.zero_grad()
        # Something else than zeros, where an uninitialised buffer may come from.
        del (junk := [torch.full((1000, 1000), torch.nan) for _ in range(4)])[:]
        assert not junk
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            maps = head.maps(features)
        maps.float().square().sum().backward()
        gradients.append(head.final_layer.weight.grad.clone())
    exact, *fast = gradients
    for gradient in fast:
        assert (gradient - exact).norm() / exact.norm() < 0.02


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (96, 64), (96, 96), (128, 160)])
def test_a_small_map_meets_a_part_of_the_kernel_and_learns_what_all_of_it_would(size):
    torch.manual_seed(0)
    head = RTMPose("t", 5, size).head
    features = torch.randn(3, 384, size[1] // 32, size[0] // 32, requires_grad=True)
    learned = [features, head.final_layer.weight, head.final_layer.bias]
    aim = torch.randn(3, 5, *features.shape[2:])
    ours, whole = head.maps(features), head.final_layer(features)
    torch.testing.assert_close(ours, whole, atol=1e-5, rtol=1e-5)
    wanted = torch.autograd.grad((whole * aim).sum(), learned)
    for gradient, theirs in zip(torch.autograd.grad((ours * aim).sum(), learned), wanted, strict=True):
        torch.testing.assert_close(gradient, theirs, atol=1e-4, rtol=1e-5)
    with torch.no_grad():
        assert torch.equal(head.maps(features), whole)
