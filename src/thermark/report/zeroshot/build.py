"""Zero-shot contestants under the posts' protocols and ours, as Markdown, JSON and a figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.config import Section
from thermark.metrics.evaluate import Config as Scoring
from thermark.report.paths import ReportPaths
from thermark.report.reference_results import load, reference_tables
from thermark.report.zeroshot import drawing, polarity, published_comparison
from thermark.report.zeroshot.measure import PROTOCOLS, measure, nested
from thermark.report.zeroshot.page import ZeroshotPage, rendered
from thermark.report.zeroshot.zeroshot_data import read

TEMPLATE = Path(__file__).parent / "templates/page.md"


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
    rows = published_comparison.compare(posts, page.values if page else {}, unseen, origin, seeds)
    published = reference_tables.posts_section(posts, rows, posts.absent)
    content = _plain(page) if page else {"contestants": {}}
    content |= {
        "published": list(map(reference_tables.posts_row, rows)),
        "polarity": dict(map(_polarity, inverted_sets)),
    }
    files.write_text(
        text, rendered(TEMPLATE, dataset=name, page=page, published=published, inverted_sets=inverted_sets)
    )
    files.write_json(numbers, content)
    drawing.draw(content.get("unified", {}), page.study.results.protocol.cap if page else 0.5, figure)


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
