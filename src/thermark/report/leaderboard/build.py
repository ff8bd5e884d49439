"""The whole report: leaderboard, curves, training history, galleries."""

from pathlib import Path

from pydantic import PositiveInt

from thermark.core import files
from thermark.core.config import Section
from thermark.report.leaderboard import ced, gallery, highlights, histories
from thermark.report.leaderboard.board import Board, boards, order
from thermark.report.leaderboard.leaderboard import leaderboard as written
from thermark.report.paths import ReportPaths
from thermark.report.results.comparisons import Comparisons
from thermark.report.results.ranking import kinds
from thermark.report.style import styles


class Config(Section):
    """What the galleries show: `gallery_faces` columns.

    `gallery_reference`: whose errors choose the faces, the best contestant's if empty.
    """

    gallery_faces: PositiveInt = 7
    gallery_reference: str = ""


def build(
    comparisons: Comparisons, paths: ReportPaths, curves: Path, figures: Path, leaderboard: Path, config: Config
) -> list[Board]:
    """Write the leaderboard and all plots of the data sets that were compared.

    Writes `curves`/{ced,training}.csv, `figures`/{ced_<dataset>.svg,training.svg,gallery_<dataset>.png}. Returns
    the boards, for the console. Raises DataError when a file of a data set, contestant or run is missing,
    ConfigError for a `config` that names an unknown contestant.
    """
    opened = boards(paths.results, comparisons)
    best = order(opened)
    records = [record for board in opened for record in board.results.records]
    trained = {record.contestant: record.run for record in records if record.run}
    of_kind = kinds({board.data_set.name: board.results for board in opened})
    named = list(dict.fromkeys([*trained, *of_kind]))
    line_styles = styles(named, highlights.highlighted(best, of_kind), highlights.FLOOR)
    rows = highlights.pictured(best, of_kind, config.gallery_reference)
    files.write_text(leaderboard, written(opened, comparisons))
    ced.write(opened, paths.results, curves, figures, line_styles)
    histories.write(trained, paths.training, curves, figures, line_styles)
    for board in opened:
        out = figures / f"gallery_{board.data_set.name}.png"
        gallery.write(board, paths, out, line_styles, rows, config.gallery_faces, config.gallery_reference)
    return opened
