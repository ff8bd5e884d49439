"""Every file of published numbers keeps these promises; a new file is found here by itself."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from thermark.core import config, profiles
from thermark.core.errors import ConfigError
from thermark.metrics.registry import METRICS
from thermark.metrics.stability import stability
from thermark.report import reference_results
from thermark.report.columns import FORMATS
from thermark.report.reference_results import Published
from thermark.report.reference_results.compare import KEY

ROOT = Path(__file__).parents[2]
SOURCES = {name: reference_results.load(name) for name in reference_results.names()}
TABLES = {f"{name}/{each}": (source, each) for name, source in SOURCES.items() for each in source.tables}
CELLS = [cell for source in SOURCES.values() for cell in source.cells()]
# Rows, columns, numbers, and cells: a number is a cell once for each contestant of ours that stands beside it.
SHAPES = {
    "mlcmkd/I": (28, 9, 16 * 2 + 28 + 3, 63),  # sizes of networks, T-FAKE, Full twice and Front once
    "mlcmkd/II": (6, 12, 6 * 2 + 5 * 5 + 5, 42),  # sizes, milliseconds, frames per second of t
    "mlcmkd/III": (12, 7, 12 + 9, 21),
    "mlcmkd/IV": (4, 1, 4, 4),
    "mlcmkd/V": (3, 4, 3, 3),
    "posts/part1": (3, 9, 3 * 7 + 2, 23 + 8),  # MediaPipe is two of ours
    "posts/part2": (1, 7, 7, 7),
    "posts/part2_training": (1, 3, 3, 3),
    "posts/part3": (5, 9, 5 * 7 + 2 + 4, 41 + 8),  # so is B
    "posts/part3_detector": (1, 3, 3, 3),
    "posts/sftl54_part1": (3, 2, 6, 6),
    "posts/sftl54_part2": (1, 6, 6, 6),
    "tfake/charlotte": (7, 5, 6 * 5 + 1, 31),
}
# Of no tolerance: a cell says why it cannot be compared.
UNCOMPARED = {"ms", "FPS", "MB", "epoch"}


def test_all_sources_are_here():
    assert {"mlcmkd", "posts", "tfake"} <= set(SOURCES)
    assert set(SHAPES) == set(TABLES), "state the shape of a new table here"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_complete(name):
    source, key = TABLES[name]
    each = source.tables[key]
    numbers = sum(len(row.values) for row in each.rows)
    assert (len(each.rows), len(each.columns), numbers, len(source.cells(key))) == SHAPES[name]
    holes = len(each.rows) * len(each.columns) - numbers
    named = {
        (row.row, column)
        for row in each.rows
        for column in each.columns
        if any(note.covers(row.row, column) and note.text for note in each.absent)
    }
    assert len(named - {(row.row, column) for row in each.rows for column in row.values}) == holes
    assert len({row.row for row in each.rows}) == len(each.rows) and source.source and source.absent


@pytest.fixture(scope="module")
def contestants() -> set[str]:
    default = config.read(ROOT / "params.yaml")
    files = sorted((ROOT / "profiles").glob("*.yaml"))
    merged = [profiles.resolved(default, path.parent, path.stem) for path in files]
    return {name for content in (default, *merged) for name in content["contestants"]}


def test_the_contestant_of_a_cell_is_in_some_profile_or_named_absent(contestants):
    for cell in CELLS:
        assert (cell.run in contestants) != bool(cell.norun), (cell.table, cell.row)


def test_cells_say_what_they_are():
    for cell in CELLS:
        assert cell.title and cell.value > 0, cell
        if cell.unit in ("rate", "fraction"):
            assert cell.value <= 1, cell
        if cell.unit in UNCOMPARED and cell.run:
            assert cell.unmeasured, cell
        assert bool(cell.stratum) == bool(cell.level)
        if cell.unit == "rate" and cell.run:
            assert cell.noses, cell
        # A metric of ours where a data set decides, of the posts' own, or of a training.
        if cell.dataset and cell.run and not cell.unmeasured:
            training = stability([1.0, 2.0, 4.0])
            assert cell.metric in METRICS or cell.metric in FORMATS or cell.metric in training, cell
    # Pages know a cell by these words alone.
    assert Counter(tuple(getattr(cell, name) for name in KEY) for cell in CELLS).most_common(1)[0][1] == 1


# Sums of columns as a second way of writing them down; MLCM-KD's errors and the posts are summed with their pages.
SUMS = {
    "mlcmkd/I": {"params": 213.58, "gflops": 316.23, "full": 0.3311, "front": 0.1999},
    "mlcmkd/II": {
        **{"params": 110.45, "gflops": 20.85, "low_cpu": 194.45, "high_cpu": 129.6, "gtx1660": 25.4},
        **{"rtx4090": 20.54, "orin": 28.01},
    },
    "tfake/charlotte": {"high": 0.559, "low": 0.972, "side": 0.679, "front": 0.91, "full": 0.881},
}


@pytest.mark.parametrize("name", SUMS)
def test_no_digit_slipped(name):
    rows = grid(name).values()
    sums = {column: sum(numbers.get(column, 0.0) for numbers in rows) for column in SUMS[name]}
    assert sums == pytest.approx(SUMS[name], abs=1e-6)


# Known doubts, each by arithmetic.


def grid(name: str) -> dict[str, dict[str, float]]:
    source, key = TABLES[name]
    return {row.row: row.values for row in source.tables[key].rows}


def doubts(name: str, row: str) -> dict[str, str]:
    source, key = TABLES[name]
    return {cell.title: cell.doubt for cell in source.cells(key) if cell.row == row}


def test_table_i_exchanges_the_columns_of_some_rows():
    """Of RTMPose's rows it prints what Table II prints the other way round; of others the smaller number first."""
    first, second = grid("mlcmkd/I"), grid("mlcmkd/II")
    for row in (row for row in second if row != "RTMDet-nano"):
        assert (first[row]["params"], first[row]["gflops"]) == (second[row]["gflops"], second[row]["params"])
    for row, numbers in first.items():
        if "params" in numbers:
            doubt = "exchanged" in doubts("mlcmkd/I", row)["Params"]
            assert (
                doubt
                == (numbers["params"] < numbers["gflops"])
                == ("exchanged" in doubts("mlcmkd/I", row)["GFLOPs"])
            ), row


def test_table_ii_has_one_column_of_cpus():
    for row, numbers in grid("mlcmkd/II").items():
        if "low_cpu" in numbers:
            assert numbers["high_cpu"] == round(numbers["low_cpu"] / 1.5, 1)
            assert "divided by 1.5" in doubts("mlcmkd/II", row)["i9-14900KF (ms)"]
    barred = [cell for cell in SOURCES["mlcmkd"].cells("II") if cell.level == "i9-14900KF"]
    assert len(barred) == 6 and all("divided by 1.5" in cell.unmeasured for cell in barred)
    t = grid("mlcmkd/II")["RTMPose-t"]
    for name in ("low_cpu", "high_cpu", "gtx1660", "rtx4090", "orin"):
        assert t[f"{name}_fps"] == pytest.approx(1000 / t[name], rel=2e-3)


def test_part_2_is_in_px_of_the_crop():
    cells = [cell for cell in SOURCES["posts"].cells("part2") if cell.metric != "detection"]
    assert all("px of the stretched crop" in cell.doubt for cell in cells) and len(cells) == 6
    assert [cell.unit for cell in cells[:2]] == ["crop px", "crop px"]


def test_halves_of_charlotte_average_to_the_whole_but_for_the_row_that_says_so():
    for row, numbers in grid("tfake/charlotte").items():
        if "high" in numbers:
            assert (numbers["high"] + numbers["low"]) / 2 == pytest.approx(numbers["full"], abs=0.0021)
            even = abs((numbers["side"] + numbers["front"]) / 2 - numbers["full"]) <= 0.0021
            assert even != ("do not average" in doubts("tfake/charlotte", row)["Full"]), row


# What the schema refuses.

SMALL = {
    "title": "t",
    "columns": {"a": {"title": "A", "unit": "px"}, "b": {"title": "B", "unit": "px"}},
    "rows": [{"row": "r", "run": "x", "values": {"a": 1.0, "b": 2.0}}],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [{"row": "r", "run": "x", "values": {"a": 1.0}}]}, "has no 'b' and no reason"),
        ({"rows": [{"row": "r", "values": {"a": 1.0, "b": 2.0}}]}, "needs a run, or a reason"),
        (
            {"rows": [{"row": "r", "run": "x", "values": {"a": 1.0, "b": 2.0, "c": 3.0}}]},
            "'c', which is no column",
        ),
        ({"doubts": [{"text": "no", "rows": ["s"]}]}, "'s', which is no row"),
        ({"absent": [{"text": "no", "columns": ["c"]}]}, "'c', which is no row and no column"),
        ({"columns": {"a": {"title": "A", "unit": "inch"}}}, "Input should be"),
    ],
)
def test_broken_tables_are_config_errors(change, message):
    content = {"source": "s", "absent": "", "tables": {"I": SMALL | change}}
    with pytest.raises(ConfigError, match=message):
        config.parse(content, Published, "published/x.yaml")
    whole = config.parse({**content, "tables": {"I": SMALL}}, Published, "published/x.yaml")
    assert [cell.value for cell in whole.cells()] == [1.0, 2.0]


def test_a_hole_with_a_reason_and_what_columns_and_rows_hand_down():
    table = {
        "title": "t",
        "dataset": "tfake",
        "incomparable": "old",
        "columns": {
            "a": {"title": "A", "unit": "px"},
            "b": {"title": "B", "unit": "M", "dataset": "", "metric": "m"},
        },
        "rows": [
            {"row": "r", "run": "x", "also": {"y": "other"}, "values": {"a": 1.0}, "doubt": "late"},
            {"row": "s", "norun": "nobody", "incomparable": "own", "values": {"a": 1.0, "b": 2.0}},
        ],
        "doubts": [{"text": "early", "columns": ["a"]}],
        "absent": [{"text": "not printed", "rows": ["r"], "columns": ["b"]}],
    }
    content = {"source": "here", "absent": "", "tables": {"I": table}}
    cells = config.parse(content, Published, "x").cells("I")
    rows = [(c.row, c.run, c.metric, c.dataset, c.incomparable, c.doubt) for c in cells]
    assert rows == [
        ("r", "x", "a", "tfake", "old", "early; late"),
        ("r", "y", "a", "tfake", "other", "early; late"),
        ("s", "", "a", "tfake", "own", "early"),
        ("s", "", "m", "", "own", ""),
    ]
    assert {(c.source, c.table, c.norun if c.row == "s" else "nobody") for c in cells} == {("here", "I", "nobody")}


def test_files_say_nothing_twice():
    """YAML lets the last of two equal keys win, in silence."""
    for path in reference_results.FOLDER.glob("*.yaml"):
        node = yaml.compose(path.read_text(encoding="utf-8"))
        open_nodes = [node]
        while open_nodes:
            each = open_nodes.pop()
            if isinstance(each, yaml.MappingNode):
                keys = [key.value for key, _ in each.value]
                assert len(keys) == len(set(keys)), (path.name, keys)
                open_nodes += [value for _, value in each.value]
            elif isinstance(each, yaml.SequenceNode):
                open_nodes += each.value
