"""What the leaderboard says beside its numbers."""

SEEDS = """\
The numbers of a run of several seeds are means over them, ± is the standard deviation between them, and *missed*
the most that a seed has missed."""

LEGEND = """\
Every contestant is scored in source pixels on the same faces. **Best** and <ins>second</ins> of each column, of
the numbers as they stand; ↓ lower is better, ↑ higher is better. Means are over found faces, PCK, AUC and
failure count a missed face as a failure, and *missed* says how many there were. *interval over*: what the 95 %
interval covers, `subjects and seeds`, or `subjects only`: then it is about these weights, and another training may
leave it. A place is no verdict on a training method: that takes three seeds and a comparison on the same faces, as
in the pages about distillation and tiny heads."""

MISSING = """\
{ran} of {all} contestants, by their mean place on these sets. The others could not run here, mostly for want of
weights; the last part of the leaderboard, *Not run here*, has each reason."""
PLACES = "By their mean place on these sets."
ALONE = "subjects only"
# By the kind that a data card states (loading/card.py).
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

FOUND = """\
*boxes* says who found the faces: `prompt` and `labelled` boxes were given with them, `frame` is the whole picture,
anything else is the detector. What was found without being told is matched to the labelled faces of its frame,
one to one and nearest first, within the part of the face's size that `cap` allows. *recall* is how many of the
faces were found so, *precision* how many of the detections were labelled faces: one of a face that nobody labelled
counts against it, one in a frame without a scored face does not, as such frames are not shown."""

MACHINE = """\
> **Machine labels.** Pictures are a camera's, but another network said where the points are, and nobody corrected
> it. An error is a distance from that network: who agrees with it better need not be nearer to the face."""

IN_MOVED = """\
**In boxes that are not quite right**: each moved by so many percent of its sides, in one of eight directions, or
made so many percent larger or smaller. Who is not told these boxes is not asked."""

NOTICES = {"rendered": RENDERED, "thermalised": THERMALISED}
