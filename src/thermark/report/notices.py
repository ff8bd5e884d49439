"""What numbers of a data set must not be taken for: in a few words, as a block of Markdown, and for the page."""

from thermark.report.results.record import DataSet

# What prompts are, by the kind of box that a data card states (datasets/readers/card.py).
PROMPTS = {
    "tight": "prompts are the tight boxes of the landmarks",
    "face": "prompts are face boxes as published with the data",
    "head": "prompts are boxes of heads",
}

# Under the title of a table or figure.
CAVEATS = {
    "rendered": "rendered data, no evidence about cameras",
    "thermalised": "made-up temperatures, no evidence about cameras",
    "machine": "labels are another network's, corrected by nobody",
}

# Before the tables of a Markdown page, and at the top of the HTML page.
NOTICES = {
    "rendered": """\
> **Rendered data.** These images come out of a renderer, not out of a camera. The numbers show that the pipeline
> works and how contestants compare on it; they are no evidence about real thermal cameras.""",
    "thermalised": """\
> **Thermalised data.** Images and labels are those of FaceSynthetics, temperatures were made up from them: they
> are neither T-FAKE's nor a camera's. Microsoft's terms (R-UDA, non-commercial research) hold for all of it.""",
    "machine": """\
> **Machine labels.** The images are a camera's, but the labels are predictions of another network that nobody
> corrected. An error is the distance from that network: a smaller one need not be closer to the face.""",
}


def kind(data_set: DataSet) -> str:
    """Return what is special about a data set: `rendered`, `thermalised`, `machine` for the labels of a network on
    a camera's pictures, or nothing.
    """
    if data_set.origin != "real":
        return data_set.origin
    return "machine" if data_set.labels == "machine" else ""


def caveat(data_set: DataSet) -> str:
    """Return the note under the title of a table or figure, nothing for human labels of a camera's pictures."""
    return CAVEATS.get(kind(data_set), "")


def notice(data_set: DataSet) -> str:
    """Return the note before the tables of a Markdown page, nothing for human labels of a camera's pictures."""
    return NOTICES.get(kind(data_set), "")


def banner(data_set: DataSet) -> str:
    """Return the same as plain text, for the top of the HTML page."""
    return " ".join(notice(data_set).replace("> ", "").replace("**", "").split())
