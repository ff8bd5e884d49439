"""Where a data set comes from and what may be done with it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """Origin and terms of a data set, written beside its packed faces.

    `redistribution` says whether files may be passed on; `notes` what its labels or published models imply for a
    comparison (for instance, which models were trained on it).
    """

    title: str
    url: str
    licence: str
    redistribution: str
    citation: str
    notes: str
