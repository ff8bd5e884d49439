"""What a contestant has learned from, and what its number is worth."""

from collections.abc import Collection, Mapping, Sequence

from thermark.core.origin import Origin
from thermark.report.results.record import Tier, TrainedOn

# Families whose networks came to us trained on thermal pictures; those of all others learned from colour ones.
THERMAL = {"tfan"}
# Nothing ran, nothing is known: who is absent, and families that learn from face sets of ours, which are told with
# the predictions.
UNKNOWN = {"absent", "learned", "mean_shape", "cascade"}


def trained_on(
    family: str,
    sets: Sequence[str],
    dataset: str,
    modalities: Mapping[str, str],
    relatives: Collection[str] = (),
) -> TrainedOn:
    """Return what a contestant learned from, the closest to the `dataset` that it is scored on.

    `sets` are the face sets that it learned from here, `modalities` say whether each is `thermal` or `rgb`.
    `relatives` are those that were read from the same files: of the same modality, their pictures are the same.
    """
    own = {name for name in relatives if modalities.get(name) == modalities.get(dataset)}
    if {dataset, *own} & {*sets}:
        return "this set's train split"
    if sets:
        return "thermal" if any(modalities.get(name) == "thermal" for name in sets) else "RGB"
    if family in UNKNOWN:
        return "nothing"
    return "thermal" if family in THERMAL else "RGB"


def tier(origin: Origin) -> Tier:
    """Return what a number measured here is worth: rendered and thermalised pictures say nothing of a camera."""
    return "measured" if origin == "real" else "rendered data only"
