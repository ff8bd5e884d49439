"""OpenSeeFace's landmark networks (emilianavt, BSD-2-Clause): 66 points in a box that it is given.

Source: tracker.py of emilianavt/OpenSeeFace, `preprocess`, `predict` and `landmarks`. The picture of the face, 1.2
widths by 1.25 heights of its box, is stretched to a square, as for the faces that its tracker follows. Two things
differ: what lies outside of the frame is black, where the tracker cuts the crop and stretches the rest; and places
in the crop are moved to the frame as pixels are, where the tracker's own are up to half a pixel of either aside.
"""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from thermark.core.errors import DataError
from thermark.models.inference import sessions
from thermark.models.inference.contract import Assets, BundleConfig
from thermark.models.inference.cropped import Cropped
from thermark.nets.pixels import normalised

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

SIZE, CELLS, POINTS = 224, 28, 66
PAD = (1.2, 1.25)  # widths and heights of the box
SHARPNESS = 16  # offsets are logits divided by it, in sides of the crop
SMALLEST = 1e-7  # of a probability, before its logit


class Config(BundleConfig):
    """`file` of the bundle `weights`; `threads`: of onnxruntime, in native arithmetic."""

    file: str = "lm_model3_opt.onnx"
    threads: PositiveInt = 2


def load(config: Config, assets: Assets, device: str) -> Cropped:
    """Open the network and run it once; raises DataError for a file of something else, SetupError for no GPU."""
    path = assets.weights.file(config.file)
    net = sessions.opened(path, device, config.threads)
    shapes = [output.shape for output in sessions.tried(net, path.name, (SIZE, SIZE))]
    if shapes != [(1, 3 * POINTS, CELLS, CELLS)]:
        raise DataError(
            f"{path.name} answers {shapes}, not as OpenSeeFace's models 0 to 4", "bring the weights again"
        )
    ran_on = {"landmarks": net.get_providers()}
    return Cropped(partial(located, net=net), SIZE, PAD, POINTS, "openseeface66", providers=ran_on)


def located(crops: NDArray[np.uint8], net: "InferenceSession") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points (N, 66, 2) in fractions of RGB crops (N, 224, 224, 3), and scores (N, 66)."""
    inputs = np.ascontiguousarray(normalised(crops).numpy())
    return decoded(sessions.run(net, inputs)[0])


def decoded(maps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points (N, 66, 2) in fractions of the crop from its outline, and scores (N, 66), the maxima.

    `maps` (N, 198, 28, 28): of each point how probable each cell is, and then the offsets from it downwards and to
    the right as probabilities. The first and last cells lie on the first and last pixels of the crop. A point of
    which the numbers are not finite is NaN.
    """
    values = np.asarray(maps, np.float64).reshape(len(maps), 3, POINTS, CELLS * CELLS)
    place = values[:, 0].argmax(axis=-1)
    score, *offsets = np.moveaxis(np.take_along_axis(values, place[:, None, :, None], axis=-1)[..., 0], 1, 0)
    probable = np.clip(np.stack(offsets[::-1], axis=-1), SMALLEST, 1 - SMALLEST)
    cells = np.stack([place % CELLS, place // CELLS], axis=-1)
    pixels = (SIZE - 1) * (cells / (CELLS - 1) + np.log(probable / (1 - probable)) / SHARPNESS)
    pixels[~np.isfinite(score)] = np.nan
    return (pixels + 0.5) / SIZE, score
