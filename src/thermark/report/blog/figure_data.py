"""What figures show, as tables: the CSV beside a figure is the very table that it is drawn from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thermark import landmarks
from thermark.report.blog.tables import origin
from thermark.report.numbers import scale
from thermark.report.results.curves import curve
from thermark.report.results.errors import Errors
from thermark.report.results.ranking import ranked, value, whole
from thermark.report.results.record import Estimate, ResultSet

FACES = 4  # that have room side by side


def leaderboard(name: str, results: ResultSet) -> pd.DataFrame:
    """Return a row for each who ran, best first: found rate and error over all and over found faces."""
    main = results.protocol.main
    columns = {"found": "found", "all": f"{main}_all", "on_found": main}
    rows = []
    for record in ranked(results):
        row: dict[str, Any] = origin(name, results.data_set) | {"contestant": record.contestant, "metric": main}
        for column, metric in columns.items():
            estimate = record.metrics.get(metric)
            row[column] = _end(metric, estimate, "value")
            if column != "on_found":
                row[f"{column}_low"] = _end(metric, estimate, "low")
                row[f"{column}_high"] = _end(metric, estimate, "high")
        rows.append(row | {"all_landmarks": whole(record, results)})
    return six(pd.DataFrame(rows))


def distributions(
    name: str, results: ResultSet, errors: Mapping[str, Errors], banded: Sequence[str]
) -> pd.DataFrame:
    """Return the error distribution of all who ran, best first; those `banded` with 95 % intervals."""
    main = results.protocol.main
    parts = []
    for record in ranked(results):
        if (errors_of := errors.get(record.contestant)) is None:
            continue
        distribution = curve(
            errors_of, results.protocol.miss, **({} if record.contestant in banded else {"replicates": 0})
        )
        columns = {"error": scale(main) * distribution.error}
        columns |= {name_of: 100 * getattr(distribution, name_of) for name_of in ("fraction", "low", "high")}
        leading_columns = origin(name, results.data_set) | {"contestant": record.contestant, "metric": main}
        parts.append(pd.DataFrame(columns).assign(**leading_columns)[[*leading_columns, *columns]])
    return six(pd.concat(parts, ignore_index=True)) if parts else pd.DataFrame()


def by_landmark(name: str, results: ResultSet, shown: Sequence[str]) -> pd.DataFrame:
    """Return the error of each landmark and its mean place in the face, of the first few of those `shown`.

    Empty where the face is not known or a landmark has no place.
    """
    main, face = results.protocol.main, results.data_set.face
    points = landmarks.load(results.protocol.vocabulary).points
    if len(face) != len(points):
        return pd.DataFrame()
    complete = [
        record
        for record in ranked(results)
        if record.contestant in shown and whole(record, results) and record.landmarks
    ]
    rows = [
        origin(name, results.data_set)
        | {"contestant": record.contestant, "metric": main, "landmark": point}
        | {"x": place[0], "y": place[1], "error": _percent(main, error)}
        for record in complete[:FACES]
        for point, place, error in zip(points, face, record.landmarks, strict=True)
        if place is not None and error is not None
    ]
    return six(pd.DataFrame(rows))


def pareto(name: str, results: ResultSet) -> pd.DataFrame:
    """Return error over all faces against parameters, of those whose parameters are known, fewest first.

    `best`: nobody with as few parameters is better. Empty where fewer than two are known.
    """
    metric = f"{results.protocol.main}_all"
    records = [
        record for record in ranked(results) if "parameters" in record.exact and value(record, metric) is not None
    ]
    if len(records) < 2:
        return pd.DataFrame()
    records = sorted(records, key=lambda record: (record.exact["parameters"], value(record, metric)))
    least, rows = np.inf, []
    for record in records:
        estimate = record.metrics[metric]
        error = estimate.value if estimate.value is not None else np.inf
        best, least = error < least, min(error, least)
        ends = {f"error_{end}": _end(metric, estimate, end) for end in ("low", "high")}
        rows.append(
            origin(name, results.data_set)
            | {"contestant": record.contestant, "metric": metric, "parameters": record.exact["parameters"]}
            | {"error": _percent(metric, error), **ends, "best": best}
        )
    return six(pd.DataFrame(rows))


def six(data: pd.DataFrame) -> pd.DataFrame:
    """Return a table as its CSV has it: six significant digits of each number."""
    digits = {name: [float(f"{number:.6g}") for number in data[name]] for name in data.select_dtypes("floating")}
    return data.assign(**digits)


def _end(metric: str, estimate: Estimate | None, end: str) -> float:
    return _percent(metric, None if estimate is None else getattr(estimate, end))


def _percent(metric: str, value: float | None) -> float:
    return float("nan") if value is None else scale(metric) * value
