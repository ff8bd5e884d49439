"""From which height a camera looks at a face: level with it, from above or from below.

A camera over a door, under a ceiling or at the mirror of a car looks down at faces, one on a dashboard or a desk
up at them. From more than some 35 degrees above the crown hides the face, and from below the chin does so sooner:
who wants to see faces hangs no camera there. Half of the cameras are level, as one in a hand or on a tripod is.
"""

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from thermark.synth.render.body import rotation
from thermark.synth.render.person import Pose

BELOW, ABOVE = -20.0, 35.0  # deg, of those that are not level
STEEPEST = 45.0  # deg: the head's own pitch and the camera's height together


def sample_elevation(rng: Generator) -> float:
    """Draw how far above the level of the face a camera is, in degrees; negative below it."""
    level, elevation = rng.random() < 0.5, float(rng.uniform(BELOW, ABOVE))
    return 0.0 if level else elevation


def seen_from(pose: Pose, elevation: float) -> Pose:
    """Return the pose whose head looks as that of `pose` does to a camera `elevation` degrees higher.

    Only the head turns: the torso stays as a level camera sees it.
    """
    turned = rotation(0.0, elevation, 0.0) @ rotation(pose.yaw, pose.pitch, pose.roll)
    yaw = np.arcsin(np.clip(turned[2, 0], -1, 1))
    pitch = np.arctan2(turned[2, 1], turned[2, 2])
    roll = np.arctan2(turned[1, 0], turned[0, 0])
    # Arc functions differ in their last bit from CPU to CPU.
    yaw, pitch, roll = np.round(np.rad2deg([yaw, pitch, roll]), 6)
    return replace(pose, yaw=float(yaw), pitch=float(np.clip(pitch, -STEEPEST, STEEPEST)), roll=float(roll))
