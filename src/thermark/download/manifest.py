"""The pins of a data set, in git: what its pieces were when they were first fetched."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import model_validator

from thermark.core import files
from thermark.core.config import Section, nearest, parse
from thermark.core.errors import ConfigError, DataError
from thermark.download import listing
from thermark.download.fetch_config import Key, ResolvedPiece
from thermark.download.listing import ListedFile, Tree
from thermark.download.weights import Sha256, Size

# A longer listing would be most of the repository; its hash serves as well.
LISTED = 1000


class File(Section):
    """The file that upstream offers: its name, size in bytes and sha256."""

    name: str
    size: Size
    sha256: Sha256


class Pin(Section):
    """What a piece was: where it came from, its file (null where upstream has none of fixed bytes), its tree.

    `listing` holds every file of the tree, or is null for a tree of more than `LISTED`.
    """

    source: str
    file: File | None
    tree: Tree
    listing: list[ListedFile] | None

    @model_validator(mode="after")
    def _sound(self) -> "Pin":
        if self.listing is not None and listing.digest(self.listing) != self.tree:
            raise ValueError("tree and listing disagree")
        if self.listing is not None and (path := listing.colliding(entry.path for entry in self.listing)):
            raise ValueError(f"{path} is there twice")
        return self


class Manifest(Section):
    """The pins of a data set by piece; `name` is the file's."""

    name: str
    pieces: dict[Key, Pin]


def read(path: Path) -> dict[str, Pin]:
    """Return the pins of a manifest by piece, none when there is no file; raises DataError when it is damaged."""
    remedy = "restore it with `git checkout`; never edit hashes by hand"
    try:
        manifest = parse(files.read_json(path), Manifest, path.name)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, RecursionError, ConfigError) as error:
        raise DataError(f"{path} is no manifest: {error}", remedy) from error
    if manifest.name != path.stem:
        raise DataError(f"{path} is the manifest of {manifest.name}", remedy)
    return dict(manifest.pieces)


def pinned(path: Path, pieces: Sequence[ResolvedPiece]) -> dict[str, Pin]:
    """Return the pins of a manifest; raises ConfigError unless they are of these pieces, from the same sources.

    A repository that was pinned before its revision was written down is the same source: the content decides.
    """
    pins, by_key = read(path), {piece.key: piece for piece in pieces}
    for key, pin in pins.items():
        if key not in by_key:
            remedy = f"{nearest(key, list(by_key))} A set of other pieces wants a name of its own under `fetch`"
            raise ConfigError(f"{path} pins a piece {key} that params.yaml does not have", remedy)
        if pin.source not in (by_key[key].source, by_key[key].newest):
            raise ConfigError(
                f"{key} was pinned from {pin.source}, params.yaml says {by_key[key].source}",
                f"restore the params, or {renewal(path, key)}",
            )
        if pin.file and not by_key[key].stable:
            raise DataError(f"{path} pins a file of {key}, which has none", "restore it with `git checkout`")
    return pins


def renewal(path: Path, key: str) -> str:
    """Return the remedy when a piece has rightly changed from what the manifest holds."""
    return f"delete {key} from {path} to pin it anew"


def write(path: Path, pins: Mapping[str, Pin]) -> None:
    """Write pins as JSON with one line per file, so that git shows which ones changed."""
    pieces = ",\n".join(f"    {json.dumps(key)}: {_text(pins[key])}" for key in sorted(pins))
    files.write_text(path, f'{{\n  "name": {json.dumps(path.stem)},\n  "pieces": {{\n{pieces}\n  }}\n}}\n')


def pin(piece: ResolvedPiece, entries: Sequence[ListedFile], file: File | None) -> Pin:
    """Return the pin of a piece that consists of these files."""
    listed = sorted(entries, key=lambda entry: entry.path) if len(entries) <= LISTED else None
    return Pin(source=piece.source, file=file, tree=listing.digest(entries), listing=listed)


def known_files(piece: Pin | None, cache: Path) -> list[ListedFile] | None:
    """Return the listing of a pinned piece where the manifest or the cache folder knows it."""
    return (piece.listing or listing.load(cache, piece.tree)) if piece else None


def _text(piece: Pin) -> str:
    file = json.dumps(piece.file.model_dump() if piece.file else None)
    head = f'"source": {json.dumps(piece.source)},\n      "file": {file}'
    head += f',\n      "tree": {json.dumps(piece.tree.model_dump())}'
    listed = "null"
    if piece.listing is not None:
        lines = ",\n".join(f"        {json.dumps(entry.model_dump())}" for entry in piece.listing)
        listed = f"[\n{lines}\n      ]"
    return f'{{\n      {head},\n      "listing": {listed}\n    }}'
