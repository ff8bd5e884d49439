"""All that is said about contestants on a real camera: numbers, then text."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from thermark.core.faces import Faces
from thermark.core.predictions import Predictions
from thermark.report.transfer import measure, noise, tables

Content = dict[str, Any]
# Contestant -> kind of box -> the faces, and the predictions of each seed.
Contestants = Mapping[str, Mapping[str, tuple[Faces, Sequence[Predictions]]]]
STRATA = ("glasses", "state", "yaw", "person")
ABOUT = """Machine labels: another network said where points and boxes are, and nobody corrected it. An error is a
distance from that network. The boxes come from the same network as the points, so that a box alone tells much:
`mean_of_others`, where it stands, looks at no picture. A mean goes over the faces that were found."""


def made(contestants: Contestants, faces: Faces, independent: str = "") -> Content:
    """Return every number; `faces` are those of the first kind of box, whose labels are looked at for noise.

    `independent` names the contestant whose disagreement with the labels is measured, in the first kind of box.
    """
    parts = measure.strata(faces)
    noises = {"jitter of labels on heads at rest": noise.jitter(faces, parts.recordings)}
    if independent in contestants:
        own, seeds = next(iter(contestants[independent].values()))
        noises[f"disagreement with {independent}"] = noise.disagreement(own, seeds[0])
    return {
        "faces": len(faces),
        "subjects": len(np.unique(faces.subjects)),
        "recordings": len(np.unique(parts.recordings)),
        "noise": {name: each and asdict(each) for name, each in noises.items()},
        "contestants": {
            name: {kind: measure.measured(own, seeds, measure.strata(own)) for kind, (own, seeds) in by.items()}
            for name, by in contestants.items()
        },
        "worst": {name: _worst(*next(iter(by.values()))) for name, by in contestants.items()},
    }


def page(content: Content) -> str:
    """Return a page about `made`."""
    contestants = content["contestants"]
    parts = [f"# {heading(content)}", ABOUT, tables.overview(contestants), tables.noise(content["noise"])]
    parts += [tables.detection(content["detection"])] if "detection" in content else []
    for kind in tables.kinds(contestants):
        parts += [f"## {tables.TITLES.get(kind, kind)}", tables.boxes(contestants, kind)]
        parts += [tables.strata(contestants, kind, name) for name in STRATA]
    parts += ["## Worst faces in the first kind of box", tables.worst(content["worst"])]
    parts += [f"- `{name}` is left out: {why}" for name, why in content.get("left_out", {}).items()]
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(content: Content) -> str:
    """Return what was measured on, in a line."""
    return f"{content['faces']} faces, {content['recordings']} recordings, {content['subjects']} people"


def table_of_faces(contestants: Contestants) -> str:
    """Return the error of every face as CSV, one row a contestant, kind of box and face; empty: missed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["contestant", "boxes", "face", "subject", "recording", "yaw", "nme"])
    for name, by in contestants.items():
        for kind, (faces, seeds) in by.items():
            parts = measure.strata(faces)
            columns = (faces.ids, faces.subjects, parts.recordings, parts.columns["yaw"])
            for *about, error in zip(*columns, measure.face_errors(faces, seeds), strict=True):
                writer.writerow([name, kind, *about, f"{error:.6g}" if np.isfinite(error) else ""])
    return out.getvalue()


def _worst(faces: Faces, seeds: Sequence[Predictions]) -> list[dict[str, Any]]:
    return measure.worst(faces, measure.face_errors(faces, seeds))
