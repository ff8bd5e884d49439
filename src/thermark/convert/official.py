"""Which RTMPose a state_dict belongs to, by its names and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from thermark.core.errors import DataError
from thermark.nets.cspnext import CHANNELS, SCALES, SIZES, STRIDE, Size
from thermark.nets.rtmpose import RTMPose

STEM = "backbone.stem.0.conv.weight"
FINAL = ("head.final_layer.weight", "head.final_layer.bias")
MIXING = "head.mlp.1.weight"
CLASSES = ("head.cls_x.weight", "head.cls_y.weight")
# What tells an RTMCC head from the heat-map and classification heads that pre-trained backbones come with.
RTMCC = ("head.mlp.", "head.gau.", "head.cls_x.", "head.cls_y.")


@dataclass(frozen=True)
class Official:
    """An RTMPose of known `size`, float32 on the CPU: its backbone, and its head unless it came with another kind.

    `points` is the head's number of landmarks and `input_size` the (width, height) in pixels that it expects; both
    are None without a head. `ignored` names what else the file held.
    """

    weights: dict[str, Tensor]
    size: Size
    points: int | None
    input_size: tuple[int, int] | None
    ignored: list[str]


def recognised(stored: Mapping[str, Any], name: str) -> Official:
    """Return the RTMPose that the entries `stored` of the file `name` are.

    Raises DataError for weights that are missing, unexpected, of a wrong shape or type, or not finite.
    """
    headed = any(key.startswith(RTMCC) for key in stored)
    parts = ("backbone.", "head.") if headed else ("backbone.",)
    held = {key: value for key, value in stored.items() if key.startswith(parts)}
    size = _size(_shape(held, STEM, 4, name)[0], name)
    points, input_size = _layout(held, name) if headed else (None, None)
    with torch.device("meta"):
        model = RTMPose(size, points or 1, input_size or STRIDE)
    _check(held, model if headed else nn.ModuleDict({"backbone": model.backbone}), size, name)
    weights = {key: _plain(value) for key, value in held.items()}
    return Official(weights, size, points, input_size, [key for key in stored if key not in held])


def _shape(held: Mapping[str, Any], key: str, dimensions: int, name: str) -> torch.Size:
    """Return the shape of a tensor that must be there."""
    value = held.get(key)
    if not isinstance(value, Tensor) or value.is_nested or value.ndim != dimensions:
        state = "has no" if value is None else "has another kind of"
        raise DataError(f"{name} {state} {key}", "give an RTMPose checkpoint, or a CSPNeXt-P5 backbone")
    return value.shape


def _size(width: int, name: str) -> Size:
    """Return the size whose first convolution has `width` outputs."""
    widths: dict[int, Size] = {int(CHANNELS[0] * SCALES[size][1]) // 2: size for size in SIZES}
    if width not in widths:
        sizes = ", ".join(f"{size} {channels}" for channels, size in widths.items())
        raise DataError(f"{name} starts with {width} channels, no RTMPose does", f"the sizes have: {sizes}")
    return widths[width]


def _layout(held: Mapping[str, Any], name: str) -> tuple[int, tuple[int, int]]:
    """Return K and the (width, height) of the input: a landmark has a map of its cells and two bins a pixel."""
    points = _shape(held, FINAL[0], 4, name)[0]
    cells = _shape(held, MIXING, 2, name)[1]
    width, height = (_shape(held, key, 2, name)[0] // 2 for key in CLASSES)
    if width % STRIDE or height % STRIDE or not points or not cells or cells * STRIDE**2 != width * height:
        raise DataError(
            f"{name} has {2 * width} x {2 * height} bins for maps of {cells} cells",
            f"give a model with two bins a pixel and a map at 1 / {STRIDE}",
        )
    return points, (width, height)


def _check(held: Mapping[str, Any], network: nn.Module, size: Size, name: str) -> None:
    """Raise DataError, with the first three reasons, unless the entries are exactly the weights of a network."""
    expected = network.state_dict()
    problems = [f"{key} is missing" for key in expected if key not in held]
    problems += [f"{key} is unexpected" for key in held if key not in expected]
    problems += [f"{key} {flaw}" for key in expected if key in held and (flaw := _flaw(held[key], expected[key]))]
    if problems:
        rest = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise DataError(
            f"{name} is no RTMPose-{size}: {'; '.join(problems[:3])}{rest}",
            "give an RTMPose checkpoint, or a CSPNeXt-P5 backbone",
        )


def _flaw(value: Any, like: Tensor) -> str:
    """Return what is wrong with a stored entry that is to replace the tensor `like`, or nothing."""
    if not isinstance(value, Tensor) or value.is_nested or value.layout != torch.strided or value.is_meta:
        return "is no plain tensor"
    if value.shape != like.shape:
        return f"is {list(value.shape)}, not {list(like.shape)}"
    if value.is_floating_point() != like.is_floating_point() or value.is_quantized:
        return f"holds {str(value.dtype).removeprefix('torch.')}"
    return "" if value.isfinite().all() else "is not finite"


def _plain(value: Tensor) -> Tensor:
    return value.detach().to(torch.float32 if value.is_floating_point() else torch.int64).contiguous()
