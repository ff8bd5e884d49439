"""What numbers of a data set must not be taken for, in so few words that every table and figure can say it."""

from thermark.report.results.record import DataSet

CAVEATS = {
    "rendered": "rendered data, no evidence about cameras",
    "thermalised": "made-up temperatures, no evidence about cameras",
    "machine": "labels are another network's, corrected by nobody",
}


def kind(on: DataSet) -> str:
    """Return what is special about a data set: `rendered`, `thermalised`, `machine` for the labels of a network on
    a camera's pictures, or nothing.
    """
    if on.origin != "real":
        return on.origin
    return "machine" if on.labels == "machine" else ""


def caveat(on: DataSet) -> str:
    """Return what a table or figure of a data set says under its title, nothing for human labels of a camera."""
    return CAVEATS.get(kind(on), "")
