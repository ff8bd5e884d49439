"""A COCO file as it stands, for a protocol that is to be followed to the letter."""

from collections.abc import Callable, Collection, Mapping

import numpy as np

from thermark.core.annotations import Annotations
from thermark.datasets.readers.coco import Coco, Id, class_ids, order
from thermark.datasets.readers.entries import malformed, numbers
from thermark.datasets.readers.loaded import Findings


def annotated(
    coco: Coco, classes: Mapping[str, int], part: str, pictures: Collection[str], stem: Callable[[str], str]
) -> Annotations:
    """Return one COCO file as it is, of the images that have one of the `pictures`; frames are `part`/<picture>.

    `stem` writes an image's name as pictures are called. `classes`: lower-case name -> id, as `coco.instances`
    takes them; that must have accepted the file before. Raises DataError for a box that is not finite.
    """
    ids = class_ids(coco, classes, classes, Findings())
    stems = {number: stem(name.stem) for number, name in coco.images().items()}
    frames: dict[Id, str] = {number: f"{part}/{name}" for number, name in stems.items() if name in pictures}
    row = {number: place for place, number in enumerate(frames)}
    rank = {number: place for place, number in enumerate(sorted(frames, key=order))}
    first = dict.fromkeys(frames, -1)
    boxes: list[tuple[int, str, list[float]]] = []
    for place, (where, entry) in enumerate(coco.entries("annotations")):
        image, name, box = entry["image_id"], ids.get(entry["category_id"]), entry.get("bbox")
        if image not in frames:
            continue
        first[image] = place if first[image] < 0 else first[image]
        if name is not None and box:
            xywh = numbers(entry, "bbox", where, 4)
            if not np.isfinite(xywh).all():
                raise malformed(where, "has a bbox that is not finite")
            boxes.append((row[image], name, xywh.tolist()))
    owners, names, rows = zip(*boxes, strict=True) if boxes else ((), (), ())
    return Annotations(
        frames=np.array(list(frames.values()), np.str_),
        sources=np.full(len(frames), coco.path.stem),
        ranks=np.array([rank[number] for number in frames], np.int64),
        first=np.array(list(first.values()), np.int64),
        owners=np.array(owners, np.int64),
        classes=np.array(names, np.str_),
        xywh=np.array(rows, np.float64).reshape(-1, 4),
    )
