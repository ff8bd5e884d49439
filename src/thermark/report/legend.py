"""What the leaderboard says beside its numbers."""

LEGEND = """\
Every contestant is scored in source pixels on the same faces. The order is that of *groups*, and in a group
that of the error over *all faces*: a missed face counts the cap that is named above each table, and nothing
counts more. Who is not told from the best has A, who is not told from the best of the others B, and so on; a
shared letter is lack of evidence, not equality (docs/statistics.md). *found*: the part of the faces of which
every point is answered. **Best** and <ins>second</ins> of each column, of the numbers as they stand; ↓ lower is
better, ↑ higher is better. Other means are over found faces, PCK, AUC and failure count a missed face as a
failure. *interval over*: what the 95 % interval covers, `subjects and seeds`, or `subjects only`: then it is
about these weights, and another training may leave it. A place is no verdict on a training method: that takes
three seeds and a comparison on the same faces, as under *Comparisons* and in the pages about distillation and
tiny heads."""

SEEDS = """\
The numbers of a run of several seeds are means over them, ± is the standard deviation between them, and *missed*
the most that a seed has missed."""

COLUMNS = """\
In the tables below, *tier* is what a number is worth, `measured` here on pictures of a camera, `reproduced`
where all that is published of it agrees, or `rendered data only`; *trained on* is the closest to this set that
a contestant has learned from; *missed* says how many faces have no answer. A *jitter floor* is how far points
scatter when the picture moves by a pixel or two."""

SHOWN = "{shown} of the {ran} contestants that ran here, by their mean place on these sets{chosen}."
CHOSEN = """: the best of each recipe or
family, then the best of the others. All are in metrics/leaderboard.md"""
MISSING = """\
{idle} more could not run here, mostly for want of weights; the last part of the leaderboard, *Not run here*,
has each reason."""
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

DECLARED = """\
Questions that were asked before looking (`comparisons` in params.yaml), answered on the same faces. A
difference is that of the first less the second, on faces that both found, and in the next column over all
faces. *p* is adjusted by Holm within a question. *MDE* is the smallest difference that four of five such
studies would show: below it, and below the jitter floor, a difference is grey, and nothing follows from it. All
other comparisons are exploratory and not printed."""

NOTICES = {"rendered": RENDERED, "thermalised": THERMALISED}
