"""What networks cost on this machine: parameters, multiply-adds, and the time of one picture on the CPU.

Crops are cut and points are read off alike around all of them, so neither is counted.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from thermark.core import arithmetic
from thermark.core.progress import track
from thermark.core.runs import seed_folder, skipped
from thermark.fewshot.backbones import rtmpose
from thermark.fewshot.backbones import sapiens2 as sapiens2_backbone
from thermark.fewshot.tiny_head import TinyHead
from thermark.nets import card, complexity, pretrained
from thermark.nets.cspnext import CSPNeXt
from thermark.nets.rtmpose import RTMPose
from thermark.report.speed.speed_config import Config
from thermark.report.speed.turns import spread as quartiles
from thermark.train import precision

SIDE = 256  # px of the pictures that frozen backbones see
PATCH = 16
CPU = torch.device("cpu")
RANDOM = "random weights, which change neither size nor time"
Precision = Literal["fp32", "bf16"]
Times = dict[Precision, list[float]]


@dataclass(frozen=True)
class TimedNetwork:
    """A network of square pictures (1, 3, side, side); `note` is a remark on it."""

    net: nn.Module
    side: int
    note: str = ""


class Mapped(nn.Module):
    """A frozen network, and how its feature maps come out of it."""

    def __init__(self, net: nn.Module, maps: Callable[[Tensor], Tensor]):
        super().__init__()
        self.net = net
        self.maps = maps

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images (N, 3, H, W) to features (N, C, h, w)."""
        return self.maps(images)


def measured(config: Config, models: Path, frozen: Mapping[str, TimedNetwork] | None = None) -> dict[str, Any]:
    """Return `machine` and `rows`: what frozen backbones with their heads, and the students in `models`, cost.

    `frozen` are, with the reference first, by default Sapiens2-0.4B and the backbone of RTMPose-s. A student that
    was not trained is left out, and why is printed. Raises DataError for one that is absent or damaged.
    """
    torch.set_num_threads(config.threads)
    learned = students(config, models)
    contestants = {**(large(config) if frozen is None else frozen), **learned}
    for contestant in contestants.values():
        precision.placed(contestant.net, CPU).eval().requires_grad_(False)
    bf16 = precision.resolved(precision.Machine(), CPU) == "bf16"
    exact: tuple[Precision, ...] = ("fp32", "bf16") if bf16 else ("fp32",)
    times = timed(contestants, exact, config.repeats)
    rows = {name: costs(contestant) | spread(times[name]) for name, contestant in contestants.items()}
    reference = next(iter(rows.values()))
    compared = {name: row | factors(reference, row) for name, row in rows.items()}
    return {"machine": machine(exact, config), "rows": compared}


def large(config: Config) -> dict[str, TimedNetwork]:
    """Return the backbones of Sapiens2-0.4B and of RTMPose-s, our teacher, with a head each, of random weights."""
    torch.manual_seed(0)
    points, stages = config.points, config.stages
    vit, teacher = sapiens2(), CSPNeXt("s")
    rtmpose.shorten(teacher, stages)
    maps = Mapped(teacher, partial(rtmpose.features, teacher, stages=stages))
    seen = f"stages {', '.join(map(str, stages))}"
    return {
        "sapiens2_04b+head": TimedNetwork(headed(vit, points), SIDE, RANDOM),
        "rtmpose_s+head": TimedNetwork(headed(maps, points), SIDE, f"{seen}; {RANDOM}"),
    }


def sapiens2_pose() -> pretrained.Sapiens2ForPoseEstimation:
    """Return a random pose network with the backbone of Sapiens2-0.4B, and a small head of its own."""
    config = pretrained.Sapiens2Config(  # type: ignore[call-arg]
        patch_size=PATCH,
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        num_register_tokens=8,
        num_labels=1,
        head_config=pretrained.Sapiens2HeadConfig(upsample_out_channels=[8], conv_out_channels=[8]),
    )
    return pretrained.Sapiens2ForPoseEstimation(config)


def sapiens2() -> "Mapped":
    """Return the backbone of Sapiens2-0.4B, pictures (N, 3, H, W) to features (N, 1024, H / 16, W / 16)."""
    net = sapiens2_pose().model
    return Mapped(net, partial(sapiens2_backbone.features, net))


@torch.inference_mode()
def headed(backbone: nn.Module, points: int) -> nn.Module:
    """Return a backbone with a random TinyHead that fits."""
    channels = backbone.eval()(torch.zeros(1, 3, SIDE, SIDE)).shape[1]
    with torch.inference_mode(mode=False):
        return nn.Sequential(backbone, TinyHead(channels, points))


def students(config: Config, models: Path) -> dict[str, TimedNetwork]:
    """Return each student at the size it was trained for, and at that of the frozen backbones."""
    networks = {}
    for name in config.students:
        if reason := skipped(models / name):
            print(f"{name} was not trained: {reason}")
            continue
        net, network_card = card.read(seed_folder(models / name, 0))
        networks[name] = TimedNetwork(net, network_card.input_size)
        if network_card.input_size != SIDE:
            other = RTMPose(network_card.size, network_card.points, SIDE)
            networks[f"{name}@{SIDE}px"] = TimedNetwork(other, SIDE, RANDOM)
    return networks


@torch.inference_mode()
def timed(contestants: Mapping[str, TimedNetwork], exact: Iterable[Precision], repeats: int) -> dict[str, Times]:
    """Return the milliseconds of each picture by contestant and precision.

    They take turns, so that a busy minute hurts all alike; each has its weights in the caches from a call before.
    """
    images = {
        contestant.side: torch.randn(1, 3, contestant.side, contestant.side) for contestant in contestants.values()
    }
    images = {side: image.to(memory_format=torch.channels_last) for side, image in images.items()}
    times: dict[str, Times] = {name: {how: [] for how in exact} for name in contestants}
    for _ in track(range(repeats), repeats, "speed", "rounds"):
        for name, contestant in contestants.items():
            for how, so_far in times[name].items():
                with precision.autocast(how, CPU):
                    contestant.net(images[contestant.side])
                    start = time.perf_counter()
                    contestant.net(images[contestant.side])
                    so_far.append(1000 * (time.perf_counter() - start))
    return times


def costs(contestant: TimedNetwork) -> dict[str, Any]:
    """Return what does not depend on the machine."""
    counted = complexity.macs(contestant.net, torch.zeros(1, 3, contestant.side, contestant.side))
    return {
        "parameters": complexity.parameters(contestant.net),
        "gmacs": counted.total() / 1e9,
        "input": contestant.side,
        "note": contestant.note,
    }


def spread(times: Times) -> dict[str, float]:
    """Return the median and the quartiles of each precision's times."""
    by_precision = {how: quartiles(values) for how, values in times.items()}
    return {f"{how}_{name}": value for how, numbers in by_precision.items() for name, value in numbers.items()}


def factors(reference: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, float]:
    """Return by what factor a row is smaller and faster than the reference."""
    faster = {
        f"times_faster_{how}": reference[f"{how}_ms"] / row[f"{how}_ms"]
        for how in ("fp32", "bf16")
        if f"{how}_ms" in row
    }
    return {"times_smaller": reference["parameters"] / row["parameters"]} | faster


def machine(exact: Iterable[Precision], config: Config) -> dict[str, Any]:
    """Return what the times depend on."""
    return {
        "cpu": arithmetic.cpu(),
        "cores": os.cpu_count(),
        "threads": config.threads,
        "torch": torch.__version__,
        "precision": list(exact),
        "batch": 1,
        "repeats": config.repeats,
    }
