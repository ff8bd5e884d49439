"""The bundle of a post: text, figures, tables, exports and where they come from, in one folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as packaged
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.errors import ConfigError
from thermark.report.blog import community, figures, post_tables, provenance, references, template, template_names
from thermark.report.notices import caveat
from thermark.report.page.view import NAMED, View, leading
from thermark.report.results import face_errors
from thermark.report.results.comparisons import Comparisons, open_comparisons
from thermark.report.results.record import SCHEMA, ResultSet, open_all

PROVENANCE = "provenance.json"
FIGURES, TABLES, HUB = "figures", "tables", "huggingface"
TITLE = "Facial landmarks on thermal images: what Thermark measured"


@dataclass(frozen=True)
class BundleOptions:
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


def build(options: BundleOptions) -> list[str]:
    """Write the bundle to `options.out`, whole or not at all; return what its author should look at.

    Raises DataError for records that are missing, ConfigError for a template with an unknown name and for a
    folder that holds something else.
    """
    if options.out.exists() and any(options.out.iterdir()) and not (options.out / PROVENANCE).is_file():
        raise ConfigError(
            f"{options.out} holds something else than a bundle", "name a folder that may be replaced"
        )
    commit = provenance.commit(Path())
    stored = open_all(options.results)
    sets = {
        name: results.model_copy(update={"made": provenance.stamped(results.made, commit, options.lock)})
        for name, results in stored.items()
    }
    comparisons = open_comparisons(options.comparisons) if options.comparisons else Comparisons()
    post, where = read_template(options.template)
    with files.fresh_directory(options.out) as folder:
        drawings = draw(sets, options.results, folder / FIGURES)
        groups = {name: matrix.groups for name, matrix in comparisons.matrices.items()}
        boards = {name: post_tables.leaderboard(name, one, groups.get(name, {})) for name, one in sets.items()}
        families = [post_tables.family(declared, sets) for declared in comparisons.families]
        absences = post_tables.absences(sets)
        printed = {"leaderboard": {name: board.as_markdown() for name, board in boards.items()}}
        names = known_names(sets, comparisons, families, drawings, commit) | {
            "data": template_names.data_sets(sets, groups),
            "table": template.tree("table", printed | {"not_run": absences.as_markdown()}),
            "title": options.title,
        }
        files.write_text(folder / "index.md", template.render(post, names, where))
        for table in (*boards.values(), *families, absences):
            post_tables.write(folder / TABLES, table)
        files.write_text(folder / "references.bib", references.bibtex(references.cited(sets, commit.id)))
        community.write(folder / HUB, sets, options.hub, commit.date, options.url)
        files.write_json(folder / "results.json", everything(sets, comparisons))
        read = [path for name in sets for path in _files(options.results, name)]
        read += [options.comparisons] if options.comparisons else []
        files.write_json(folder / PROVENANCE, provenance.content(sets, commit, read, folder, options.command))
    bare = template.bare_numbers(post)
    return [f"{where}: {len(bare)} numbers come from no name of a result: {', '.join(bare[:5])}"] if bare else []


def read_template(path: Path | None) -> tuple[str, str]:
    """Return the text of a template and its name in errors; without a path it is that of the package."""
    if path is None:
        return packaged("thermark.report.blog").joinpath("post.md").read_text(encoding="utf-8"), "post.md"
    if not path.is_file():
        raise ConfigError(f"{path} is missing", "name a template that is here, or leave --template out")
    return path.read_text(encoding="utf-8"), path.name


def everything(sets: Mapping[str, ResultSet], comparisons: Comparisons) -> dict[str, Any]:
    """Return the content of results.json: all records of all data sets, and all comparisons."""
    return {
        "schema": SCHEMA,
        "sets": {name: results.model_dump(mode="json", exclude_defaults=True) for name, results in sets.items()},
        "comparisons": comparisons.model_dump(mode="json", exclude_defaults=True),
    }


def draw(sets: Mapping[str, ResultSet], folder: Path, out: Path) -> list[figures.Drawing]:
    """Write all figures of all data sets; a contestant has one colour in all of them."""
    named, drawings = leading(list(sets.values()), NAMED), []
    for name, results in sets.items():
        per_face = (
            face_errors.open_errors(folder / f"{name}.parquet") if any(r.ran for r in results.records) else {}
        )
        drawings += figures.drawings(name, View(results, per_face, named))
    for drawing in drawings:
        figures.write(out, drawing)
    return drawings


def known_names(
    sets: Mapping[str, ResultSet],
    comparisons: Comparisons,
    families: Sequence[post_tables.PostTable],
    drawings: list[figures.Drawing],
    commit: provenance.Commit,
) -> dict[str, Any]:
    """Return the names that a template can use, but for those of tables, data sets and the title."""
    numbers = template_names.numbers(sets)
    return numbers | {
        "metric": template.Key("metric", numbers),
        "sets": list(sets),
        "contestant": template_names.contestants(sets),
        "difference": template_names.differences(comparisons, sets),
        "families": [
            template_names.family(*pair, sets) for pair in zip(comparisons.families, families, strict=True)
        ],
        "figure": template_names.figures(drawings, FIGURES),
        "absent": len(
            {record.contestant for results in sets.values() for record in results.records if not record.ran}
        ),
        "notices": [
            *dict.fromkeys(filter(None, (template_names.notice(results.data_set) for results in sets.values())))
        ],
        "references": references.listed(references.cited(sets, commit.id)),
        "made": template.tree("made", {"commit": commit.id, "date": commit.date, "clean": commit.clean}),
        "description": _description(sets),
    }


def _description(sets: Mapping[str, ResultSet]) -> str:
    titles = ", ".join(results.data_set.title for results in sets.values())
    caveats = dict.fromkeys(filter(None, (caveat(results.data_set) for results in sets.values())))
    return f"Contestants compared on {titles}" + (f" ({'; '.join(caveats)})" if caveats else "")


def _files(results: Path, name: str) -> list[Path]:
    return [path for suffix in ("json", "parquet") if (path := results / f"{name}.{suffix}").is_file()]
