"""The data report and the split table: small files, in git."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core import files
from thermark.core.faces import Faces
from thermark.core.geometry import box_size
from thermark.core.origin import Origin
from thermark.datasets.readers.card import DataSetCard
from thermark.datasets.readers.loaded import Loaded


def content(
    loaded: Loaded, card: DataSetCard, temperature: dict[str, float], crop: dict[str, Any], origin: Origin
) -> dict[str, Any]:
    """Return the report: card, origin, counts, findings with examples, checks, sizes and temperatures."""
    faces, frames = loaded.faces, loaded.frames
    return (
        {
            "card": asdict(card),
            "origin": origin,
            "modality": frames.modality,
            "frames": len(frames),
            "faces": len(faces),
            "subjects": len(np.unique(faces.subjects)),
            "unprompted": int(np.isnan(faces.prompts).any(axis=1).sum()),
            "splits": counts(faces.splits),
            "vocabularies": counts(faces.vocabularies),
            "strata": {name: counts(column) for name, column in sorted(faces.strata.items())},
            "frame_sizes": counts(np.array([f"{width}x{height}" for width, height in frames.sizes])),
            "median_box_width": float(np.nanmedian(box_size(faces.boxes)[:, 0])),
            "crop": crop,
        }
        | temperature
        | loaded.findings.summary()
    )


def counts(column: np.ndarray) -> dict[str, int]:
    """Return value -> number of rows, without the empty value."""
    values, numbers = np.unique(column, return_counts=True)
    return {str(value): int(n) for value, n in zip(values, numbers, strict=True) if str(value)}


def write_splits(path: Path, faces: Faces) -> None:
    """Write `subject,split`, one line a subject, sorted, so that git can compare them."""
    pairs = sorted(set(zip(map(str, faces.subjects), map(str, faces.splits), strict=True)))
    files.write_text(path, "".join(f"{a},{b}\n" for a, b in [("subject", "split"), *pairs]))
