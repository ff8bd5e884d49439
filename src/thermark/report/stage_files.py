"""What all pages read alike: files of earlier stages, and what a data set is called."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.predictions import Predictions, file_name
from thermark.core.runs import seed_folders


def titled(report: Mapping[str, Any], dataset: str) -> str:
    """Return what a data set is called; what we or a machine made is not called by the real one's name alone."""
    name = str(report["card"].get("title") or dataset)
    if report["origin"] == "thermalised":
        return f"FaceSynthetics, thermalised in the layout of {name}"
    if report["origin"] == "rendered":
        return f"{name}, rendered"
    return f"{name}, machine labels" if report["card"].get("labels") == "machine" else name


def left_out(datasets: Iterable[str], reports: Path) -> dict[str, str]:
    """Return data set -> the reason why it is not here, of those that are not."""
    reasons = {name: open_json(reports / f"{name}.json").get("absent") for name in datasets}
    return {name: str(reason) for name, reason in reasons.items() if reason}


def predicted(folder: Path, dataset: str, variant: str, data: str) -> list[Predictions]:
    """Return a contestant's predictions on a variant of a data set by seed; `folder` is that of the contestant.

    Raises DataError where they are missing, or of another face set than that with the fingerprint `data`.
    """
    paths = [seed / file_name(dataset, variant) for seed in seed_folders(folder) or [folder]]
    by_seed = [Predictions.open(existing(path)) for path in paths]
    for one in by_seed:
        one.require(data)
    return by_seed


def open_json(path: Path) -> Any:
    """Read a JSON file that an earlier stage wrote; raises DataError when it is absent."""
    return files.read_json(existing(path))


def existing(path: Path) -> Path:
    """Return `path`; raises DataError when it is absent."""
    if not path.is_file():
        raise DataError(f"{path} is missing", "run `dvc repro`, which writes it")
    return path
