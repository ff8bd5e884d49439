"""The post's head on Sapiens2 beside ours, cell by cell; other backbones for orientation."""

from collections.abc import Mapping, Sequence

from thermark.bakeoff import against
from thermark.bakeoff.showing import cells, shown, titles
from thermark.finetune.groups import of_the_post
from thermark.finetune.inputs import PUBLISHED, Head, Study
from thermark.finetune.tables import ERRORS, mean, names
from thermark.published import Cell, Published
from thermark.report import reference
from thermark.report.markdown import code, table
from thermark.report.reference import NO_PROFILE, Compared, Ours, Tolerance

PART = "part2"
TRAINED = {"epochs": 120, "batch": 8}  # by the post
POST = TRAINED | {"features": "float32"}
POINTS = 1  # the post's heads say where the nose is, and nothing else
ASSUMED = (
    "The detection rate of 100 % is assumed by the post's protocol, not measured: a head is given a crop with a "
    "person, and its map nearly always has a maximum. Errors are in px of the crop, as the post's are. The post "
    "tells of one training without a seed, ours is a mean over seeds."
)
OTHERS = (
    "For orientation, the other heads of noses, cut and split the same way, in px of the crop. Another "
    "backbone{also} is another experiment: no verdict."
)


def differing(head: Head) -> str:
    """Return where the training of a head differs from the post's, nothing where it does not or is not told."""
    own = {name: head.numbers.get(name) for name in POST}
    words = {
        "epochs": "{ours} epochs instead of {post}",
        "batch": "batches of {ours} instead of {post}",
        "features": "features in {ours} instead of {post}",
    }
    said = [
        words[name].format(ours=own[name], post=post)
        for name, post in POST.items()
        if own[name] is not None and own[name] != post
    ]
    return ", ".join(said)


def published(head: Head) -> Mapping[str, float]:
    """Return the numbers on the post's own test crops, empty for crops of another geometry or split."""
    return head.tested(PUBLISHED) if of_the_post(head) else {}


def compare(posts: Published, study: Study, allowed: Tolerance) -> list[Compared]:
    """Compare every number of part 2 with that of the head that corresponds, on the published test crops."""
    idle = {name: str(each.get("reason", "")) for name, each in study.unplanned.items()}
    idle |= {head.run: head.reason for head in study.heads if not head.ran}
    idle |= {head.run: "it has no published split" for head in study.ran}
    ran = {head.run: head for head in study.ran if published(head)}

    def ours(cell: Cell) -> Ours | str:
        if cell.run not in ran:
            return idle.get(cell.run, NO_PROFILE)
        head, own = ran[cell.run], published(ran[cell.run])
        other = differing(head)
        return Ours(own.get(cell.metric), head.seeds, origin=study.origin, noses=own.get("crops"), differing=other)

    return reference.compare(posts.cells(PART), ours, allowed)


def section(posts: Published, rows: Sequence[Compared], study: Study, allowed: Tolerance) -> str:
    """Return the comparison as Markdown, and below it the heads that have no row in the post."""
    parts = [against.section(posts, rows, allowed, ASSUMED)]
    named = {row.run for row in posts.tables[PART].rows}
    asked = [head for head in study.ran if head.numbers.get("points") == POINTS and published(head)]
    others = [head for head in asked if head.run not in named]
    if others:
        also = "" if study.origin == "real" else f" on {study.origin} data"
        header = ["head", "backbone", "crops", *titles(names("crop"))]
        parts += [
            f"{OTHERS.format(also=also)}{_trained(others)}",
            table(header, [_line(head) for head in others], texts=2),
        ]
    return "\n\n".join(parts)


def _trained(heads: Sequence[Head]) -> str:
    """Return what differs from the post in the training of these heads, so that nobody takes it for the same."""
    said = [f"{code(head.key)} has {other}" for head in heads if (other := differing(head))]
    untold = [code(head.key) for head in heads if any(head.numbers.get(name) is None for name in TRAINED)]
    text = f" Trained otherwise than in the post: {'; '.join(said)}." if said else ""
    return f"{text} How long or in what batches was not told of {', '.join(untold)}." if untold else text


def _line(head: Head) -> list[str]:
    own = published(head)
    about = [code(head.key), code(str(head.numbers.get("backbone", "–")))]
    errors = [mean("crop", own), *cells(own, names("crop", ERRORS[1:]))]
    return [*about, shown("crops", own["crops"]), *errors]
