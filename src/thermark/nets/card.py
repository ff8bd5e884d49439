"""A trained network as two files: `model.safetensors`, and `model.json` with all that inference needs to know."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from thermark.core import files
from thermark.core.config import Section, parse
from thermark.core.errors import ConfigError, DataError
from thermark.nets.pixels import MEAN, STD
from thermark.nets.rtmpose import Architecture, RTMPose

CARD, WEIGHTS = "model.json", "model.safetensors"
Triple = tuple[float, float, float]


class ModelCard(Section):
    """What a trained network is, what its input is and where it comes from.

    `points` landmarks of `vocabulary` from a square image of `input_size` pixels that shows `padding` times the
    prompt, normalised by `mean` and `std`; trained on the face sets `trained_on` of `modality`. `val_nme` is the
    validation error of the kept epoch, `best_epoch` (from 1), in units of the prompt's side; None and 0 where it
    is unknown. `teacher` names the run that it was distilled from, `start` the run whose weights it began with,
    empty for random ones; `source` the file of a converted checkpoint. `cropped`: (side in px, times the prompt)
    of the crop that it was shown its input from, as faces are packed; None where it saw the picture itself.
    """

    recipe: str
    objective: str = ""
    size: Architecture
    points: int
    vocabulary: str
    input_size: int
    padding: float
    mean: Triple = MEAN
    std: Triple = STD
    modality: Literal["rgb", "thermal"]
    trained_on: list[str]
    params: int
    seed: int
    precision: Literal["fp32", "bf16"]
    best_epoch: int = 0
    val_nme: float | None = None
    teacher: str = ""
    start: str = ""
    source: str = ""
    cropped: tuple[int, float] | None = None


def write(folder: Path, card: Section, weights: Mapping[str, Tensor], name: str = CARD) -> None:
    """Write weights (float32, plain memory order), and the card as a file `name`, into an existing folder."""
    save_file({key: tensor.contiguous() for key, tensor in weights.items()}, folder / WEIGHTS)
    files.write_json(folder / name, card.model_dump())


def build(card: ModelCard) -> RTMPose:
    """Return the network that a card describes, with random weights."""
    return RTMPose(card.size, card.points, card.input_size)


def read(folder: Path) -> tuple[RTMPose, ModelCard]:
    """Return the network of a folder in evaluation mode, and its card.

    Raises DataError for absent or damaged files and for weights that are not exactly the card's network.
    """
    try:
        card = parse(files.read_json(folder / CARD), ModelCard, f"{folder.name}/{CARD}")
    except FileNotFoundError as error:
        raise DataError(f"{folder} holds no {CARD}", "run `dvc repro` to train the model") from error
    except (ConfigError, ValueError) as error:
        raise DataError(f"{folder}/{CARD} is damaged: {error}", "run `dvc repro` to train again") from error
    model = build(card)
    load_weights(model, folder / WEIGHTS)
    return model.eval(), card


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a safetensors file into a network; raises DataError unless keys and shapes are exactly its own."""
    try:
        stored = load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise DataError(f"cannot read {path}: {error}", "train or fetch the model again") from error
    expected = model.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in stored]
    problems += [f"{name} is unexpected" for name in stored if name not in expected]
    problems += [
        f"{name} is {list(stored[name].shape)}, not {list(expected[name].shape)}"
        for name in expected
        if name in stored and stored[name].shape != expected[name].shape
    ]
    if problems:
        rest = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise DataError(
            f"{path} does not fit the network: {problems[0]}{rest}",
            "take the weights of the same size, number of points and input size",
        )
    model.load_state_dict(stored)
