"""What exactly comes out of each family's backbone: the map that its own head is given."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import tiny_runs
import tolerances
from thermark.core import bundle, files
from thermark.core.errors import ConfigError, DataError
from thermark.fewshot.backbone import Backbone, load
from thermark.fewshot.backbones import rtmpose
from thermark.nets import card
from tiny_runs import untrained

CARD = {"channels": "rgb", "face_sets": []}


def described(folder: Path, *names: str) -> bundle.Bundle:
    bundle.write(folder, "ok", "", dict.fromkeys(names, CARD))
    return bundle.read(folder)


def teacher(folder: Path, **settings) -> Backbone:
    section = {"family": "rtmpose", "weights": "w", "dtype": "float32"} | settings
    return load("x", section, described(folder, "model.safetensors", "model.json"), "cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return tiny_runs.write_scaled(tmp_path_factory.mktemp("run") / "t")


def noise(count: int, height: int, width: int, draw: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(draw))


def test_the_last_stage_is_what_the_head_of_the_run_is_given(run):
    net, _ = card.read(run)
    images = noise(2, 96, 96)
    with torch.inference_mode():
        wanted = net.backbone(images)
    assert wanted.std() > 0.1
    tolerances.assert_same(teacher(run, stages=[4]).forward(images), wanted)


def test_stages_lie_side_by_side_on_the_finest_grid(run):
    images = noise(1, 64, 96)
    every = teacher(run, stages=[1, 2, 3, 4]).forward(images)
    assert every.shape == (1, 48 + 96 + 192 + 384, 16, 24)
    begin = 0
    for stage, width in zip((1, 2, 3, 4), (48, 96, 192, 384), strict=True):
        alone = teacher(run, stages=[stage]).forward(images)
        assert alone.shape == (1, width, 64 >> stage + 1, 96 >> stage + 1)
        step = 2 ** (stage - 1)
        tolerances.assert_same(every[:, begin : begin + width, ::step, ::step], alone)
        begin += width


def test_sizes_of_the_default(tmp_path):
    untrained(tmp_path / "s", size="s", input_size=256)
    images = np.zeros((1, 256, 256), np.uint8)
    for settings, shape in (({}, (768, 16, 16)), ({"stages": [3]}, (256, 16, 16)), ({"stages": [4]}, (512, 8, 8))):
        one = teacher(tmp_path / "s", **settings)
        assert tuple(one(images).shape[1:]) == (one.channels, *shape[1:]) == shape


@pytest.mark.parametrize("times", [2, 4, 8])
def test_finer_puts_cells_back_where_convolutions_took_them_from(times):
    """Convolutions of stride 2 that average around them keep a ramp's values at their own places."""
    fine = torch.arange(64.0).expand(1, 1, 64, 64) + 100 * torch.arange(64.0)[:, None]
    coarse = fine
    for _ in range(times.bit_length() - 1):
        coarse = F.conv2d(coarse, torch.full((1, 1, 3, 3), 1 / 9), stride=2, padding=1)
    again = rtmpose.finer(coarse, times)
    assert again.shape == fine.shape
    # Behind the last cell maps go on as they end, and the averages at the border see the padding.
    inner = slice(2 * times, 64 - 2 * times)
    torch.testing.assert_close(again[..., inner, inner], fine[..., inner, inner], rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(again[..., -times:, 0], coarse[..., -1:, 0].expand(1, 1, times))


def test_once_finer_is_the_same():
    maps = noise(1, 5, 7)
    assert torch.equal(rtmpose.finer(maps, 1), maps)


@pytest.mark.parametrize("stages", [[], [4, 3], [3, 3], [0], [5]])
def test_stages_ascend(run, stages):
    with pytest.raises(ConfigError, match="stages"):
        teacher(run, stages=stages)


def test_runs_that_have_no_such_stages_or_other_pixels_are_refused(run, tmp_path):
    untrained(tmp_path / "mobile", size="mobilenet_v2")
    with pytest.raises(DataError, match="is no CSPNeXt"):
        teacher(tmp_path / "mobile")
    untrained(tmp_path / "other", mean=(0.0, 0.0, 0.0))
    with pytest.raises(DataError, match="other statistics"):
        teacher(tmp_path / "other")
    with pytest.raises(ConfigError, match="file"):
        teacher(run, file="model.json")


@pytest.fixture(scope="module")
def net():
    return import_module("tiny_transformers").sapiens2()


@pytest.fixture(scope="module")
def one(net, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sapiens2")
    net.save_pretrained(folder)
    settings = {"family": "sapiens2", "weights": "w", "dtype": "float32"}
    return load("x", settings, described(folder, "model.safetensors", "config.json"), "cpu")


@pytest.mark.slow  # transformers takes ten seconds to import
class TestSapiens2:
    @pytest.mark.parametrize("size", [(64, 64), (64, 48), (32, 96)])
    def test_with_the_own_head_it_is_the_pose_network(self, net, one, size):
        images = noise(2, *size)
        with torch.inference_mode():
            wanted, maps = net(images).heatmaps, one.forward(images)
            assert maps.shape == (2, 32, size[0] // 16, size[1] // 16) and wanted.std() > 0.1
            tolerances.assert_same(net.decode_head(maps), wanted)
            # And no other output of it would do.
            assert not torch.allclose(net.decode_head(maps.flip(-1)), wanted, atol=1e-2)

    def test_it_is_the_last_state_after_the_norm(self, net, one):
        images = noise(1, 32, 48)
        with torch.no_grad():
            tokens, maps = net.model(images).last_hidden_state[0], one.forward(images)[0]
        assert len(tokens) == 1 + 3 + 2 * 3
        for row in range(2):
            for column in range(3):
                tolerances.assert_same(maps[:, row, column], tokens[4 + 3 * row + column])
        # A root mean square norm with its weight, undone: each token has unit power.
        power = (maps / net.model.norm.weight.detach()[:, None, None]).square().mean(dim=0)
        torch.testing.assert_close(power, torch.ones(2, 3), rtol=1e-3, atol=1e-3)

    def test_pictures_are_whole_patches(self, one):
        with pytest.raises(DataError, match="40 x 40 px are no whole patches of 16 px"):
            one(np.zeros((1, 40, 40), np.uint8))


@pytest.mark.slow
class TestVitPose:
    def made(self, folder, points, experts, **settings):
        net = import_module("tiny_transformers").vitpose(points, experts)
        net.save_pretrained(folder)
        section = {"family": "vitpose", "weights": "w", "dtype": "float32"} | settings
        return net, load("x", section, described(folder, "model.safetensors", "config.json"), "cpu")

    @pytest.mark.parametrize("points", [17, 133])
    @pytest.mark.parametrize("expert", [0, 5])
    def test_with_the_own_head_it_is_the_pose_network(self, tmp_path, points, expert):
        net, one = self.made(tmp_path, points, 6, expert=expert)
        images = noise(2, 64, 48)
        with torch.inference_mode():
            wanted = net(images, dataset_index=torch.full((2,), expert)).heatmaps
            assert wanted.std() > 0.1 and wanted.shape[1] == points
            tolerances.assert_same(net.head(one.forward(images)), wanted)
            other = net(images, dataset_index=torch.full((2,), 5 - expert)).heatmaps
            assert not torch.allclose(other, wanted, atol=1e-3)

    def test_square_pictures_are_squeezed(self, tmp_path):
        """A ramp keeps its values at their places: column i of 48 lies at (i + 0.5) 64 / 48 - 0.5 of 64."""
        net, one = self.made(tmp_path, 17, 1)
        ramp = torch.arange(64.0) / 10
        narrow = ((torch.arange(48.0) + 0.5) * 64 / 48 - 0.5) / 10
        with torch.inference_mode():
            maps = one.forward(ramp.expand(1, 3, 64, 64))
            wanted = net.backbone(narrow.expand(1, 3, 64, 48)).feature_maps[-1]
        assert maps.shape == (1, 32, 4, 3)
        # The outermost columns of a resized picture have no neighbours to lean on.
        torch.testing.assert_close(maps.flatten(2).transpose(1, 2), wanted, rtol=0.02, atol=0.02)

    def test_an_expert_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(DataError, match="has 6 experts"):
            self.made(tmp_path, 17, 6, expert=6)
        self.made(tmp_path / "plain", 17, 1, expert=6)


def test_the_hash_is_that_of_the_weights(run):
    assert teacher(run).sha256 == files.sha256(run / "model.safetensors")
