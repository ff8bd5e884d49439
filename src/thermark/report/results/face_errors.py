"""The error of every scored face, contestant and seed of a data set: a Parquet file beside the records.

Columns: `contestant`, `seed` (int8, -1 for an answer that no training of ours made), `face`, `subject`, `error`
(float32, in the unit of the main metric, infinite = missed). The bytes depend on the values and pyarrow's version.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from thermark.core import files
from thermark.core.errors import DataError
from thermark.report.stage_files import existing

COLUMNS = ("contestant", "seed", "face", "subject", "error")
TEXTS = ("contestant", "face", "subject")
Errors = dict[
    str, NDArray[Any]
]  # `ids`, `subjects` (N,), and `per_seed` (S, N), or (1, N) where `seeded` is False


def table(contestants: Mapping[str, Errors]) -> pa.Table:
    """Return the errors of several contestants as one table; `seeded` (a 0-d bool): whether the rows are seeds."""
    nothing = {"ids": np.empty(0, np.str_), "subjects": np.empty(0, np.str_), "per_seed": np.empty((1, 0))}
    everybody = contestants or {"": nothing | {"seeded": np.array(False)}}
    parts = [_rows(name, errors) for name, errors in everybody.items()]
    columns = {column: pa.array(np.concatenate([part[column] for part in parts])) for column in COLUMNS}
    return pa.table(
        {name: cells.dictionary_encode() if name in TEXTS else cells for name, cells in columns.items()}
    )


def write(path: Path, contestants: Mapping[str, Errors]) -> None:
    """Write the errors of all contestants, whole or not at all."""
    with files.replacing(path) as temporary:
        parquet.write_table(table(contestants), temporary, compression="zstd", compression_level=9)


def read(source: Any, where: str) -> dict[str, Errors]:
    """Return contestant -> `ids`, `subjects`, `per_seed` and `seeded` of a path or an open file.

    Raises DataError that names `where` for what is no such file, and where seeds of one are of other faces.
    """
    try:
        frame = parquet.read_table(source, columns=list(COLUMNS)).to_pandas()
        groups = frame.groupby("contestant", sort=False, observed=True)
        return {str(name): _of_one(str(name), rows) for name, rows in groups}
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        cause = str(error).splitlines()[0]
        raise DataError(f"{where} holds no per-face errors: {cause}", "run `dvc repro`") from error


def _of_one(name: str, rows: Any) -> Errors:
    """Return the errors of one contestant, a data frame; raises ValueError where its seeds are of other faces."""
    seeds = rows["seed"].unique()
    by_seed = [rows[rows["seed"] == seed] for seed in seeds]
    ids, values = by_seed[0]["face"].to_numpy(np.str_), []
    for seed_rows in by_seed:
        faces, column = seed_rows["face"].to_numpy(np.str_), seed_rows["error"].to_numpy(np.float64)
        if not np.array_equal(faces, ids):  # seeds may stand in other orders: faces are known by their names
            if not same_faces(faces, ids):
                raise ValueError(f"seeds of {name} are of other faces")
            column = column[places(faces, ids)]
        values.append(column)
    return {
        "ids": ids,
        "subjects": by_seed[0]["subject"].to_numpy(np.str_),
        "per_seed": np.stack(values),
        "seeded": np.array(seeds[0] >= 0),
    }


def same_faces(faces: NDArray[np.str_], wanted: NDArray[np.str_]) -> bool:
    """Tell whether names of faces are the same, in any order."""
    return np.array_equal(np.sort(faces), np.sort(wanted))


def places(faces: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return where each of the `wanted` names stands among the same names in another order."""
    return np.argsort(faces)[np.argsort(np.argsort(wanted))]


def open_errors(path: Path) -> dict[str, Errors]:
    """Return the errors of a file; raises DataError where it is absent."""
    return read(existing(path), str(path))


def _rows(name: str, errors: Errors) -> dict[str, NDArray[Any]]:
    values = np.atleast_2d(errors["per_seed"])
    seeds = np.arange(len(values)) if errors["seeded"] else np.array([-1])
    faces = values.shape[1]
    return {
        "contestant": np.full(values.size, name),
        "seed": np.repeat(seeds, faces).astype(np.int8),
        "face": np.tile(errors["ids"], len(values)),
        "subject": np.tile(errors["subjects"], len(values)),
        "error": values.ravel().astype(np.float32),
    }


def mean_error(errors: Errors) -> NDArray[np.float64]:
    """Return the error of each face, the mean over seeds: infinite where any seed missed it; (N,)."""
    return np.asarray(errors["per_seed"].mean(axis=0))
