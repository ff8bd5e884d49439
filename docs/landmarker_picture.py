"""Draw what the shipped landmarker finds on rendered frames, for the README: no picture of a person.

`python docs/landmarker_picture.py --out docs/landmarker.png [--weights FOLDER]`
"""

import thermark  # noqa: F401  # isort: skip  (before numpy and cv2, which read its switches once)

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from thermark.landmarker import overlay
from thermark.landmarker.landmarker import Landmarker
from thermark.synth.writers import cameras

# Frames of the renderer that the networks learned from, by a seed that they did not see.
SEED = 2026
FRAMES = (0, 1, 2)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    find = Landmarker(options.weights, threads=1)
    with TemporaryDirectory() as folder:
        raw = Path(folder) / "cameras"
        cameras.write(raw, cameras.Config(seed=SEED, count=max(FRAMES) + 1, visible=False))
        shown = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted((raw / "thermal").iterdir())]
    row = np.concatenate([overlay.drawn(shown[number], find(shown[number])) for number in FRAMES], axis=1)
    cv2.imwrite(str(options.out), row[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
