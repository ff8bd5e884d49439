"""Tiny runs on drawn twins: settings, random networks, untrained teachers, the command of the train stage."""

from functools import lru_cache
from pathlib import Path

import torch
import yaml
from torch import Tensor, nn

import drawn_faces
from thermark.nets import card
from thermark.nets.card import ModelCard
from thermark.nets.rtmpose import Architecture, RTMPose

SIDE = 64
TINY = drawn_faces.RUN | {
    "train": "thermal",
    "input_size": SIDE,
    "epochs": 2,
    "batch": 7,
    "threads": 1,
    "precision": "fp32",
    "rate": {"peak": 1e-3, "warmup": 2},
}
# What a run of each recipe must say beside that.
MORE = {
    "supervised": {},
    "pretrain": {"train": "rgb", "extra_data": "rgb"},
    "tuned": {"teacher": "rgb_t", "teacher_data": "thermal"},
    "ktl": {"teacher": "rgb_t", "teacher_data": "rgb"},
    "kd": {"teacher": "rgb_t", "teacher_data": "rgb"},
    "mcl": {"teacher": "thermal_t", "teacher_data": "thermal"},
}
STAGE = Path(__file__).parents[1] / "stages" / "train.py"


def section(recipe: str, **changed) -> dict:
    """Return a run's section of params.yaml."""
    return TINY | MORE[recipe] | {"recipe": recipe} | changed


def untrained(folder: Path, draw: int = 0, **changed) -> Path:
    """Write a random RTMPose, as training would, and a card that says `changed`; return the folder."""
    about = {
        "recipe": "pretrain",
        "size": "t",
        "points": 68,
        "vocabulary": "ibug68",
        "input_size": SIDE,
        "padding": 1.25,
        "modality": "rgb",
        "trained_on": ["elsewhere"],
        "params": 1,
        "seed": 0,
        "precision": "fp32",
    }
    model_card = ModelCard(**(about | changed))
    folder.mkdir(parents=True)
    card.write(folder, model_card, drawn(draw, model_card.size, model_card.points, model_card.input_size))
    return folder


@lru_cache(maxsize=8)
def drawn(draw: int, size: Architecture, points: int, input_size: int) -> dict[str, Tensor]:
    """Return the weights of a random RTMPose: many tests ask for the same, and to draw them takes a while."""
    # Without touching the generator of tests: what they draw may not depend on who asked first.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draw)
        return RTMPose(size, points, input_size).state_dict()


def write_scaled(folder: Path, draw: int = 0, **changed) -> Path:
    """Write a model folder as `untrained` does, with weights under which signals keep their size.

    Fresh weights give logits of 1e-9, where every difference is nothing.
    """
    untrained(folder, draw, **changed)
    net, about = card.read(folder)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(draw)
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.2)
                module.running_mean.normal_(std=0.2)
                module.running_var.uniform_(0.5, 1.5)
    card.write(folder, about, net.state_dict())
    return folder


def teach(models: Path, name: str, *seeds: int, **changed) -> None:
    """Write models/<name>/seed<k>, untrained teachers."""
    for seed in seeds:
        untrained(models / name / f"seed{seed}", 100 + seed, seed=seed, **changed)


def write(root: Path) -> Path:
    """Write root/faces, twins of 10 faces of which 7 are train, and root/models; returns root."""
    drawn_faces.write_pairs(root / "faces", 10, SIDE)
    teach(root / "models", "rgb_t", 0, 1)
    teach(root / "models", "rgb_s", 0, size="s")
    teach(root / "models", "thermal_t", 0, modality="thermal")
    return root


def command(folder: Path, root: Path, recipe: str, **changed) -> list[str]:
    """Write folder/params.yaml and return the arguments with which the stage trains `<recipe>_x` in there."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = {recipe: {"x": section(recipe, **changed)}}
    (folder / "params.yaml").write_text(yaml.safe_dump({"runs": runs}))
    flags = {
        "recipe": recipe,
        "params": f"runs.{recipe}.x",
        "faces": root / "faces",
        "models": root / "models",
        "checkpoint": folder / "states",
        "out": folder / "models" / f"{recipe}_x",
        "history": folder / "training" / f"{recipe}_x.csv",
        "gradients": folder / "gradients" / f"{recipe}_x.csv",
    }
    return [str(STAGE), *(str(word) for name, value in flags.items() for word in (f"--{name}", value))]
