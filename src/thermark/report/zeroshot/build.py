"""Zero-shot contestants under the posts' protocols and ours, as Markdown, JSON and a figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.config import Section
from thermark.core.origin import Origin
from thermark.metrics.evaluate import Config as Scoring
from thermark.report.columns import Values
from thermark.report.grouping import nested
from thermark.report.paths import ReportPaths
from thermark.report.reference_results import Published, PublishedCell, load, reference_tables
from thermark.report.reference_results.compare import NO_PROFILE, CellComparison, Ours, compare_cells
from thermark.report.zeroshot import drawing, polarity
from thermark.report.zeroshot.measure import PROTOCOLS, measure
from thermark.report.zeroshot.page import ZeroshotPage, rendered
from thermark.report.zeroshot.zeroshot_data import read

TABLES = ("part1", "part3")  # part 2 scores heads in their own crops, a cascade predicts in the frame


class Config(Section):
    """`dataset`: the noses; `picture`: the variant of its pictures that the posts saw."""

    dataset: str = "thermeval"
    picture: str = "png"


def build(
    contestants: Mapping[str, bool],
    datasets: Mapping[str, Mapping[str, Any]],
    scoring: Mapping[str, Scoring],
    paths: ReportPaths,
    text: Path,
    numbers: Path,
    figure: Path,
    config: Config,
) -> None:
    """Write the page of `contestants` (name -> whether it looks at whole frames), even of none.

    `datasets` are the sections of all data sets, `scoring` how each is evaluated. A profile without the
    posts' data set gets the published numbers alone. Raises DataError for missing or outdated results, ConfigError
    for a picture that the data set does not have.
    """
    posts, name, page = load("posts"), config.dataset, None
    unseen = dict.fromkeys(contestants, f"{name} is not in this profile")
    if name in datasets and name in scoring:
        study = read(name, contestants, paths)
        values, unseen = measure(study, config.picture, scoring[name])
        page = ZeroshotPage(study, values, config.picture, datasets[name])
    inverted_sets = [
        ZeroshotPage(data, polarity.measure(data, scoring[data.name]))
        for data in polarity.studies(contestants, scoring, paths)
    ]
    seeds = {record.contestant: record.seeds for record in page.study.records} if page else {}
    origin = page.study.results.data_set.origin if page else "real"
    rows = compare(posts, page.values if page else {}, unseen, origin, seeds)
    published = reference_tables.posts_section(posts, rows, posts.absent)
    content = _plain(page) if page else {"contestants": {}}
    content |= {
        "published": list(map(reference_tables.posts_row, rows)),
        "polarity": dict(map(_polarity, inverted_sets)),
    }
    files.write_text(text, rendered(dataset=name, page=page, published=published, inverted_sets=inverted_sets))
    files.write_json(numbers, content)
    drawing.draw(content.get("unified", {}), page.study.results.protocol.cap if page else 0.5, figure)


def compare(
    posts: Published, values: Values, unseen: Mapping[str, str], origin: Origin, seeds: Mapping[str, int]
) -> list[CellComparison]:
    """Compare every number of parts 1 and 3 with `values`.

    `unseen` is why a contestant of the profile has none, `seeds` of how many seeds are those that we trained.
    """

    def ours(cell: PublishedCell) -> Ours | str:
        noses, number = (values.get((cell.protocol, cell.run, "", metric)) for metric in ("noses", cell.metric))
        if noses is None:
            return unseen.get(cell.run, NO_PROFILE)
        return Ours(number, seeds.get(cell.run, 0), origin=origin, noses=noses)

    return compare_cells(posts.cells(*TABLES), ours)


def _plain(page: ZeroshotPage) -> dict[str, Any]:
    """Return everything as plain data: protocol -> contestant (-> part of the noses) -> metric -> number."""
    keys = {"status", "reason", "boxes", "seeds"}
    about = {record.contestant: record.model_dump(include=keys) for record in page.study.records}
    numbers = {name: {} for name in PROTOCOLS} | nested(page.values)
    return {"contestants": about, "order": [*numbers["unified"]], "variants": page.tones} | numbers


def _polarity(page: ZeroshotPage) -> tuple[str, dict[str, Any]]:
    """Return a data set and contestant -> its numbers, and the metric of its errors."""
    metric, by_contestant = page.study.results.protocol.main, nested(page.values).get("polarity", {})
    return page.study.name, {name: {"metric": metric} | numbers for name, numbers in by_contestant.items()}
