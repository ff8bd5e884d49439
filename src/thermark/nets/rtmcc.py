"""The RTMCC head of RTMPose: one attention token per landmark, one classification per axis.

Module names, and so the keys of the state_dict, are those of the published checkpoints.
"""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thermark.nets.products import Linear

HIDDEN = 256
EXPANDED = 512
SHARED = 128
KERNEL = 7


class ScaleNorm(nn.Module):
    """g * x / max(|x| / sqrt(d), 1e-5) over the last axis, with one learned g (Nguyen and Salazar 2019)."""

    def __init__(self, width: int):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1))
        self.factor = width**-0.5

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (..., width); float32 also under autocast, for the squares would lose digits."""
        x = x.float()
        gain: Tensor = self.g / (x.norm(dim=-1, keepdim=True) * self.factor).clamp(min=1e-5)
        return x * gain


class ResidualScale(nn.Module):
    """A learned gain per channel on the shortcut."""

    def __init__(self, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (..., width)."""
        return x * self.scale


class GatedAttention(nn.Module):
    """Gated attention unit over the landmark tokens (Hua et al. 2022), without positions or dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(2, SHARED))
        self.beta = nn.Parameter(torch.rand(2, SHARED))
        self.o = Linear(EXPANDED, HIDDEN)
        self.uv = Linear(HIDDEN, 2 * EXPANDED + SHARED)
        self.ln = ScaleNorm(HIDDEN)
        self.res_scale = ResidualScale(HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (N, K, 256)."""
        u, v, base = F.silu(self.uv(self.ln(x))).split([EXPANDED, EXPANDED, SHARED], dim=-1)
        query, key = (base.unsqueeze(-2) * self.gamma + self.beta).unbind(-2)
        attention = F.relu(torch.bmm(query, key.transpose(1, 2)) / sqrt(SHARED)).square()
        # The shortcut is the token itself, not its normalised form.
        mixed: Tensor = self.res_scale(x) + self.o(u * torch.bmm(attention, v))
        return mixed


class RTMCCHead(nn.Module):
    """From a feature map to classification logits over half-pixel bins, for each landmark and axis.

    `channels` is the width of the feature map, `points` the number of landmarks K, `input_size` the (width,
    height) in pixels of the images that the backbone saw. It holds no batch normalisation and no dropout, so
    foreign features may pass through it in training mode.
    """

    def __init__(self, channels: int, points: int, input_size: tuple[int, int], split: int = 2):
        super().__init__()
        width, height = input_size
        cells = (width // 32) * (height // 32)
        self.final_layer = nn.Conv2d(channels, points, KERNEL, padding=KERNEL // 2)
        self.mlp = nn.Sequential(ScaleNorm(cells), Linear(cells, HIDDEN))
        self.gau = GatedAttention()
        self.cls_x = Linear(HIDDEN, width * split)
        self.cls_y = Linear(HIDDEN, height * split)
        self.apply(_initialise)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map features (N, C, H / 32, W / 32) to raw logits (N, K, 2 W) and (N, K, 2 H) along x and y."""
        return self.classify(self.maps(features))

    def classify(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Map one map per landmark (N, K, H / 32, W / 32) to the logits: the part that is equal in all sizes."""
        tokens = self.gau(self.mlp(maps.flatten(2)))
        return self.cls_x(tokens), self.cls_y(tokens)

    def maps(self, features: Tensor) -> Tensor:
        """Map features (N, C, H / 32, W / 32) to one map per landmark (N, K, H / 32, W / 32)."""
        if min(features.shape[-2:]) > 2:
            return self._convolved(features)
        # On a map of 2 x 2, oneDNN's bf16 weight gradient of a 7 x 7 kernel is whatever the memory held before.
        with torch.autocast(features.device.type, enabled=False):
            return self._convolved(features.float())

    def _convolved(self, features: Tensor) -> Tensor:
        """Apply the final convolution; while it learns, only what of its kernel meets the map at all.

        Of 7 x 7 weights, a map of 2 x 2 meets 3 x 3; the others have no gradient, which takes oneDNN long to find.
        """
        layer, size = self.final_layer, features.shape[-2:]
        spare = [max(0, KERNEL // 2 - side + 1) for side in size]
        learns = torch.is_grad_enabled() and layer.weight.requires_grad and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        if not any(spare) or not learns:
            maps: Tensor = layer(features)
            return maps
        rows, columns = (slice(skip, KERNEL - skip) for skip in spare)
        padding = (KERNEL // 2 - spare[0], KERNEL // 2 - spare[1])
        return F.conv2d(features, layer.weight[:, :, rows, columns], layer.bias, padding=padding)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
    elif isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=0.001)
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]
