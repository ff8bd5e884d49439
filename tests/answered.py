"""What a contestant that was told every face's prompt says, from points alone."""

import numpy as np

from thermark.core.faces import Faces
from thermark.core.predictions import Predictions


def answered(truth: Faces, xy: np.ndarray, contestant: str, vocabulary: str, trained_on=()) -> Predictions:
    """Return predictions xy (N, K, 2) px for all faces in their order, on the data `d`, of full confidence."""
    return Predictions(
        contestant=contestant,
        vocabulary=vocabulary,
        box_source="prompt",
        data="d",
        frames=truth.frames,
        faces=np.arange(len(truth)),
        xy=xy.astype(np.float32),
        score=np.ones(xy.shape[:2], np.float32),
        boxes=truth.prompts,
        box_score=np.full(len(truth), np.nan, np.float32),
        trained_on=tuple(trained_on),
    )
