"""The bundle of a post: text, figures, tables, exports and where they come from, in one folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as packaged
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.errors import ConfigError
from thermark.report.blog import community, figures, keys, known, plotted, provenance, references, spoken, tables
from thermark.report.leaderboard.highlights import CURVES, FLOOR, highlighted
from thermark.report.results import errors, ranking
from thermark.report.results.comparisons import Comparisons, open_comparisons
from thermark.report.results.notices import caveat
from thermark.report.results.record import SCHEMA, ResultSet, open_all
from thermark.report.style import styles

BANDS = 3
PROVENANCE = "provenance.json"
FIGURES, TABLES, HUB = "figures", "tables", "huggingface"
TITLE = "Facial landmarks on thermal images: what Thermark measured"


@dataclass(frozen=True)
class Options:
    """What a bundle is made from, and how.

    `results`: the folder of records and of per-face errors; `comparisons`: the file of declared comparisons, None
    for none; `lock`: dvc.lock; `template`: the post, None for that of the package; `hub`: the data-set repository
    of the community evaluation; `url`: where this benchmark can be found, empty for nowhere; `command`: as typed.
    """

    results: Path
    comparisons: Path | None
    lock: Path
    template: Path | None
    out: Path
    hub: str
    url: str
    command: str
    title: str = TITLE


@dataclass(frozen=True)
class Printed:
    """All tables: data set -> leaderboard, the declared families, and who did not run."""

    boards: Mapping[str, tables.Table]
    families: Sequence[tables.Table]
    absences: tables.Table

    @classmethod
    def of(cls, sets: Mapping[str, ResultSet], made: Comparisons) -> "Printed":
        """Return the tables of records and comparisons."""
        groups = _groups(made)
        boards = {name: tables.leaderboard(name, each, groups.get(name, {})) for name, each in sets.items()}
        return cls(boards, tables.families(made, sets), tables.absences(sets))

    def names(self) -> keys.Key:
        """Return the tables as a template names them."""
        boards = {name: each.as_markdown() for name, each in self.boards.items()}
        return keys.tree("table", {"leaderboard": boards, "not_run": self.absences.as_markdown()})


def build(options: Options) -> list[str]:
    """Write the bundle to `options.out`, whole or not at all; return what its author should look at.

    Raises DataError for records that are missing, ConfigError for a template that names what nobody has and for a
    folder that holds something else.
    """
    if options.out.exists() and any(options.out.iterdir()) and not (options.out / PROVENANCE).is_file():
        raise ConfigError(
            f"{options.out} holds something else than a bundle", "name a folder that may be replaced"
        )
    at = provenance.commit(Path())
    opened = open_all(options.results)
    sets = {
        name: each.model_copy(update={"made": provenance.stamped(each.made, at, options.lock)})
        for name, each in opened.items()
    }
    made = open_comparisons(options.comparisons) if options.comparisons else Comparisons()
    template, where = read_template(options.template)
    with files.fresh_directory(options.out) as folder:
        drawn = draw(sets, options.results, folder / FIGURES)
        printed = Printed.of(sets, made)
        said = known_names(sets, made, printed, drawn, at, options.title)
        files.write_text(folder / "index.md", keys.render(template, said, where))
        for table in (*printed.boards.values(), *printed.families, printed.absences):
            tables.write(folder / TABLES, table)
        files.write_text(folder / "references.bib", references.bibtex(references.shown(sets, at.id)))
        community.write(folder / HUB, sets, options.hub, at.date, options.url)
        files.write_json(folder / "results.json", everything(sets, made))
        read = [path for name in sets for path in _files(options.results, name)]
        read += [options.comparisons] if options.comparisons else []
        files.write_json(folder / PROVENANCE, provenance.told(sets, at, read, folder, options.command))
    bare = keys.bare_numbers(template)
    return [f"{where}: {len(bare)} numbers come from no name of a result: {', '.join(bare[:5])}"] if bare else []


def read_template(path: Path | None) -> tuple[str, str]:
    """Return the text of a template and its name in errors; without a path it is that of the package."""
    if path is None:
        return packaged("thermark.report.blog").joinpath("post.md").read_text(encoding="utf-8"), "post.md"
    if not path.is_file():
        raise ConfigError(f"{path} is missing", "name a template that is here, or leave --template out")
    return path.read_text(encoding="utf-8"), path.name


def everything(sets: Mapping[str, ResultSet], made: Comparisons) -> dict[str, Any]:
    """Return the content of results.json: all records of all data sets, and all comparisons."""
    return {
        "schema": SCHEMA,
        "sets": {name: each.model_dump(mode="json", exclude_defaults=True) for name, each in sets.items()},
        "comparisons": made.model_dump(mode="json", exclude_defaults=True),
    }


def draw(sets: Mapping[str, ResultSet], results: Path, out: Path) -> list[figures.Drawing]:
    """Write all figures of all data sets; a contestant has one colour in all of them."""
    order, named = coloured(sets)
    looks = styles(order, named, FLOOR)
    made = []
    for name, each in sets.items():
        per_face = errors.open_errors(results / f"{name}.parquet") if any(r.ran for r in each.records) else {}
        ways = {
            "leaderboard": (plotted.leaderboard(name, each), figures.leaderboard),
            "ced": (plotted.distributions(name, each, per_face, _banded(each, named)), figures.ced),
            "landmarks": (plotted.by_landmark(name, each, named), figures.by_landmark),
            "pareto": (plotted.pareto(name, each), figures.pareto),
        }
        for kind, (table, way) in ways.items():
            if not table.empty:
                heights, drawing = way(each, table, looks)
                alt = spoken.alternative(kind, each, table)
                made.append(figures.Drawing(kind, name, alt, table, heights, drawing))
                figures.write(out, made[-1])
    return made


def coloured(sets: Mapping[str, ResultSet]) -> tuple[list[str], list[str]]:
    """Return who ran, from best to worst, and who has a colour: the best of each set, then of each kind."""
    ran = {record.contestant for each in sets.values() for record in each.records if record.ran}
    order, kinds = [name for name in ranking.overall(sets) if name in ran], ranking.kinds(sets)
    first = [best[0].contestant for each in sets.values() if (best := ranking.ranked(each))]
    able = [name for name in (*first, *highlighted(order, kinds, [])) if name != FLOOR]
    return order, highlighted(order, kinds, list(dict.fromkeys(able))[:CURVES])


def _banded(results: ResultSet, named: Sequence[str]) -> list[str]:
    """Return whose distributions have bands: more than a few hide each other."""
    order = [record.contestant for record in ranking.ranked(results)]
    return [name for name in order if name in named and name != FLOOR][:BANDS]


def known_names(
    sets: Mapping[str, ResultSet],
    made: Comparisons,
    printed: Printed,
    drawn: list[figures.Drawing],
    at: provenance.Commit,
    title: str,
) -> dict[str, Any]:
    """Return all names that a template can use."""
    numbers = known.numbers(sets)
    return numbers | {
        "metric": keys.Key("metric", numbers),
        "sets": list(sets),
        "data": known.data_sets(sets, _groups(made)),
        "contestant": known.contestants(sets),
        "difference": known.differences(made, sets),
        "families": known.families(made, printed.families, sets),
        "figure": known.figures(drawn, FIGURES),
        "table": printed.names(),
        "absent": len({record.contestant for each in sets.values() for record in each.records if not record.ran}),
        "notices": [*dict.fromkeys(filter(None, (known.notice(each.data_set) for each in sets.values())))],
        "references": references.listed(references.shown(sets, at.id)),
        "made": keys.tree("made", {"commit": at.id, "date": at.date, "clean": at.clean}),
        "title": title,
        "description": _description(sets),
    }


def _description(sets: Mapping[str, ResultSet]) -> str:
    titles = ", ".join(each.data_set.title for each in sets.values())
    said = dict.fromkeys(filter(None, (caveat(each.data_set) for each in sets.values())))
    return f"Contestants compared on {titles}" + (f" ({'; '.join(said)})" if said else "")


def _groups(made: Comparisons) -> dict[str, dict[str, str]]:
    return {name: matrix.groups for name, matrix in made.matrices.items()}


def _files(results: Path, name: str) -> list[Path]:
    return [path for suffix in ("json", "parquet") if (path := results / f"{name}.{suffix}").is_file()]
