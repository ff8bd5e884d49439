"""What a contestant has learned from, and what its number is worth."""

from collections.abc import Mapping, Sequence

from thermark.core.origin import Origin
from thermark.results.record import Tier, TrainedOn

# Families whose networks came to us trained on thermal pictures; those of all others learned from colour ones.
THERMAL = {"tfan"}
UNTRAINED = {"absent"}  # nothing ran, nothing is known
# Families whose networks are made from a face set of ours, which is told with the predictions.
OURS = {"learned", "mean_shape", "cascade"}


def trained_on(family: str, sets: Sequence[str], dataset: str, modalities: Mapping[str, str]) -> TrainedOn:
    """Return what a contestant learned from, the closest to the `dataset` that it is scored on.

    `sets` are the face sets that it learned from here, `modalities` say whether each is `thermal` or `rgb`.
    """
    if dataset in sets:
        return "this set's train split"
    if sets:
        return "thermal" if any(modalities.get(name) == "thermal" for name in sets) else "RGB"
    if family in UNTRAINED:
        return "nothing"
    return "thermal" if family in THERMAL else "RGB"


def tier(origin: Origin) -> Tier:
    """Return what a number measured here is worth: rendered and thermalised pictures say nothing of a camera."""
    return "measured" if origin == "real" else "rendered data only"
