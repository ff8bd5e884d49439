"""How much the tone mapping decides: the test noses, scored alike on every variant of the pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from thermark.bakeoff import unified
from thermark.bakeoff.inputs import Contestant, Study
from thermark.core.config import parse
from thermark.core.faces import Faces
from thermark.core.pictures import BASE
from thermark.core.predictions import COLUMNS, Predictions
from thermark.core.radiometry import Tone
from thermark.metrics.evaluate import Config, evaluate

Numbers = dict[str, float]


def ablate(each: Contestant, faces: Faces, scoring: Config, dataset: str) -> dict[str, Numbers]:
    """Return variant -> numbers of a contestant on the test faces, that of the pictures as prepared first.

    A variant on which it could not run is absent; whoever sees no variants has nothing.
    """
    if not each.shown:
        return {}
    told = {BASE: each.said} | {name: own for name, own in each.shown.items() if not each.unseen(name)}
    return {name: _numbers(own, faces, scoring, dataset) for name, own in told.items()}


def words(study: Study) -> dict[str, str]:
    """Return variant -> how it shows temperatures, that of the pictures as prepared first."""
    changes: dict[str, Mapping[str, Any]] = {BASE: {}, **study.variants}
    return {name: _words({**study.settings, **changed}, f"{name}.tone") for name, changed in changes.items()}


def _words(settings: Mapping[str, Any], where: str) -> str:
    if settings.get("source") in ("png", "luma"):
        grey = ", in grey" if settings["source"] == "luma" else ""
        return f"the 8-bit picture that comes with the temperatures{grey}"
    tone = parse(settings.get("tone", {}), Tone, where)
    percentiles = f"percentiles {tone.low_percent:g} to {tone.high_percent:g} of each frame"
    return {
        "clip": f"{tone.low:g} to {tone.high:g} °C of every frame",
        "minmax": "the coldest to the warmest pixel of each frame",
        "percentile": percentiles,
        "clahe": f"{percentiles}, then contrast-limited adaptive histogram equalisation",
    }[tone.name]


def _numbers(said: Sequence[Predictions], faces: Faces, scoring: Config, dataset: str) -> Numbers:
    plain = scoring.model_copy(update={"split": "test", "bootstrap": 0})
    return unified.numbers(evaluate(faces, [_of(faces, one) for one in said], plain, dataset).summary)


def _of(faces: Faces, said: Predictions) -> Predictions:
    """Return the predictions on frames that hold a face: variants show others, which the posts count."""
    kept = np.isin(said.frames, faces.frames)
    return replace(said, **{name: getattr(said, name)[kept] for name in COLUMNS})
