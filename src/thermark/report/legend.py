"""What pages say of the data beside their numbers."""

# By the kind that a data card states (datasets/readers/card.py).
PROMPTS = {
    "tight": "prompts are the tight boxes of the landmarks",
    "face": "prompts are boxes of faces as publishers draw them",
    "head": "prompts are boxes of heads",
}

RENDERED = """\
> **Rendered data.** These images come out of a renderer, not out of a camera. The numbers show that the pipeline
> works and how contestants compare on it; they are no evidence about real thermal cameras."""

THERMALISED = """\
> **Thermalised data.** Pictures and labels are those of FaceSynthetics, temperatures were made up from them: they
> are neither T-FAKE's nor a camera's. Microsoft's terms (R-UDA, non-commercial research) hold for all of it."""

MACHINE = """\
> **Machine labels.** Pictures are a camera's, but another network said where the points are, and nobody corrected
> it. An error is a distance from that network: who agrees with it better need not be nearer to the face."""

NOTICES = {"rendered": RENDERED, "thermalised": THERMALISED}
