"""A COCO file as it stands, for a protocol that is to be followed to the letter."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from thermark.core.annotations import Annotations
from thermark.datasets.readers import coco, keypoints
from thermark.datasets.readers.loaded import Findings


def read(
    path: Path, classes: Mapping[str, int], part: str, pictures: Collection[str], stem: Callable[[str], str]
) -> Annotations:
    """Return one COCO file as it is, of the images that have one of the `pictures`; frames are `part`/<picture>.

    `stem` writes an image's name as pictures are called. `classes`: lower-case name -> id, as `coco.read` takes
    them; that must have accepted the file before.
    """
    content = keypoints.read(path)
    ids = coco.categories(content, classes, classes, path, Findings())
    frames: dict[Any, str] = {}
    for where, entry in coco.rows(content, "images", path):
        if (name := stem(keypoints.file_name(entry, where).stem)) in pictures:
            frames.setdefault(entry["id"], f"{part}/{name}")
    row = {name: place for place, name in enumerate(frames)}
    rank = {name: place for place, name in enumerate(sorted(frames, key=coco.place))}
    first = dict.fromkeys(frames, -1)
    found: list[tuple[int, str, list[float]]] = []
    for place, (_, entry) in enumerate(coco.rows(content, "annotations", path)):
        image, name, box = entry["image_id"], ids.get(entry["category_id"]), entry.get("bbox")
        if image not in frames:
            continue
        first[image] = place if first[image] < 0 else first[image]
        if name is not None and box:
            found.append((row[image], name, [float(each) for each in box]))
    owners, names, boxes = zip(*found, strict=True) if found else ((), (), ())
    return Annotations(
        frames=np.array(list(frames.values()), np.str_),
        sources=np.full(len(frames), path.stem),
        ranks=np.array([rank[name] for name in frames], np.int64),
        first=np.array(list(first.values()), np.int64),
        owners=np.array(owners, np.int64),
        classes=np.array(names, np.str_),
        xywh=np.array(boxes, np.float64).reshape(-1, 4),
    )
