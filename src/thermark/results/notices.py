"""What numbers of a data set must not be taken for, in so few words that every table and figure can say it."""

from thermark.results.record import DataSet

CAVEATS = {
    "rendered": "rendered data, no evidence about cameras",
    "thermalised": "made-up temperatures, no evidence about cameras",
}
MACHINE = "labels are another network's, corrected by nobody"


def caveat(on: DataSet) -> str:
    """Return what a table or figure of a data set says under its title, nothing for human labels of a camera."""
    if on.origin in CAVEATS:
        return CAVEATS[on.origin]
    return MACHINE if on.labels == "machine" else ""
