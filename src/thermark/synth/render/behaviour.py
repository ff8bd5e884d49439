"""What faces do before a camera: where they turn and how they talk, laugh, yawn and doze, unevenly.

Angles: half of the people look about ahead, the rest anywhere to 70 degrees of yaw, 30 of pitch and roll. Healthy
adults open their mouth by 40-60 mm between the teeth at most, which is `jaw` 1.5 here; speech opens it 5-15 mm. A
yawn narrows or closes the eyes. Smiles lean by some ten per cent, in a third of people by far more.
"""

from typing import Any

import numpy as np
from numpy.random import Generator

from thermark.synth.render.person import Pose

_MOODS = ("calm", "talk", "smile", "laugh", "yawn", "doze", "grimace")
_ODDS = (0.26, 0.26, 0.14, 0.09, 0.11, 0.05, 0.09)


def sample_face(rng: Generator, position: tuple[float, float, float]) -> Pose:
    """Draw a pose with wide angles and one of seven moods; a doze or a yawn shuts the eyes."""
    ahead = rng.random() < 0.5
    yaw = float(np.clip(rng.normal(0, 12), -35, 35)) if ahead else float(rng.uniform(-70, 70))
    pitch = float(np.clip(rng.normal(0, 8), -30, 30)) if rng.random() < 0.7 else float(rng.uniform(-30, 30))
    roll = float(np.clip(rng.normal(0, 7), -30, 30)) if rng.random() < 0.75 else float(rng.uniform(-30, 30))
    mood = _MOODS[int(rng.choice(len(_MOODS), p=_ODDS))]
    does = _mood(mood, rng)
    shut = does.pop("shut", None)
    lids = float(rng.uniform(*shut)) if shut else _lids(rng)
    wink = float(rng.uniform(0.1, 0.7)) if rng.random() < 0.06 else float(abs(rng.normal(0, 0.03)))
    right, left = (lids, lids + wink) if rng.random() < 0.5 else (lids + wink, lids)
    gaze = np.clip(rng.normal(0, 10, 2), -26, 26)
    return Pose(
        position=position,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        body_yaw=0.35 * yaw + float(rng.normal(0, 7)),
        blink=(min(right, 1.0), min(left, 1.0)),
        gaze=(float(gaze[0]), float(gaze[1] * 0.6)),
        breath=float(rng.uniform(-np.pi, np.pi)),
        lean=float(np.clip(rng.normal(0, 0.45 if rng.random() < 0.3 else 0.12), -1, 1)),
        **does,
    )


def _lids(rng: Generator) -> float:
    return float(rng.uniform(0.85, 1.0)) if rng.random() < 0.08 else float(0.02 + 0.6 * rng.beta(1.4, 5))


def _mood(mood: str, rng: Generator) -> dict[str, Any]:
    """Return the strengths of muscles, and under `shut` the range of closed lids if they close."""
    brow = float(rng.uniform(0.2, 1.0)) if rng.random() < 0.25 else 0.0
    frown = float(rng.uniform(0.2, 1.0)) if not brow and rng.random() < 0.2 else 0.0
    low = {"brow_raise": brow, "frown": frown}
    if mood == "talk":
        rounded = rng.random() < 0.35
        spread = 0.0 if rounded else float(rng.uniform(0, 0.5) ** 1.5)
        pucker = float(rng.uniform(0.15, 0.9)) if rounded else 0.0
        return low | {"jaw": float(rng.uniform(0.02, 0.55)), "pucker": pucker, "smile": spread}
    if mood == "smile":
        return low | {"smile": float(rng.uniform(0.25, 1.0)), "jaw": float(rng.uniform(0, 0.2) ** 1.3)}
    if mood == "laugh":
        return low | {
            "smile": float(rng.uniform(0.5, 1.0)),
            "jaw": float(rng.uniform(0.25, 0.8)),
            "shut": (0.1, 0.7),
        }
    if mood == "yawn":
        wide = float(rng.uniform(0.75, 1.5))
        pucker = float(rng.uniform(0, 0.45))
        return {"jaw": wide, "pucker": pucker, "brow_raise": brow, "frown": 0.5 * frown, "shut": (0.35, 1.0)}
    if mood == "doze":
        return {"jaw": float(rng.uniform(0, 0.25)), "shut": (0.8, 1.0)}
    if mood == "grimace":
        return low | {"pucker": float(rng.uniform(0.2, 1.0)) if rng.random() < 0.5 else 0.0, "shut": (0.2, 0.9)}
    return low
