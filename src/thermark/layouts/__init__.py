"""Writers of the embedded data in the on-disk layouts of the real data sets."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def write_image(path: Path, image: NDArray) -> None:
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
    return np.rint((celsius - low) / max(high - low, 1e-6) * 255).astype(np.uint8)
