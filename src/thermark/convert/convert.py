"""An official RTMPose checkpoint (Jiang et al. 2023, arXiv 2303.07399) as a model folder of ours.

What depends neither on the number of points nor on the input size is taken as it is; rows of the final layer may
be selected; the rest starts at random, and is named.
"""

from pathlib import Path
from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor

from thermark import landmarks
from thermark.convert import rows
from thermark.convert.account import Account
from thermark.convert.official import CLASSES, FINAL, MIXING, Official, recognised
from thermark.core import files, seeds
from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.runs import seed_folder
from thermark.nets import card, complexity, state_dict_file
from thermark.nets.card import ModelCard
from thermark.nets.cspnext import Size
from thermark.nets.rtmpose import RTMPose

BY_POINT = FINAL
BY_PIXEL = (MIXING, *CLASSES)


class Config(Section):
    """An imported run's section of params.yaml.

    `checkpoint`: the file, .pth or .safetensors; `size`: what it has to be, null for whatever it is; `rows`: where
    the final layer of the points of `vocabulary` comes from, `same`, `fresh` (random by `seed`) or a file in
    row_maps. The network will see `padding` times the prompt at `input_size` pixels.
    """

    recipe: Literal["imported"]
    checkpoint: str
    size: Size | None = None
    rows: str = "same"
    vocabulary: str = "ibug68"
    input_size: int = 256
    padding: PositiveFloat = 1.25
    seed: int = 0


def convert(config: Config, out: Path, report: Path | None = None) -> Account:
    """Write `out`/seed0/{model.safetensors, model.json}, all or nothing, and the account as JSON into `report`.

    Raises DataError for a checkpoint that is absent, unsafe, damaged, or not the RTMPose that is asked for;
    ConfigError for an unknown vocabulary, unknown rows and an impossible input size.
    """
    path = Path(config.checkpoint)
    points = len(landmarks.load(config.vocabulary))
    official = recognised(state_dict_file.read(path), path.name)
    if config.size not in (None, official.size):
        cause = f"{path.name} is an RTMPose-{official.size}, not an RTMPose-{config.size}"
        raise DataError(cause, f"say size {official.size}, or give another file")
    chosen = rows.selected(config.rows, official.points, points, config.vocabulary)
    network = initial(config, official.size, points)
    weights, origin = assembled(config, official, network, chosen)
    account = Account(
        name=path.name,
        sha256=files.sha256(path),
        size=official.size,
        points=official.points,
        input_size=official.input_size,
        rows=config.rows,
        wanted=points,
        origin=origin,
        ignored=official.ignored,
    )
    with files.fresh_directory(seed_folder(out, 0)) as folder:
        card.write(folder, about(config, account, complexity.parameters(network)), weights)
    if report:
        files.write_json(report, account.content())
    return account


def initial(config: Config, size: Size, points: int) -> RTMPose:
    """Return the network before anything is taken over, random by the seed; ConfigError for the input size."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.integer("initial", config.seed))
        return RTMPose(size, points, config.input_size)


def assembled(
    config: Config, official: Official, network: RTMPose, chosen: list[int] | None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the weights of the network by name, and the origin of each; `chosen` rows, None for random ones."""
    weights: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    resized = official.input_size != (config.input_size, config.input_size)
    for name, initial_weight in network.state_dict().items():
        checkpoint_weight = official.weights.get(name)
        if checkpoint_weight is None or (name in BY_POINT and chosen is None) or (name in BY_PIXEL and resized):
            weights[name], origin[name] = initial_weight, "reinitialised"
        elif name in BY_POINT and config.rows != "same":
            weights[name], origin[name] = checkpoint_weight[chosen], "selected"
        else:
            weights[name], origin[name] = checkpoint_weight, "taken"
    return weights, origin


def about(config: Config, account: Account, params: int) -> ModelCard:
    """Return the card; its source names the parts that are not the checkpoint's."""
    return ModelCard(
        recipe=config.recipe,
        size=account.size,
        points=account.wanted,
        vocabulary=config.vocabulary,
        input_size=config.input_size,
        padding=config.padding,
        modality="rgb",
        trained_on=[],
        params=params,
        seed=config.seed,
        precision="fp32",
        source="; ".join([f"{account.name} sha256:{account.sha256}", *account.notes()]),
    )
