"""CenterFace (Xu et al. 2019, arXiv 1911.03599): faces with five points on whole frames, through onnxruntime.

Decoding as in Star-Clouds/CenterFace, prj-python/centerface.py: a map of centres, and at each a log size in cells
of 4 px, an offset within the cell and points in fractions of the box, all of them rows first. OpenCV's network is
not used: after a picture of another size it answers with what it remembers of the last (4.14).
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import Field

from thermark.core.errors import DataError
from thermark.models.inference import sessions
from thermark.models.inference.contract import Assets, BundleConfig, Image, Instances, usable
from thermark.models.inference.finder import Finder
from thermark.nets.face_boxes import suppressed

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

POINTS, CELL, STEP = 5, 4, 32  # STEP: what the sides of the input must be multiples of
CHANNELS = (1, 2, 2, 2 * POINTS)  # of the outputs: centres, log sizes, offsets, points
Maps = list[NDArray[np.float32]]
Doubles = NDArray[np.float64]


class Config(BundleConfig):
    """`file` of the bundle `weights`; `threshold` of the score, `nms` of the overlap, both the publisher's."""

    file: str = "centerface.onnx"
    threshold: float = Field(default=0.5, gt=0, le=1)
    nms: float = Field(default=0.3, gt=0, le=1)


def faces(image: Image, net: "InferenceSession", threshold: float, nms: float) -> Instances:
    """Return what the network finds in an RGB image that is enlarged to the next multiple of 32 px."""
    usable(image)
    height, width = image.shape[:2]
    size = np.array([-(-width // STEP), -(-height // STEP)]) * STEP
    boxes, xy, scores = decoded(answered(net, image, (int(size[0]), int(size[1]))), threshold)
    rows = suppressed(boxes, scores, nms)
    scale = np.array([width, height]) / size
    # The map counts from the outline of the picture, in which the first pixel begins at 0; ours at -0.5.
    points = (xy[rows] * scale - 0.5).astype(np.float32)
    box = (boxes[rows] * np.tile(scale, 2) - 0.5).astype(np.float32)
    score = scores[rows].astype(np.float32)
    return Instances(points, np.repeat(score[:, None], POINTS, axis=1), box, score)


def answered(net: "InferenceSession", image: Image, size: tuple[int, int]) -> Maps:
    """Return the maps (C, h, w) of an RGB image at `size` (width, height)."""
    picture = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return [output[0] for output in sessions.run(net, picture.transpose(2, 0, 1)[None].astype(np.float32))]


def decoded(maps: Maps, threshold: float) -> tuple[Doubles, Doubles, Doubles]:
    """Return boxes (M, 4) and points (M, 5, 2) in input px from the outline, and scores (M,), best first."""
    centres, sizes, offsets, points = (np.asarray(value, np.float64) for value in maps)
    rows, columns = np.nonzero(centres[0] > threshold)
    scores = centres[0, rows, columns]
    order = np.argsort(-scores, kind="stable")
    rows, columns, scores = rows[order], columns[order], scores[order]
    size = np.exp(sizes[:, rows, columns].T[:, ::-1]) * CELL
    middle = (np.stack([columns, rows], axis=1) + offsets[:, rows, columns].T[:, ::-1] + 0.5) * CELL
    near = np.clip(middle - size / 2, 0, None)
    fractions = points[:, rows, columns].T.reshape(-1, POINTS, 2)[..., ::-1]
    return np.concatenate([near, near + size], axis=1), fractions * size[:, None] + near[:, None], scores


def load(config: Config, assets: Assets, device: str) -> Finder:
    """Open the network and run it once; raises DataError for a file of something else, SetupError for no GPU."""
    path = assets.weights.file(config.file)
    net = sessions.opened(path, device, content=resizable(path))
    shapes = [output.shape for output in sessions.tried(net, path.name, (2 * STEP, 2 * STEP))]
    if shapes != [(1, channels, 16, 16) for channels in CHANNELS]:
        raise DataError(f"{path.name} answers {shapes}, not as CenterFace", "bring the weights again")
    find = partial(faces, net=net, threshold=config.threshold, nms=config.nms)
    return Finder(find, "tfw5", "centerface", providers={"detector": net.get_providers()})


def resizable(path: Path) -> bytes:
    """Return an ONNX file whose pictures may have any number and size: the published one states ten of 32 px."""
    try:
        model = onnx.load(path)
    except Exception as error:  # whatever protobuf makes of other bytes
        raise DataError(f"{path.name} is no ONNX network", "bring the weights again") from error
    weights = {value.name for value in model.graph.initializer}
    pictures = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(pictures)
    for value in (*model.graph.input, *model.graph.output):
        for place, name in ((0, "batch"), (2, "height"), (3, "width")):
            value.type.tensor_type.shape.dim[place].dim_param = f"{name}_{value.name}"
    return bytes(model.SerializeToString())
