"""Checkpoints as OpenMMLab publishes them: weights, and a `meta` that holds numpy objects."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch


def meta() -> dict:
    """Return what mmengine and mmpose leave beside published weights."""
    points = {"sigmas": np.full(68, 0.02, np.float32), "keypoint_colors": np.zeros((68, 3), np.uint8)}
    return {
        "cfg": "model = dict(type='TopdownPoseEstimator')",
        "time": "20230228_021347",
        "epoch": 60,
        "mmengine_version": "0.5.0",
        "dataset_meta": OrderedDict(dataset_name="coco_wholebody_face", flip_indices=[16, 15], **points),
        "hook_msgs": {"best_score": np.float64(0.0466), "count": np.int64(3), "flag": np.bool_(True)},
    }


def save(path: Path, weights, **beside) -> Path:
    torch.save({"meta": meta(), "state_dict": weights, **beside}, path)
    return path
