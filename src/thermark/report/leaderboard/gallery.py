"""A picture of what the numbers mean: the same faces under every contestant, good and bad ones alike."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from thermark.core.faces import Crops, Faces, open_set
from thermark.core.files import read_arrays
from thermark.core.geometry import apply, invert
from thermark.core.predictions import Predictions
from thermark.core.runs import seed_folders
from thermark.landmarks import load, project
from thermark.report.leaderboard.board import Board
from thermark.report.paths import ReportPaths
from thermark.report.results.record import Record
from thermark.report.stage_files import existing
from thermark.report.style import INK, MUTED, REST, Style, bright, figure, save

CELL = 1.75  # inches
CAPTION = 0.2
LEFT, TOP = 0.3, 0.4
FEW_POINTS = 5
Errors = Mapping[str, NDArray[Any]]


def write(
    board: Board,
    paths: ReportPaths,
    out: Path,
    styles: Mapping[str, Style],
    contestants: Sequence[str],
    count: int,
    reference: str,
) -> None:
    """Draw `count` test faces (columns) under those of the `contestants` that ran (rows) into the PNG `out`.

    The faces are chosen along the errors of `reference` (best, evenly spread, worst); without one, or without
    numbers of it on this set, along those of the contestant that ranks first. Of several seeds the first is drawn,
    with its errors. White rings are labels, coloured dots predictions, lines join the two.
    """
    faces, crops = open_set(paths.faces / board.data_set.name)
    shown = [record for record in board.ran if record.contestant in contestants]
    errors = {record.contestant: _errors(record.contestant, board.data_set.name, paths) for record in shown}
    usable = np.isfinite(crops.to_source).all((1, 2))
    leader = reference if reference in errors else next(iter(errors), "")
    chosen = choose(errors[leader], usable, count) if shown else []
    with figure(LEFT + CELL * max(len(chosen), 1), TOP + (CELL + CAPTION) * max(len(shown), 1)) as drawn:
        drawn.set_layout_engine("constrained", w_pad=0.01, h_pad=0.01, wspace=0.0, hspace=0.0)
        grid = drawn.subplots(max(len(shown), 1), max(len(chosen), 1), squeeze=False)
        for row, record in zip(grid, shown, strict=False):
            name, colour = record.contestant, styles[record.contestant].colour
            predictions = Predictions.open(_first(paths.predictions / name, board.data_set.name))
            for axes, face in zip(row, chosen, strict=True):
                _draw_face(axes, crops, face, _points(faces, predictions, face, errors[name]), bright(colour))
                axes.set_xlabel(_caption(errors[name], board.main, face), fontsize=8, labelpad=2)
            row[0].set_ylabel(_row_label(record), color=_readable(colour), fontsize=9, weight="bold", labelpad=5)
        for axes, heading, face in zip(grid[0], _headings(len(chosen)), chosen, strict=False):
            axes.set_title(
                f"{heading}\n{_plain(str(faces.ids[face]))}", fontsize=8, weight="normal", loc="center", pad=4
            )
        for axes in grid.ravel():
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        save(drawn, out, dpi=110)


def _first(predictions: Path, dataset: str) -> Path:
    """Return the predictions of a contestant, of several seeds those of the first."""
    return existing([*seed_folders(predictions), predictions][0] / f"{dataset}.npz")


def _errors(contestant: str, dataset: str, paths: ReportPaths) -> Errors:
    """Return a contestant's per-face errors; `main` is the one that ranks, of several seeds that of the first."""
    stored = read_arrays(existing(paths.errors / contestant / f"{dataset}.npz"))
    return stored | {"main": stored["per_seed"][0]}


def _row_label(record: Record) -> str:
    return _plain(record.contestant) + (f"\nfirst of {record.seeds} seeds" if record.seeds > 1 else "")


def _readable(colour: str) -> str:
    """Return a colour that can be read on white."""
    return MUTED if colour == REST else colour


def choose(errors: Errors, usable: NDArray[np.bool_], count: int) -> list[int]:
    """Return rows of the face set from the least to the greatest `main` error, evenly spread; a miss is the
    greatest.

    `usable` (N,) bool masks faces that have a crop. Ties are broken by the face's id.
    """
    keep = usable[errors["rows"]] & ~np.isnan(errors["main"])
    rows, values, ids = errors["rows"][keep], errors["main"][keep], errors["ids"][keep]
    order = rows[np.lexsort((ids, values))]
    positions = np.unique(np.rint(np.linspace(0, len(order) - 1, min(count, len(order)))).astype(int))
    return [int(order[position]) for position in positions]


def _draw_face(
    axes: Axes, crops: Crops, face: int, points: tuple[NDArray[np.floating], NDArray[np.floating]], colour: str
) -> None:
    inverse = invert(crops.to_source[face])
    truth, dots = (apply(inverse, xy) for xy in points)
    axes.imshow(crops.pixels[face], cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
    few = len(truth) <= FEW_POINTS
    pairs = np.stack([truth, dots], axis=1)
    joined = list(pairs[np.isfinite(pairs).all((1, 2))])
    axes.add_collection(LineCollection(joined, colors=colour, linewidths=0.9))
    halo = [withStroke(linewidth=1.2, foreground=INK)]
    axes.plot(*truth.T, "o", mfc="none", mec="white", mew=0.6, ms=6 if few else 2.6, path_effects=halo)
    axes.plot(*dots.T, "o", color=colour, mec=INK, mew=0.3, ms=4 if few else 2.4)
    if not np.isfinite(dots).any():
        box = {"facecolor": INK, "edgecolor": "none", "pad": 2.5}
        axes.text(
            0.5, 0.08, "no prediction", color="white", ha="center", fontsize=8, bbox=box, transform=axes.transAxes
        )
    _zoom(axes, truth, crops.pixels.shape[1])


def _points(
    faces: Faces, predictions: Predictions, face: int, errors: Errors
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return labels and predictions (K, 2) of a face in source px, translated as they were for scoring."""
    target, versions = str(errors["vocabulary"]), {str(name): str(version) for name, version in errors["bridges"]}
    vocabulary = str(faces.vocabularies[face])
    truth = project(faces.xy[face, : len(load(vocabulary))], vocabulary, target, versions.get(vocabulary))
    # A face that is not scored has no instance among the errors.
    instances = errors["instances"][0][errors["rows"] == face]
    rows = instances[instances >= 0] if len(instances) else np.flatnonzero(predictions.faces == face)
    if not len(rows):
        return truth, np.full_like(truth, np.nan)
    return truth, project(
        predictions.xy[rows[0]], predictions.vocabulary, target, versions.get(predictions.vocabulary)
    )


def _zoom(axes: Axes, truth: NDArray[np.floating], size: int) -> None:
    """Show a square round the labelled points with a margin; one point is shown within the whole crop."""
    low, high = np.nanmin(truth, axis=0), np.nanmax(truth, axis=0)
    side = min(float(np.max(high - low)) * 1.5, size)
    if side < size / 4:
        low, high, side = np.zeros(2), np.full(2, size - 1.0), float(size)
    left, top = np.clip((low + high - side) / 2, -0.5, size - side - 0.5)
    axes.set(xlim=(left, left + side), ylim=(top + side, top))


def _caption(errors: Errors, main: str, face: int) -> str:
    value = errors["main"][errors["rows"] == face]
    if not len(value) or np.isnan(value[0]):
        return "not scored"
    if np.isinf(value[0]):
        return "missed"
    return f"{value[0]:.1f} px" if main == "error_px_mean" else f"NME {100 * value[0]:.1f} %"


def _headings(count: int) -> Sequence[str]:
    names = [f"{100 * index / max(count - 1, 1):.0f} %" for index in range(count)]
    if count > 1:
        names[0], names[-1] = "best", "worst"
    if count % 2 and count > 2:
        names[count // 2] = "median"
    return names


def _plain(name: str, length: int = 26) -> str:
    """Return a name of bearable length that matplotlib does not take for mathematics."""
    return (name if len(name) <= length else f"…{name[1 - length :]}").replace("$", r"\$")
