"""Pictures of faces as they are shown to MediaPipe and to our graphs: turned, scaled, grey, inverted, blurred."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import index_bundles
from thermark.core import geometry, seeds
from thermark.download.resolve import default_store, find_local

Image = NDArray[np.uint8]
FACES = Path(__file__).parent / "golden/facemesh"
RENDERED = ("face_0", "face_1", "face_2")
REAL = tuple(f"{number:06d}" for number in range(0, 100, 5))  # of the hundred public FaceSynthetics pictures

# The models in the wheel of mediapipe 0.10.21: sha256 and bytes.
MODELS = {
    "face_detection_short_range.tflite": (
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        229714,
    ),
    "face_detection_full_range_sparse.tflite": (
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        676746,
    ),
    "face_landmark.tflite": ("1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814", 1242398),
}


def model(name: str) -> Path:
    """Return a model file from the cache, a mirror or the package index; skips the test where there is none."""
    local = find_local(default_store(), *MODELS[name], name)
    return local or index_bundles.fetch_or_skip("mediapipe_wheel").file(name)


def rendered() -> dict[str, Image]:
    """Return every picture made of our rendered faces, by name."""
    faces = {name: picture(FACES / f"{name}.png") for name in RENDERED}
    images = {
        f"{name}/{kind}": image for name, face in faces.items() for kind, image in variants(name, face).items()
    }
    pair = np.concatenate([faces[name][24:232, 40:216] for name in RENDERED[:2]], axis=1)
    return images | {"pair": pair, "nobody": np.full((120, 200, 3), 90, np.uint8)}


def real(name: str, face: Image) -> dict[str, Image]:
    """Return the pictures made of a real one."""
    return {
        f"{name}/{kind}": image for kind, image in variants(name, face).items() if kind in ("plain", "moved_1")
    }


def variants(name: str, face: Image) -> dict[str, Image]:
    """Return a square picture as it is, moved in three ways, without colour, and cut to other shapes."""
    side = face.shape[0]
    moved = {f"moved_{number}": moved_by(face, seeds.rng(0, "shown", name, number)) for number in (1, 2, 3)}
    grey = np.repeat(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)
    return {
        "plain": face,
        **moved,
        "grey": grey,
        "inverted": 255 - grey,
        "blurred": cv2.GaussianBlur(face, (0, 0), side / 100),
        "wide": np.ascontiguousarray(face[side // 6 : side - side // 12]),
        "tall": np.ascontiguousarray(face[:, side // 6 : side - side // 6]),
        "large": cv2.resize(face, (3 * side // 2, 3 * side // 2), interpolation=cv2.INTER_LINEAR),
    }


def moved_by(face: Image, rng: np.random.Generator) -> Image:
    """Return a picture turned by up to 25 degrees, scaled by .6 to 1.6, shifted by up to a tenth of its side."""
    side = face.shape[0]
    turn = geometry.rotation_about((side / 2, side / 2), rng.uniform(-25, 25), rng.uniform(0.6, 1.6))
    turn[:, 2] += rng.uniform(-side / 10, side / 10, 2)
    return cv2.warpAffine(face, turn, (side, side), flags=cv2.INTER_LINEAR)


def picture(path: Path) -> Image:
    """Return a PNG as RGB."""
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])
