"""The whole report: leaderboard, curves, training history, galleries."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import PositiveInt

from thermark.core.config import Section
from thermark.report import gallery, plots, tables
from thermark.report.inputs import Board, Places, boards
from thermark.report.style import colours


class Config(Section):
    """`gallery_faces`: columns of the gallery. `gallery_reference`: whose errors choose them, the best if
    empty.
    """

    gallery_faces: PositiveInt = 7
    gallery_reference: str = ""


def build(
    datasets: Mapping[str, Sequence[str]],
    runs: Sequence[str],
    places: Places,
    curves: Path,
    figures: Path,
    leaderboard: Path,
    config: Config,
) -> list[Board]:
    """Write the leaderboard and all plots for the named data sets, contestants and runs only.

    `datasets` maps each data set to its contestants. Writes `curves`/{ced,training}.csv,
    `figures`/{ced_<dataset>.svg,training.svg,gallery_<dataset>.png}. Returns the boards, for the console. Raises
    DataError when the result of a named data set, contestant or run is missing.
    """
    read = boards(datasets, places)
    named = list(dict.fromkeys([*runs, *(entry.contestant for board in read for entry in board.entries)]))
    palette = colours(named)
    tables.write(leaderboard, read)
    plots.write_ced(read, places.ced, curves, figures, palette)
    plots.write_training(runs, places.training, curves, figures, palette)
    for board in read:
        out = figures / f"gallery_{board.dataset}.png"
        gallery.write(board, places, out, palette, config.gallery_faces, config.gallery_reference)
    return read
