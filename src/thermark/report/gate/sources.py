"""The two sides of a comparison: folders, or revisions of a git repository."""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

from thermark.core.errors import DataError
from thermark.report.results.face_errors import Errors, open_errors
from thermark.report.results.face_errors import read as read_errors
from thermark.report.results.record import ResultSet, open_all, read_set

EXPERIMENTS = "refs/exps"


@dataclass(frozen=True)
class Side:
    """Results by data set, and the errors of every face by data set and contestant.

    `name` is how it was asked for, `commit` that of a revision, empty for a folder.
    """

    name: str
    sets: dict[str, ResultSet]
    errors: dict[str, dict[str, Errors]]
    commit: str = ""


def side(name: str, results: str, repository: Path = Path()) -> Side:
    """Return the results of a folder, or of a revision, tag, branch or DVC experiment.

    A folder holds <set>.json and <set>.parquet, or is the root of a project that has them under `results`. Raises
    DataError where there are none, or where a file beside the records is missing.
    """
    folder = Path(name)
    if folder.is_dir():
        inner = folder / results
        return _folder(name, inner if inner.is_dir() else folder)
    return _revision(name, repository, results)


def _folder(name: str, folder: Path) -> Side:
    sets = open_all(folder)
    return Side(name, sets, {dataset: open_errors(folder / f"{dataset}.parquet") for dataset in sets})


def _revision(name: str, repository: Path, results: str) -> Side:
    commit = _commit(name, repository)
    listed = _git(repository, "ls-tree", "-z", "--name-only", commit, f"{results}/").decode().split("\0")
    texts = {Path(path).stem: path for path in listed if path.endswith(".json")}
    if not texts:
        raise DataError(f"{name} has no {results}", "compare with a revision that has, or with a folder")
    sets, errors = {}, {}
    for dataset, path in texts.items():  # `./`: a project may lie in a folder of its repository
        sets[dataset] = read_set(_git(repository, "show", f"{commit}:./{path}").decode(), f"{path} of {name}")
        table = f"{results}/{dataset}.parquet"
        if table not in listed:
            raise DataError(f"{name} has no {table}", "compare with a revision that has it")
        content = io.BytesIO(_git(repository, "show", f"{commit}:./{table}"))
        errors[dataset] = read_errors(content, f"{table} of {name}")
    return Side(name, sets, errors, commit)


def _commit(name: str, repository: Path) -> str:
    """Return the commit of a revision, or of an experiment that DVC keeps under a name."""
    try:
        return _git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
    except DataError:
        kept = _git(repository, "for-each-ref", "--format=%(objectname) %(refname)", EXPERIMENTS).decode()
        experiments = [line.split(" ", 1)[0] for line in kept.splitlines() if line.endswith(f"/{name}")]
        if not experiments:
            remedy = "name a folder of results, a git revision, or an experiment of `dvc exp show`"
            raise DataError(f"{name} is neither a folder nor a revision", remedy) from None
        return experiments[0]


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=repository, capture_output=True, check=True).stdout
    except FileNotFoundError as error:
        raise DataError("git is not installed", "install git, or compare folders") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise DataError(f"git {arguments[0]}: {lines[0] if lines else 'failed'}", "check the revision") from error
