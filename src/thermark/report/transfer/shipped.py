"""The rows of numbers in the card of what is shipped, from a study of it on a real camera."""

from collections.abc import Iterator
from typing import Any

from thermark.convert.model_card import CardRow
from thermark.report.transfer.boxes import MEAN_OF_OTHERS
from thermark.report.transfer.camera_scores import Numbers
from thermark.report.transfer.detected import LANDMARKER
from thermark.report.transfer.noise import JITTER
from thermark.report.transfer.points import CORNER_POINTS, MIDLINE_POINTS, PARTS, WITH_MIDLINE
from thermark.report.transfer.quick import MESH

KINDS = {
    "given": "the publisher's",
    "tight": "the publisher's, made tight",
    "shift10": "the publisher's, a tenth of their sides away",
    "scale10": "the publisher's, a tenth larger or smaller",
    "found": "the detector's as they are, of the faces that it found",
    "surest": "the detector's, of the faces that it found",
    "detected": "its own, of the faces that it found",
}
NETWORK, DETECTOR = "the landmark network in fp32, averaged with the mirror image", "the detector"
# Contestant -> what it is called; two stand beside for comparison.
OTHERS = {
    LANDMARKER: "`Landmarker()` as it is shipped",
    MEAN_OF_OTHERS: "for comparison: the mean face of the other people, which looks at no picture",
    MESH: "for comparison: FaceMesh, of the faces that it found",
}
STRATA = ("state", "glasses", "yaw")
NME = "NME inter-ocular"
BOUNDS = {
    JITTER: "noise of the labels, a lower bound: their jitter on heads at rest",
    f"disagreement with {MESH}": (
        "noise of the labels but for constant errors, an upper bound: FaceMesh less constant offsets"
    ),
}


def rows(content: Numbers, contestant: str, data: str) -> list[CardRow]:
    """Return the numbers of a `contestant`, of what is shipped, of the detector, and of the labels on `data`.

    NME in boxes of each kind that `content` has, with what stands beside for comparison; in the publisher's boxes
    also by group of landmarks and by stratum. The labels are taken to be a machine's. Intervals are by person.
    """
    made = []
    for name, what in {contestant: NETWORK, **OTHERS}.items():
        by_kind = content["contestants"].get(name, {})
        for kind, title in KINDS.items():
            if "nme" in by_kind.get(kind, {}).get("all", {}):
                made.append(_nme(data, what, title, f"{NME}, 50 points", by_kind[kind]["all"]))
        if name == contestant and "given" in by_kind:
            made += _parts(data, by_kind["given"])
    for name, numbers in content.get("detection", {}).items():
        for metric in ("recall", "precision", "ap50"):
            made.append(_row(f"{data}, {name}", DETECTOR, "none", numbers["faces"], metric, numbers[metric]))
    for name, metric in BOUNDS.items():
        if bound := content["noise"].get(name):
            made.append(_row(data, "the labels", "none", bound["pictures"], metric, bound["nme"]))
    return made


def _parts(data: str, numbers: Numbers) -> Iterator[CardRow]:
    """Yield NME by group of landmarks and by stratum, of what `in_boxes` returned for the publisher's boxes."""
    for group in (*PARTS, CORNER_POINTS, MIDLINE_POINTS, WITH_MIDLINE):
        if "nme" in numbers.get("points", {}).get(group, {}):
            yield _nme(data, NETWORK, KINDS["given"], f"{NME}, {group}", numbers["points"][group])
    for stratum in STRATA:
        for value, part in numbers.get(stratum, {}).items():
            if "nme" in part:
                yield _nme(data, NETWORK, KINDS["given"], f"{NME}, 50 points, {stratum}: {value}", part)


def _nme(data: str, what: str, boxes: str, metric: str, numbers: Numbers) -> CardRow:
    low, high = numbers.get("subjects", (None, None))
    faces = numbers["faces"] - round(numbers["missed"])
    return _row(data, what, boxes, faces, metric, numbers["nme"], low=low, high=high)


def _row(data: str, what: str, boxes: str, faces: int, metric: str, value: float, **interval: Any) -> CardRow:
    return CardRow(
        data=data, labels="machine", what=what, boxes=boxes, faces=faces, metric=metric, value=value, **interval
    )
