"""One model on the packed crops of prepared face sets."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermark.core import files, geometry
from thermark.core.faces import Crops, Faces, open_set
from thermark.core.geometry import Array
from thermark.core.jitter import Jitter, shift_faces
from thermark.core.packed_images import BASE
from thermark.core.perturbations import BoxPerturbation, perturb_boxes
from thermark.core.predictions import Predictions, file_name
from thermark.core.progress import track
from thermark.core.shards import Shards
from thermark.models.inference.contract import CropModel
from thermark.models.inference.setting import Setting


def predict(
    model: CropModel,
    contestant: str,
    faces: Faces,
    crops: Crops,
    data: str,
    rows: NDArray[np.int64] | None = None,
    batch: int = 64,
    prompts: NDArray[np.float32] | None = None,
) -> Predictions:
    """Run a model on faces, all or those of `rows`; one that it misses, or without a prompt, is a row of NaN.

    `data` is the fingerprint of the face set. One row a face, in the order of `rows`. `prompts` (N, 4): other
    boxes than those of the faces, which the packed crops must hold with the margin that the model crops.
    """
    chosen = np.arange(len(faces), dtype=np.int64) if rows is None else rows
    points, scores = [], []
    starts = range(0, len(chosen), batch)
    for start in track(starts, len(starts), contestant, "batches"):
        part = chosen[start : start + batch]
        pixels, to_source = np.asarray(crops.pixels[part]), crops.to_source[part]
        to_packed = None
        if prompts is not None:
            to_packed = _to_packed(prompts[part], to_source, pixels.shape[1], crops.padding)
        xy, score = model.on_crops(pixels, to_source, crops.padding, to_packed)
        # What is not a finite position is a miss, whatever its score.
        xy = np.where(np.isfinite(xy).all(axis=-1, keepdims=True), xy, np.nan)
        points.append(xy.astype(np.float32))
        scores.append(score.astype(np.float32))
    return Predictions(
        contestant=contestant,
        vocabulary=model.vocabulary,
        box_source="prompt",
        data=data,
        frames=faces.frames[chosen],
        faces=chosen,
        xy=np.concatenate(points),
        score=np.concatenate(scores),
        boxes=(faces.prompts if prompts is None else prompts)[chosen],
        box_score=np.full(len(chosen), np.nan, np.float32),
        trained_on=model.trained_on,
    )


def predict_all(
    model: CropModel,
    contestant: str,
    setting: Setting,
    datasets: Collection[str],
    folder: Path,
    missing: Collection[str],
) -> None:
    """Predict every named face set into the existing `folder`, as <dataset>[@<move>].npz, where that is `missing`.

    Raises DataError for a set that is not prepared.
    """
    for name in datasets:
        variants: dict[str, BoxPerturbation | Jitter | None] = {BASE: None, **setting.moves.get(name, {})}
        named = {file_name(name, variant): move for variant, move in variants.items()}
        todo = {file: move for file, move in named.items() if file in missing}
        if not todo:
            continue
        table, crops = open_set(setting.paths.faces / name)
        data = files.read_json(setting.paths.reports / f"{name}.json")["fingerprint"]
        scored = (table.splits == "test") | (setting.datasets[name] == "all")
        for file, move in todo.items():
            if isinstance(move, Jitter):
                predictions = predict_shifted(model, contestant, table, crops, data, scored, move)
            else:
                prompts = None if move is None else perturb_boxes(table.prompts, table.ids, move)
                rows = np.flatnonzero(scored)
                predictions = predict(model, contestant, table, crops, data, rows, prompts=prompts)
            predictions.save(folder / file)


def predict_shifted(
    model: CropModel,
    contestant: str,
    faces: Faces,
    crops: Crops,
    data: str,
    scored: NDArray[np.bool_],
    jitter: Jitter,
) -> Predictions:
    """Return predictions on shifted images (core/jitter.py); rows and frames are those of the shifted faces.

    An image that moves under a box shows what it shows when the box moves the other way, which packed crops can
    do. They were sampled once, before: spreads are within 7 % of those in frames that are shifted and cropped.
    """
    shifted = shift_faces(faces, scored, jitter)
    steps = shifted.steps.astype(np.float32)
    selected = Crops(Shards((crops.pixels[shifted.rows],)), crops.to_source[shifted.rows], crops.padding)
    prompts = shifted.faces.prompts - np.tile(steps, 2)
    predictions = predict(model, contestant, shifted.faces, selected, data, prompts=prompts)
    return replace(predictions, xy=predictions.xy + steps[:, None], boxes=shifted.faces.prompts)


def _to_packed(prompts: NDArray[np.float32], to_source: Array, size: int, padding: float) -> Array:
    """Return maps (B, 2, 3) from crops of `size` px around these prompts to those that were packed."""
    maps = np.full(to_source.shape, np.nan)
    for row in np.flatnonzero(np.isfinite(to_source).all(axis=(1, 2))):
        around = geometry.crop_to_source(prompts[row], size, padding)
        maps[row] = geometry.compose(geometry.invert(to_source[row]), around)
    return maps
