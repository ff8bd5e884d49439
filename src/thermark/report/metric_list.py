"""All metrics as a Markdown table, for the documentation."""

from thermark.metrics.registry import METRICS
from thermark.report.markdown import escaped, table
from thermark.report.number_format import unit

HEADER = ("metric", "unit", "better", "counts misses", "meaning")
BETTER = {True: "higher", False: "lower", None: "–"}


def markdown() -> str:
    """Return a row a metric, as files name it; `pck@<limit>px` stands for every limit."""
    rows = [
        [
            f"`{key.replace('@', '@<limit>')}`",
            unit(key),
            BETTER[metric.higher_is_better],
            "yes" if metric.counts_misses else "no",
            escaped(metric.meaning),
        ]
        for key, metric in METRICS.items()
    ]
    return table(HEADER, rows, texts=len(HEADER))
