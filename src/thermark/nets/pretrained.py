"""Networks of `transformers` from files that are here: nothing is fetched, and nothing stays random.

transformers itself only warns when a key of its network is not in the file, and goes on with random numbers: a
pose checkpoint in `Sapiens2Backbone` finds none of its keys there.
"""

import os

# transformers reads these once, when imported; so no other module of this package imports it.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers import (
    PreTrainedConfig,
    PreTrainedModel,
    Sapiens2Config,
    Sapiens2ForPoseEstimation,
    Sapiens2HeadConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
)
from transformers.utils import logging

from thermark.core import files
from thermark.core.bundle import Bundle
from thermark.core.errors import DataError, in_one_line

__all__ = [
    "Sapiens2Config",
    "Sapiens2ForPoseEstimation",
    "Sapiens2HeadConfig",
    "VitPoseConfig",
    "VitPoseForPoseEstimation",
    "built",
    "described",
    "require_card",
    "shapes",
]

logging.set_verbosity_error()
logging.disable_progress_bar()

AGAIN = "take the weights of the same network, or remove the file and run `dvc repro` to bring it again"
C = TypeVar("C", bound=PreTrainedConfig)
M = TypeVar("M", bound=PreTrainedModel)


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor in a safetensors file, without reading them.

    Raises DataError for a file that is absent, cut off, longer than stated or of another kind; a pickle is one.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is no whole safetensors file: {error}", AGAIN) from error


def described(path: Path, kind: type[C]) -> C:
    """Return the configuration in a `config.json`; raises DataError when it is none of that `kind`."""
    try:
        content = files.read_json(path)
        if content["model_type"] != kind.model_type:
            raise DataError(f"{path} describes a {content['model_type']}, not a {kind.model_type}", AGAIN)
        return kind.from_dict(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StrictDataclassError) as error:
        raise DataError(f"{path} describes no network: {in_one_line(error)}", AGAIN) from error


def built(kind: type[M], config: PreTrainedConfig, path: Path) -> M:
    """Return the network that `config` describes with the float32 weights of a safetensors file, for inference.

    Original names of tensors are translated by transformers. Raises DataError unless every tensor of the network
    is in the file, with its shape, and nothing else is.
    """
    shapes(path)
    config.transformers_weights = path.name
    loaded: Any = kind.from_pretrained(
        path.parent,
        config=config,
        dtype=torch.float32,
        local_files_only=True,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    model, report = loaded
    problems = [f"{key} is missing" for key in sorted(report["missing_keys"])]
    problems += [f"{key} is unexpected" for key in sorted(report["unexpected_keys"])]
    problems += [f"{key[0]} is {list(key[1])}, not {list(key[2])}" for key in sorted(report["mismatched_keys"])]
    problems += [in_one_line(message) for message in report["error_msgs"]]
    if problems:
        rest = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise DataError(f"{path} does not fit the network: {problems[0]}{rest}", AGAIN)
    return model.eval()  # type: ignore[no-any-return]


def require_card(bundle: Bundle, name: str, expected: Mapping[str, Any]) -> None:
    """Raise DataError where the card of a file states something else than `expected`, or nothing."""
    for key, value in expected.items():
        stated = bundle.cards[name].get(key)
        if stated != value:
            raise DataError(f"the card of {name} states {key} {stated}, the network has {value}", AGAIN)
