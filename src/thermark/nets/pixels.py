"""From 8-bit pixels to what the networks expect."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The statistics that every published RTMPose and Sapiens network was trained with, RGB order.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


def normalised(pixels: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """Turn uint8 images, grey (N, H, W) or RGB (N, H, W, 3), into float32 (N, 3, H, W) in channels_last layout.

    Grey is repeated to three channels before the normalisation.
    """
    images = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
    if images.ndim == 3:
        images = images[..., None]
    mean, std = torch.tensor(MEAN, device=device), torch.tensor(STD, device=device)
    # Broadcasting over the last axis leaves the memory in channels_last order.
    return ((images.float() - mean) / std).permute(0, 3, 1, 2)
