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

# Frames of the renderer that the networks learned from, by a seed that they did not see. In the last they fail: a
# face behind a hand has wrong points, and another is found in the hand.
SEED = 2026
FRAMES = ((7, 41), (28, 29))


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    find = Landmarker(options.weights, threads=1)
    with TemporaryDirectory() as folder:
        raw = Path(folder) / "cameras"
        cameras.write(raw, cameras.Config(seed=SEED, count=max(map(max, FRAMES)) + 1, visible=False))
        frames = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted((raw / "thermal").iterdir())]
    drawn = [[overlay.drawn(frames[number], find(frames[number])) for number in row] for row in FRAMES]
    picture = np.concatenate([np.concatenate(row, axis=1) for row in drawn])
    cv2.imwrite(str(options.out), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
