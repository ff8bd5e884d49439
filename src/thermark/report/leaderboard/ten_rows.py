"""The board of a README: ten rows of one data set, chosen by a rule that is said below them."""

from thermark.landmarks import load
from thermark.report.leaderboard.highlights import leading
from thermark.report.markdown import code, escaped, table
from thermark.report.number_format import label, shown, unit
from thermark.report.results.estimates import covered, interval, value
from thermark.report.results.ranking import kinds, ranked, whole
from thermark.report.results.record import ResultSet

ROWS = 10


def ten_rows(results: ResultSet) -> str:
    """Return a table of the error over all faces of ten contestants, and how they were chosen, as Markdown."""
    main, points = results.protocol.main, len(load(results.protocol.vocabulary))
    error, on = f"{main}_all", results.data_set
    ran = {record.contestant: record for record in ranked(results) if whole(record, results)}
    chosen = leading(list(ran), kinds({on.name: results}), ROWS)
    rows = [
        [
            code(name),
            code(record.kind),
            escaped(record.trained_on),
            f"{shown(error, value(record, error))} ({interval(record, error)})",
            shown("found", value(record, "found")),
            covered(record, main) or "–",
        ]
        for name, record in ran.items()
        if name in chosen
    ]
    header = [
        "contestant",
        "recipe or family",
        "learned from",
        f"{label(error)} (95 %)",
        "found, % ↑",
        "interval over",
    ]
    miss = f"{shown(main, results.protocol.miss)} {unit(main)}"
    rule = (
        f"{escaped(on.title)}: {on.faces} faces of {on.subjects} subjects. Shown are {len(rows)} of the "
        f"{len(ran)} contestants that predict all {points} points: the best of each recipe or family, then the "
        f"best of the others. They are ordered by the error over all faces; a missed face counts {miss}."
    )
    return f"{table(header, rows, texts=3)}\n\n{rule}"
