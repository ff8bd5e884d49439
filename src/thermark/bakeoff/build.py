"""The bake-off: zero-shot contestants under the posts' protocols and ours, as Markdown, JSON and a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thermark.bakeoff import against, drawing, polarity, tables, tone
from thermark.bakeoff.inputs import Places, Study, read
from thermark.bakeoff.measure import Measured, measure
from thermark.core import files
from thermark.core.config import Section
from thermark.core.scored import Split
from thermark.metrics import evaluate
from thermark.published import Published, load
from thermark.report.legend import NOTICES
from thermark.report.markdown import code, escaped
from thermark.report.reference import Compared, Tolerance

TITLE = "# The zero-shot bake-off"
PART2 = (
    "Part 2 is compared in metrics/finetune.md, which asks heads in their crops; the numbers of part 2 here are "
    "of the nearest answers of contestants that see whole frames."
)


class Config(Section):
    """`dataset`: the noses; `picture`: the variant of its pictures that the posts saw; `tolerance`: of a
    reproduction.
    """

    dataset: str = "thermeval"
    picture: str = "png"
    tolerance: Tolerance = Tolerance()


def build(
    contestants: Mapping[str, bool],
    datasets: Mapping[str, Mapping[str, Any]],
    scoring: Mapping[str, evaluate.Config],
    splits: Mapping[str, Split],
    places: Places,
    text: Path,
    numbers: Path,
    figure: Path,
    config: Config,
) -> None:
    """Write the bake-off of `contestants` (name -> whether it looks at whole frames), even of none.

    `datasets` are the sections of all data sets, `scoring` says how each is evaluated, `splits` on which faces. A
    profile without the posts' data set gets the published numbers alone. Raises DataError for missing or outdated
    results, ConfigError for a picture that the data set does not have.
    """
    posts, turned = load("posts"), polarity.measure(contestants, scoring, splits, places)
    if config.dataset in datasets and config.dataset in scoring:
        study = read(config.dataset, datasets[config.dataset], contestants, places)
        cap = scoring[config.dataset].cap
        made = measure(study, config.picture, scoring[config.dataset])
        idle = {each.name: each.unseen(config.picture) for each in study.contestants}
        seeds = {each.name: each.seeds for each in study.ran}
        rows = against.compare(posts, made.blog, idle, study.origin, config.tolerance, seeds)
        parts, told, drawn = _parts(study, made, posts, rows, cap, config), _numbers(study, made), made.unified
    else:
        idle = dict.fromkeys(contestants, f"{config.dataset} is not in this profile")
        rows = against.compare(posts, {}, idle, "real", config.tolerance, {})
        lead = [TITLE, f"This profile has no data set {code(config.dataset)}."]
        parts, told, drawn, cap = [*lead, _published(posts, rows, config)], {"contestants": {}}, {}, 0.5
    parts.append(polarity.section(turned))
    files.write_text(text, "\n\n".join(filter(None, parts)) + "\n")
    told |= {"published": list(map(against.plain, rows)), "polarity": polarity.plain(turned)}
    files.write_json(numbers, told)
    drawing.draw(drawn, cap, figure)


def _published(posts: Published, rows: Sequence[Compared], config: Config) -> str:
    return against.section(posts, rows, config.tolerance, f"{posts.absent} {PART2}")


def _parts(
    study: Study, made: Measured, posts: Published, rows: Sequence[Compared], cap: float, config: Config
) -> list[str]:
    return [
        f"{TITLE}: noses on {escaped(study.title)}",
        *([NOTICES[study.origin]] if study.origin in NOTICES else []),
        tables.protocols(study, config.picture, cap),
        tables.overview(study, made),
        tables.everybody(study, made),
        tables.posts(study, made),
        _published(posts, rows, config),
        tables.toned(study, made),
        tables.called(made),
    ]


def _numbers(study: Study, made: Measured) -> dict[str, Any]:
    """Return everything as plain data: protocol -> contestant (-> part of the noses) -> metric -> number."""
    keys = ("status", "reason", "boxes")
    about = {
        "contestants": {
            each.name: {key: each.summary.get(key, "") for key in keys} | {"seeds": each.seeds}
            for each in study.contestants
        },
        "order": made.order,
        "variants": tone.words(study),
    }
    return about | made.blog | {name: getattr(made, name) for name in ("unified", "tone", "conventions")}
