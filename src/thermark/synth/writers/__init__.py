"""Writers of the embedded data in the on-disk layouts of the real data sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LOW, HIGH = 20.0, 40.0  # deg C that T-FAKE's 0 and 65535 stand for
STEP = 32  # 0.01 deg C, below the noise of any camera: the files are half as large as with all 16 bits


@dataclass(frozen=True)
class Shot:
    """One picture: its number names its files under `root` and seeds its generators."""

    number: int
    root: Path

    @property
    def name(self) -> str:
        """The number as it stands in file names."""
        return f"{self.number:06d}"


def write_image(path: Path, image: NDArray[Any]) -> None:
    """Write a PNG, TIFF or JPEG of any depth; three channels are RGB. Raises OSError when it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = image[..., ::-1] if image.ndim == 3 else image
    done, data = cv2.imencode(path.suffix, np.ascontiguousarray(stored))
    if not done:
        raise OSError(f"cannot encode {path.name}")
    path.write_bytes(data.tobytes())


def grey(celsius: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the 8-bit picture that a thermal camera shows: the frame's own range, stretched."""
    low, high = float(celsius.min()), float(celsius.max())
    picture: NDArray[np.uint8] = np.rint((celsius - low) / max(high - low, 1e-6) * 255).astype(np.uint8)
    return picture


def stored(celsius: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return deg C as 16 bits over 20..40, in steps of 0.01; what is colder or warmer is clipped."""
    share = (celsius.astype(np.float64) - LOW) / (HIGH - LOW)
    steps: NDArray[np.uint16] = np.clip(np.rint(share * 65535 / STEP) * STEP, 0, 65535).astype(np.uint16)
    return steps
