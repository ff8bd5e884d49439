"""The whole report: leaderboard, curves, training history, galleries."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, PositiveInt

from thermark.core.config import Section
from thermark.report import ced, gallery, standing, tables, training
from thermark.report.inputs import Board, Places, boards, left_out
from thermark.report.style import styles


class Config(Section):
    """What the figures show of many contestants.

    `curves`: whose curves have a colour and a label, beside the floor; where empty, the best of each kind (a
    recipe or a family) and then the best of the others, eight with the floor. `gallery_contestants`: the rows of
    the galleries; where empty, the best of each kind, five in all. `gallery_faces`: their columns.
    `gallery_reference`: whose errors choose the faces, the best contestant's if empty.
    """

    curves: tuple[str, ...] = Field((), max_length=standing.CURVES)
    gallery_contestants: tuple[str, ...] = Field((), max_length=standing.ROWS)
    gallery_faces: PositiveInt = 7
    gallery_reference: str = ""


def build(
    datasets: Mapping[str, Sequence[str]],
    kinds: Mapping[str, str],
    trained: Mapping[str, str],
    places: Places,
    curves: Path,
    figures: Path,
    leaderboard: Path,
    config: Config,
) -> list[Board]:
    """Write the leaderboard and all plots for the named data sets, contestants and runs only.

    `datasets` maps each data set to its contestants, `kinds` each contestant to its recipe or family, `trained`
    those that were trained here to their runs. Writes `curves`/{ced,training}.csv,
    `figures`/{ced_<dataset>.svg,training.svg,gallery_<dataset>.png}. Returns the boards, for the console. Raises
    DataError when the result of a named data set, contestant or run is missing, ConfigError for a `config` that
    names an unknown contestant.
    """
    read = boards(datasets, places)
    order = standing.standing(read)
    named = list(dict.fromkeys([*trained, *(entry.contestant for board in read for entry in board.entries)]))
    drawn = styles(named, standing.highlighted(order, kinds, config.curves), standing.FLOOR)
    rows = standing.pictured(order, kinds, config.gallery_contestants, config.gallery_reference)
    tables.write(leaderboard, read, left_out(datasets, places.reports))
    ced.write(read, places.ced, curves, figures, drawn)
    training.write(trained, places.training, curves, figures, drawn)
    for board in read:
        out = figures / f"gallery_{board.dataset}.png"
        gallery.write(board, places, out, drawn, rows, config.gallery_faces, config.gallery_reference)
    return read
