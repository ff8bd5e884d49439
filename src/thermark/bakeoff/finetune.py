"""Part 2 of the posts: errors in px of the posts' crops, and in px of the frame."""

from collections.abc import Mapping

import numpy as np

from thermark.bakeoff.blog import Numbers, averages, within
from thermark.bakeoff.noses import Noses
from thermark.core.faces import Faces
from thermark.heads.posts import Crop, Floats, Rows, lower_median


def answers(faces: Faces, rows: Rows, crops: Mapping[int, Crop], said: Noses) -> Floats:
    """Return the nose (n, 2) in frame px that answers for each row, NaN for none.

    What was predicted for the row itself if it was asked for; else, of all that lies in its crop, what is nearest
    to the label, which favours whoever says much.
    """
    found = np.full((len(rows), 2), np.nan)
    for place, row in enumerate(rows.tolist()):
        own = said.xy[said.faces == row]
        if not len(own):
            own = said.xy[(said.faces < 0) & (said.frames == faces.frames[row])]
            own = own[crops[row].holds(own)]
        if len(own):
            found[place] = own[np.hypot(*(own - faces.xy[row, 0]).T).argmin()]
    return found


def score(faces: Faces, rows: Rows, crops: Mapping[int, Crop], said: Noses) -> Numbers:
    """Return `crops`, `answered`, and the posts' numbers in crop px (`crop_mean`, `crop_pck@3`, ...) and in frame
    px (`native_mean`, ...); PCK is over all crops, mean and median are over those answered.
    """
    gap = answers(faces, rows, crops, said) - faces.xy[rows, 0]
    factors = np.array([[crops[row].sx, crops[row].sy] for row in rows.tolist()]).reshape(-1, 2)
    numbers: Numbers = {"crops": len(rows), "answered": int(np.isfinite(gap).all(axis=1).sum())}
    for space, scaled in (("crop", gap * factors), ("native", gap)):
        errors = np.nan_to_num(np.hypot(*scaled.T), nan=np.inf)
        hit = errors[np.isfinite(errors)]
        own = averages(hit) | (within(errors) if len(rows) else {})
        if len(hit):
            own["median"] = lower_median(hit)
        numbers |= {f"{space}_{name}": value for name, value in own.items()}
    return numbers
