"""The post's head on Sapiens2 beside ours, cell by cell; other backbones for orientation."""

from collections.abc import Mapping, Sequence

from thermark.report.columns import formatted, titles
from thermark.report.fewshot.fewshot_data import FewshotData
from thermark.report.fewshot.head import PUBLISHED, HeadResult
from thermark.report.fewshot.head_tables import errors, names
from thermark.report.markdown import code, table
from thermark.report.reference_results import Published, PublishedCell
from thermark.report.reference_results.compare import NO_PROFILE, CellComparison, Ours, compare_cells

PART = "part2"
POST = {"epochs": 120, "batch": 8, "features": "float32"}
WORDS = {"epochs": "{} epochs", "batch": "batches of {}", "features": "features in {}"}


def differing(head: HeadResult) -> str:
    """Return where the training of a head differs from the post's, nothing where it does not, or is not known."""
    values = {name: head.numbers.get(name) for name in POST}
    others = [name for name, post in POST.items() if values[name] not in (None, post)]
    return ", ".join(f"{WORDS[name].format(values[name])} instead of {POST[name]}" for name in others)


def published(head: HeadResult) -> Mapping[str, float]:
    """Return the numbers on the post's own test crops, empty for crops of another geometry or split."""
    return head.tested(PUBLISHED) if head.of_the_post else {}


def compare(posts: Published, study: FewshotData) -> list[CellComparison]:
    """Compare every number of part 2 with that of the head that corresponds, on the published test crops."""
    idle = {name: record.reason for name, record in study.unplanned.items()}
    idle |= {head.run: head.reason for head in study.heads if not head.ran}
    idle |= {head.run: "it has no published split" for head in study.ran}
    ran = {head.run: head for head in study.ran if published(head)}

    def ours(cell: PublishedCell) -> Ours | str:
        if cell.run not in ran:
            return idle.get(cell.run, NO_PROFILE)
        head, numbers = ran[cell.run], published(ran[cell.run])
        difference = differing(head)
        return Ours(
            numbers.get(cell.metric),
            head.seeds,
            origin=study.origin,
            noses=numbers.get("crops"),
            differing=difference,
        )

    return compare_cells(posts.cells(PART), ours)


def others(posts: Published, study: FewshotData) -> list[HeadResult]:
    """Return the heads of the middle of the nose in the post's crops that have no row in the post."""
    named = {row.run for row in posts.tables[PART].rows}
    asked = [head for head in study.ran if head.numbers.get("points") == 1 and published(head)]
    return [head for head in asked if head.run not in named]


def trained(heads: Sequence[HeadResult]) -> str:
    """Return what differs from the post in the training of these heads, as a sentence."""
    parts = [f"{code(head.key)} has {difference}" for head in heads if (difference := differing(head))]
    return f"Training differs from the post: {'; '.join(parts)}." if parts else ""


def listed(heads: Sequence[HeadResult]) -> str:
    """Return these heads on the published test crops, in px of the crop."""
    rows = [
        [
            *(code(text) for text in (head.key, str(head.numbers.get("backbone", "–")))),
            formatted("crops", published(head)["crops"]),
            *errors("crop", published(head)),
        ]
        for head in heads
    ]
    return table(["head", "backbone", "crops", *titles(names("crop"))], rows, texts=2)
