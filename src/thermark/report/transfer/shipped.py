"""The rows of numbers in the card of what is shipped, from a study of it on a real camera."""

from typing import Any

from thermark.convert.model_card import Row
from thermark.report.transfer.content import Content

KINDS = {
    "given": "the publisher's",
    "tight": "the publisher's, made tight",
    "shift10": "the publisher's, a tenth of their sides away",
    "found": "the detector's as they are, of the faces that it found",
    "surest": "the detector's, of the faces that it found",
}


def rows(content: Content, contestant: str, data: str) -> list[Row]:
    """Return NME in boxes of each kind, then what the detector finds, of a `contestant` on `data`.

    The labels are taken to be a machine's. Intervals are by person.
    """
    made = []
    for kind, title in KINDS.items():
        if kind not in content["contestants"][contestant]:
            continue
        own = content["contestants"][contestant][kind]["all"]
        low, high = own.get("subjects", (None, None))
        faces = own["faces"] - round(own["missed"])
        metric = "NME inter-ocular, 50 points"
        made.append(_row(data, title, faces, metric, own["nme"], low=low, high=high))
    for name, own in content.get("detection", {}).items():
        for metric in ("recall", "precision", "ap50"):
            made.append(_row(f"{data}, {name}", "the detector's", own["faces"], metric, own[metric]))
    return made


def _row(data: str, boxes: str, faces: int, metric: str, value: float, **interval: Any) -> Row:
    return Row(data=data, labels="machine", boxes=boxes, faces=faces, metric=metric, value=value, **interval)
