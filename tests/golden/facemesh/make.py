"""How the golden vectors of FaceMesh, BlazeFace and BlazePose were made; no test runs this.

`PYTHONPATH=tests python tests/golden/facemesh/make.py MEDIAPIPE_PYTHON RENDERED REAL`

MEDIAPIPE_PYTHON: of an environment with mediapipe 0.10.21; RENDERED: data/raw/tfake/facesynthetics as the default
profile renders it; REAL: a hundred public FaceSynthetics pictures, of which only points are kept. Points are
stored as int16 in 1/50 px, detections as float32 (box, six key points, score).
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

import facemesh_images
from thermark.core import files
from thermark.models.inference import golden_check

HERE = Path(__file__).parent
PICKED = ("000002", "000006", "000009")  # faces to be rendered into face_0, 1, 2.png
KNOWN, KNOWN_SIDE = "000002", 160  # the face of the check at load time
STEPS = 50


def main() -> None:
    python, renders, reals = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    for number, name in enumerate(PICKED):
        small = cv2.resize(cv2.imread(str(renders / f"{name}.png")), (256, 256), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(HERE / f"face_{number}.png"), small)
    arrays = packed(answers(python, facemesh_images.rendered()))
    files.write_arrays(HERE / "rendered.npz", {name: rows for name, rows in arrays.items() if not bodies(name)})
    files.write_arrays(HERE / "bodies.npz", {name: rows for name, rows in arrays.items() if bodies(name)})
    real = {}
    for name in facemesh_images.REAL:
        real |= facemesh_images.real(name, facemesh_images.picture(reals / f"{name}.png"))
    arrays = packed(answers(python, real))
    files.write_arrays(HERE / "real.npz", {name: rows for name, rows in arrays.items() if not bodies(name)})
    known(python, facemesh_images.picture(renders / f"{KNOWN}.png"))


def known(python: str, face: np.ndarray) -> None:
    """Write the package's own picture of a face with its points."""
    small = cv2.resize(face, (KNOWN_SIDE, KNOWN_SIDE), interpolation=cv2.INTER_AREA)
    arrays = answers(python, {"known": small})
    xy = np.full((478, 2), np.nan, np.float32)
    xy[:468] = arrays["known|mesh"][0]
    box = arrays["known|short"][0, :4].astype(np.float32)
    golden_check.FOLDER.mkdir(exist_ok=True)
    files.write_arrays(golden_check.FOLDER / "facemesh.npz", {"picture": small, "box": box, "xy": xy})


def answers(python: str, pictures: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what reference.py says of pictures."""
    with tempfile.TemporaryDirectory() as folder:
        input_path, output_path = Path(folder) / "asked.npz", Path(folder) / "outputs.npz"
        np.savez(input_path, **pictures)
        subprocess.run([python, str(HERE / "reference.py"), str(input_path), str(output_path)], check=True)
        return dict(np.load(output_path))


def bodies(name: str) -> bool:
    """Tell whether an answer is BlazePose's."""
    return name.endswith("body")


def packed(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return answers with small numbers."""
    return {
        name: np.round(rows * STEPS).astype(np.int16) if name.endswith("mesh") else rows.astype(np.float32)
        for name, rows in outputs.items()
    }


if __name__ == "__main__":
    main()
