"""Which of two public readings of CHARLOTTE's 43 profile points fits the points themselves."""

import numpy as np
from numpy.typing import NDArray

from thermark.datasets.readers.loaded import Check

# The groups of each reading; B's mouth and lips are one group here.
GROUPS = {
    "A": {
        "contour": range(0, 9),
        "brow": range(9, 15),
        "nose": range(15, 22),
        "eye": range(22, 28),
        "mouth": range(28, 40),
        "forehead": range(40, 43),
    },
    "B": {
        "contour": range(0, 12),
        "brow": range(12, 16),
        "nose": range(16, 22),
        "eye": range(22, 27),
        "mouth": range(27, 39),
        "forehead": range(39, 43),
    },
}
FROM_ABOVE = ("brow", "eye", "nose", "mouth")
# Points whose group both readings agree on, and the disputed ones: point -> its group under A, under B.
AGREED = {
    name: [i for i in range(43) if i in GROUPS["A"][name] and i in GROUPS["B"][name]] for name in GROUPS["A"]
}
DISPUTED = {
    point: (a, b)
    for point in range(43)
    for a, one in GROUPS["A"].items()
    for b, other in GROUPS["B"].items()
    if point in one and point in other and a != b
}
LOWER_IS_BETTER = {"spread"}
CLEAR = 0.05  # by how much two figures must differ, as a fraction of the larger, to support a reading
DECIMALS = 6  # so that equal rows give equal figures, whatever the order of summing


def readings(xy: NDArray[np.floating]) -> dict[str, dict[str, float]]:
    """Return for A and B how well they fit profile points (N, 43, 2); no rows give nothing.

    `disputed`: share of the points that only one reading puts into a group, and that lie nearer to that group (to
    its nearest agreed member). `spread`: mean distance of brow, nose, eye, mouth and forehead points from their
    group's middle, in sizes of the face. `in_order`: share of rows with brow above eye above nose above mouth, by
    the groups' middles. `steady`: share of the contour's steps that go on in the contour's vertical direction.
    """
    if not len(xy):
        return {}
    points = xy.astype(np.float64)
    nearer = [
        _gap(points, point, AGREED[one]) < _gap(points, point, AGREED[other])
        for point, (one, other) in DISPUTED.items()
    ]
    share = float(np.mean(nearer))
    disputed = {"A": share, "B": 1 - share}
    return {
        name: {key: round(value, DECIMALS) for key, value in ({"disputed": disputed[name]} | fit).items()}
        for name, fit in ((name, _fit(points, groups)) for name, groups in GROUPS.items())
    }


def fitting(measures: dict[str, dict[str, float]]) -> str:
    """Return `A` or `B`, when the disputed points support it and no other measure contradicts it, else nothing."""
    better = {key: _better(measures["A"][key], measures["B"][key], key) for key in measures["A"]}
    return better["disputed"] if set(better.values()) <= {better["disputed"], ""} else ""


def _better(a: float, b: float, key: str) -> str:
    """Return the reading that a measure favours, or nothing where they hardly differ."""
    if abs(a - b) < CLEAR * max(a, b):
        return ""
    return "A" if (a < b) == (key in LOWER_IS_BETTER) else "B"


def check(measures: dict[str, dict[str, float]], configured: str) -> Check:
    """Return whether the configured reading is the one that `readings` found to fit."""
    fits = fitting(measures)
    shares = " and ".join(
        f"{values['disputed']:.0%} are nearer to {name}'s groups" for name, values in measures.items()
    )
    text = f"reading {fits} fits" if fits else "neither reading fits in every respect"
    expected, text = f"reading {configured} of the 43 points", f"{text}: of the disputed points, {shares}"
    if fits == configured:
        return Check("profile reading", expected, f"{text}; provisional", "ok")
    remedy = f"set profile: {fits} in params.yaml" if fits else "look at profile rows before believing Side"
    return Check("profile reading", expected, text, "warning", remedy)


def _gap(xy: NDArray[np.floating], point: int, group: list[int]) -> NDArray[np.floating]:
    """Return the distance (N,) of a point from the nearest member of a group."""
    gaps: NDArray[np.floating] = np.linalg.norm(xy[:, group] - xy[:, point, None], axis=-1).min(axis=1)
    return gaps


def _fit(xy: NDArray[np.float64], groups: dict[str, range]) -> dict[str, float]:
    middles = {name: xy[:, list(group)].mean(axis=1) for name, group in groups.items()}
    size = np.linalg.norm(np.ptp(xy, axis=1), axis=-1)
    spread = [
        np.linalg.norm(xy[:, list(group)] - middles[name][:, None], axis=-1).mean(axis=1)
        for name, group in groups.items()
        if name != "contour"  # it spans the face whatever it holds
    ]
    heights = np.stack([middles[name][:, 1] for name in FROM_ABOVE], axis=1)
    steps = np.diff(xy[:, list(groups["contour"]), 1], axis=1)
    direction = np.sign(steps.sum(axis=1, keepdims=True))
    return {
        "spread": float(np.mean(np.mean(spread, axis=0) / np.maximum(size, 1e-9))),
        "in_order": float((np.diff(heights, axis=1) > 0).all(axis=1).mean()),
        "steady": float((np.sign(steps) == direction).mean()),
    }
