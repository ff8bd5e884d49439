"""A folder of weights that was verified file by file, or the reason why it is empty."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from thermark.core import files
from thermark.core.errors import DataError

NAME = "bundle.json"


@dataclass(frozen=True)
class Bundle:
    """What `weights@<name>` or `export@<name>` left in `folder`.

    `status`: `ok`, or `skipped` with a `reason` and no files. `cards`: file name -> plain data on the
    model in it (source, revision, licence, input size, channel order, vocabulary,
    trained on).
    """

    folder: Path
    status: Literal["ok", "skipped"]
    reason: str
    cards: Mapping[str, Mapping[str, Any]]

    def file(self, name: str) -> Path:
        """Return the path of a file; raises DataError when the bundle does not list it or it is gone."""
        path = self.folder / name
        if name not in self.cards or not path.is_file():
            raise DataError(f"{self.folder.name} holds no {name}", "run `dvc repro` to bring the weights again")
        return path


def write(folder: Path, status: str, reason: str, cards: Mapping[str, Mapping[str, Any]]) -> None:
    """Describe the files that lie in `folder`."""
    files.write_json(folder / NAME, {"status": status, "reason": reason, "cards": cards})


def read(folder: Path) -> Bundle:
    """Read what `write` wrote; raises DataError when it is absent or damaged."""
    try:
        content = files.read_json(folder / NAME)
        return Bundle(folder, content["status"], content["reason"], content["cards"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder} is no bundle of weights", "run `dvc repro` to bring the weights again"
        ) from error
