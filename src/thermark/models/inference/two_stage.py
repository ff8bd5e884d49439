"""Faces are found first, and their points in a crop of each: B of the posts' part 3, to the letter.

Source: nipunbatra/blog, posts/nostril-hierarchical/scripts/hier_yolo_thermeval.py.
"""

from collections.abc import Callable

import numpy as np

from thermark import landmarks
from thermark.fewshot import posts
from thermark.fewshot.cutting import stretched
from thermark.models.inference.contract import Image, Instances

Find = Callable[[Image], Instances]


def faces(image: Image, finder: Find, points: Find, vocabulary: str, as_told: bool) -> Instances:
    """Return the landmarks that `points` finds in a crop of each face that `finder` finds in an RGB image.

    A crop is 1.25 longer sides of the box wide, clipped to the frame and stretched to 256 px. With `as_told` all
    coordinates count from the outline of their picture, else from pixel centres.
    """
    seen = finder(image)
    parts = [Instances.none(len(landmarks.load(vocabulary)))]
    half = 0.0 if as_told else posts.OUTLINE
    for box, sure in zip(seen.boxes, seen.box_score, strict=True):
        x0, y0, x1, y1 = (box + half).tolist()
        crop = posts.cropped((x0, y0, x1 - x0, y1 - y0), (image.shape[1], image.shape[0]))
        if crop is not None:
            inside = points(stretched(image, crop, posts.SIDE)[0])
            xy = (crop.to_frame(inside.xy + half) + posts.OUTLINE - half).astype(np.float32)
            again = np.repeat(box[None], len(xy), axis=0)
            parts.append(Instances(xy, inside.score, again, np.full(len(xy), sure, np.float32)))
    columns = zip(*((part.xy, part.score, part.boxes, part.box_score) for part in parts), strict=True)
    return Instances(*(np.concatenate(column) for column in columns))
