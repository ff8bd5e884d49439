"""A contact sheet of a T-FAKE tree: RGB, warm, cold and segmentation of the same heads."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pydantic import PositiveInt

from thermark.core.config import Section
from thermark.core.errors import DataError
from thermark.core.radiometry import linear_celsius
from thermark.report.style import MUTED, figure, save

COLD, HOT = 20.0, 40.0  # T-FAKE's uint16 stands for these degrees Celsius
CELL = 1.55  # inches
ROWS = ("RGB", "thermal, warm room", "thermal, cold room", "segmentation")
# FaceSynthetics' 19 classes: background, skin, nose, eyes, brows, ears, mouth, lips, neck, hair, beard, ...
CLASSES = ListedColormap(
    [
        "#F2F2F2",
        "#E8B796",
        "#D98E73",
        "#3B6FB6",
        "#3B6FB6",
        "#5B3A29",
        "#5B3A29",
        "#C98B6B",
        "#C98B6B",
        "#7A1F2B",
        "#B5485A",
        "#B5485A",
        "#DDA98A",
        "#4A3728",
        "#6E5544",
        "#5F7A8A",
        "#2E2E2E",
        "#8A6FA8",
        "#9AA0A6",
    ]
)


class Config(Section):
    """`count`: columns."""

    count: PositiveInt = 8


def write(root: Path, out: Path, config: Config) -> None:
    """Draw `count` heads of the raw tree `root`, evenly spread over its ids, into the PNG `out`.

    The tree holds facesynthetics/{id}.png and {id}_seg.png, warm/{id}_thermal.png and cold/{id}_thermal.png.
    Raises DataError when a file is missing or unreadable.
    """
    ids = sorted(path.stem.removesuffix("_thermal") for path in (root / "warm").glob("*_thermal.png"))
    if not ids:
        raise DataError(f"{root / 'warm'} holds no *_thermal.png", "run `dvc repro`, which renders or fetches it")
    chosen = [
        ids[index] for index in np.unique(np.linspace(0, len(ids) - 1, min(config.count, len(ids))).astype(int))
    ]
    with figure(CELL * len(chosen) + 0.9, CELL * len(ROWS) + 0.3) as drawn:
        drawn.set_layout_engine("constrained", w_pad=0.012, h_pad=0.012, wspace=0.0, hspace=0.0)
        grid = drawn.subplots(len(ROWS), len(chosen), squeeze=False)
        for column, name in zip(grid.T, chosen, strict=True):
            _draw(column, root, name)
        for axes, label in zip(grid[:, 0], ROWS, strict=True):
            axes.set_ylabel(label, fontsize=8)
        for axes in grid.ravel():
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        _scale(drawn, grid)
        save(drawn, out, dpi=130)


def _draw(column: NDArray[Any], root: Path, name: str) -> None:
    rgb = _read(root / "facesynthetics" / f"{name}.png", cv2.IMREAD_COLOR)[..., ::-1]
    column[0].imshow(rgb, interpolation="antialiased")
    column[0].set_title(name, fontsize=7, weight="normal", loc="center", pad=3, color=MUTED)
    for axes, room in zip(column[1:3], ("warm", "cold"), strict=True):
        raw = _read(root / room / f"{name}_thermal.png", cv2.IMREAD_UNCHANGED)
        celsius = linear_celsius(raw, (HOT - COLD) / 65535, COLD)
        axes.imshow(celsius, cmap="inferno", vmin=COLD, vmax=HOT, interpolation="antialiased")
    classes = _read(root / "facesynthetics" / f"{name}_seg.png", cv2.IMREAD_UNCHANGED)
    column[3].imshow(np.minimum(classes, 18), cmap=CLASSES, vmin=0, vmax=18, interpolation="nearest")


def _scale(drawn: Figure, grid: NDArray[Any]) -> None:
    """Add the colour bar of degrees Celsius beside the two thermal rows."""
    bar = drawn.colorbar(
        grid[1, -1].images[0], ax=grid[1:3, -1].tolist(), aspect=30, pad=0.04, ticks=[20, 25, 30, 35, 40]
    )
    bar.outline.set_visible(False)
    bar.ax.set_yticklabels(["20", "25", "30", "35", "40 °C"], fontsize=7)


def _read(path: Path, flag: int) -> NDArray[Any]:
    image = cv2.imread(str(path), flag)
    if image is None:
        raise DataError(f"{path} is missing or unreadable", "render or fetch the data set again")
    return image
