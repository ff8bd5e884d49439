"""What figures show in words and numbers, for those who do not see them."""

from collections.abc import Sequence

import pandas as pd

from thermark.report.blog.words import bounded, plain, printed
from thermark.report.notices import caveat
from thermark.report.numbers import unit
from thermark.report.results.ranking import most_found, ranked, value
from thermark.report.results.record import ResultSet

READ = 5  # contestants whose numbers are read out


def alternative(kind: str, results: ResultSet, table: pd.DataFrame) -> str:
    """Return the alternative text of a figure that was drawn from `table`."""
    title, limitation = results.data_set.title, caveat(results.data_set)
    names = list(dict.fromkeys(table["contestant"]))
    functions = {"leaderboard": _leaderboard, "ced": _ced, "landmarks": _landmarks, "pareto": _pareto}
    return f"{title}{f' ({limitation})' if limitation else ''}. {functions[kind](results, table, names)}"


def _leaderboard(results: ResultSet, table: pd.DataFrame, names: Sequence[str]) -> str:
    main, most = f"{results.protocol.main}_all", most_found(results)
    rate = printed("found", value(most[0], "found"))
    names_of_most = most[0].contestant if len(most) == 1 else f"{len(most)} contestants"
    leaders = [
        f"{record.contestant} {bounded(main, record.metrics.get(main))} {unit(main)}"
        for record in ranked(results)[:READ]
    ]
    return (
        f"Dot plot of {len(names)} contestants, found faces on the left, error on the right. Most faces found: "
        f"{names_of_most}, {rate} %. Lowest errors over all faces, with 95 % intervals: {'; '.join(leaders)}."
    )


def _ced(results: ResultSet, table: pd.DataFrame, names: Sequence[str]) -> str:
    errors = sorted(table["error"].unique())
    at = errors[len(errors) // 4]
    here = table[table["error"] == at]
    fractions = dict(zip(here["contestant"], here["fraction"], strict=True))
    shares = "; ".join(f"{name} {plain(fractions[name])} %" for name in names[:READ])
    return (
        f"Lines of the part of all faces, missed ones among them, at or below each error, for {len(names)} "
        f"contestants. At an error of {plain(at)} {unit(results.protocol.main)}: {shares}."
    )


def _landmarks(results: ResultSet, table: pd.DataFrame, names: Sequence[str]) -> str:
    measure, parts = unit(results.protocol.main), []
    for name in names:
        errors = table[table["contestant"] == name].set_index("landmark")["error"]
        lowest, highest = (
            f"{plain(error)} {measure} at {point}"
            for error, point in ((errors.min(), errors.idxmin()), (errors.max(), errors.idxmax()))
        )
        parts.append(f"{name}: lowest {lowest}, highest {highest}")
    return f"Mean faces, each landmark coloured by its error over found faces. {'; '.join(parts)}."


def _pareto(results: ResultSet, table: pd.DataFrame, names: Sequence[str]) -> str:
    measure = unit(results.protocol.main)
    texts = [
        f"{row['contestant']} {plain(row['parameters'] / 1e6)} million, {plain(row['error'])} {measure}"
        for row in table.to_dict("records")
    ]
    return f"Error over all faces against parameters: {'; '.join(texts)}."
