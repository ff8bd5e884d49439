"""Part 2 of the posts: a tiny head on a frozen backbone, from few labels, as Markdown, JSON and a figure."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from thermark.core import files, templates
from thermark.report import long_table
from thermark.report.fewshot import budget, constant, cost, drawing, head_tables, published_comparison, students
from thermark.report.fewshot.fewshot_data import FewshotData
from thermark.report.fewshot.head import ALL, PUBLISHED, groups
from thermark.report.markdown import FILTERS, code, escaped, table
from thermark.report.notices import notice
from thermark.report.reference_results import Published, load
from thermark.report.reference_results.compare import CellComparison
from thermark.report.reference_results.reference_tables import posts_row, posts_section
from thermark.report.results import printed

PAGE = Path(__file__).with_name("templates") / "page.md"


def build(study: FewshotData, text: Path, numbers: Path, figure: Path, curve: Path) -> None:
    """Write the page of a profile's heads and contestants, even of none.

    `numbers`: what follows from the page as JSON; `curve`: that of the figure as CSV, a row a head and budget.
    """
    posts = load("posts")
    rows = published_comparison.compare(posts, study)
    files.write_text(text, _page(study, posts, rows))
    verdicts_of = {head.key: budget.enough(head, study.config.within) for head in study.ran}
    content = {
        "enough": {key: asdict(verdict) for key, verdict in verdicts_of.items() if verdict},
        "published": list(map(posts_row, rows)),
        "roles": {name: study.kind(name) for name in study.config.contestants},
        "constant": constant.contestants(study),
        "claim": cost.judged(study),
    }
    files.write_json(numbers, content)
    drawing.draw(study.ran, figure)
    long_table.write(curve, [budget.curve(study.ran)], budget.CURVE)


def _page(study: FewshotData, posts: Published, rows: Sequence[CellComparison]) -> str:
    missed = {head.key: head.tested(ALL).get("missed") for head in study.ran}
    return templates.render(
        PAGE,
        FILTERS,
        **{
            "published_comparison": published_comparison,
            "budget": budget,
            "constant": constant,
            "cost": cost,
            "students": students,
            "printed": printed,
        },
        **{"head_tables": head_tables, "groups": groups, "study": study, "idle": _idle(study)},
        notice=notice(study.results.data_set) if study.results else "",
        tested=[head for head in study.ran if head.tested(PUBLISHED)],
        missed={key: count for key, count in missed.items() if count},
        curves=[head for head in study.ran if head.budget],
        read=[head for head in study.ran if head.numbers.get("decoders")],
        others=published_comparison.others(posts, study),
        compared=posts_section(posts, rows, ""),
    )


def _idle(study: FewshotData) -> str:
    """Return which heads did not run and why, as a table; empty for none."""
    reasons = {head.key: head.reason for head in study.heads if not head.ran}
    reasons |= {name: record.reason for name, record in study.unplanned.items()}
    rows = [[code(key), escaped(reason)] for key, reason in reasons.items()]
    return table(["not run", "why"], rows, texts=2) if rows else ""
