"""The rows of numbers in the card of what is shipped, from a study of it on a real camera."""

from typing import Any

from thermark.convert.model_card import CardRow
from thermark.report.transfer.camera_scores import Numbers
from thermark.report.transfer.detected import LANDMARKER
from thermark.report.transfer.noise import JITTER

KINDS = {
    "given": "the publisher's",
    "tight": "the publisher's, made tight",
    "shift10": "the publisher's, a tenth of their sides away",
    "found": "the detector's as they are, of the faces that it found",
    "surest": "the detector's, of the faces that it found",
    "detected": "none: `Landmarker()` as it is shipped, of the faces that it found",
}
NME = "NME inter-ocular, 50 points"


def rows(content: Numbers, contestant: str, data: str) -> list[CardRow]:
    """Return NME of a `contestant` and of what is shipped, what is detected, and the labels' noise, on `data`.

    Each in boxes of each kind that `content` has. The labels are taken to be a machine's. Intervals are by person.
    """
    made = []
    for name in (contestant, LANDMARKER):
        by_kind = content["contestants"].get(name, {})
        for kind, title in KINDS.items():
            if kind in by_kind:
                numbers = by_kind[kind]["all"]
                low, high = numbers.get("subjects", (None, None))
                faces = numbers["faces"] - round(numbers["missed"])
                made.append(_row(data, title, faces, NME, numbers["nme"], low=low, high=high))
    for name, numbers in content.get("detection", {}).items():
        for metric in ("recall", "precision", "ap50"):
            made.append(_row(f"{data}, {name}", "the detector's", numbers["faces"], metric, numbers[metric]))
    if bound := content["noise"][JITTER]:
        metric = "noise of the labels, a lower bound: their jitter on heads at rest"
        made.append(_row(data, "none", bound["pictures"], metric, bound["nme"]))
    return made


def _row(data: str, boxes: str, faces: int, metric: str, value: float, **interval: Any) -> CardRow:
    return CardRow(data=data, labels="machine", boxes=boxes, faces=faces, metric=metric, value=value, **interval)
