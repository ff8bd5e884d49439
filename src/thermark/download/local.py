"""Pieces that need no network: known by their content, or placed by hand."""

from collections.abc import Sequence
from pathlib import Path

from thermark.core import files
from thermark.core.errors import DataError
from thermark.core.progress import track
from thermark.download import listing
from thermark.download.fetch_config import PACKED, ResolvedPiece
from thermark.download.listing import ListedFile
from thermark.download.local_copy import Folder, LocalCopy, ScatteredFiles, SingleFile
from thermark.download.manifest import Pin, known_files
from thermark.download.request import refuse_web_page
from thermark.download.resolve import FileStore, find_local

# What browsers call a download that has not ended.
UNFINISHED = (".part", ".crdownload", ".download", ".tmp")


def find(
    key: str, piece: ResolvedPiece, alone: bool, pin: Pin | None, store: FileStore, out: Path
) -> LocalCopy | None:
    """Return a local copy of a piece, or None; `alone`: the data set `key` has no other.

    In turn: all files of a known listing by content, in `out` as it is or anywhere in cache and mirrors; the
    pinned file by content; what somebody placed for this piece, which has not been compared with any pin yet.
    Raises DataError for a web page, and for archives and unfinished downloads in the place of files.
    """
    entries = known_files(pin, store.cache)
    if entries and (scattered := _scattered(piece, entries, store, out)):
        return scattered
    if pin and pin.file and (path := find_local(store, pin.file.sha256, pin.file.size, pin.file.name)):
        return SingleFile(path, pin.file.sha256, published=True)
    return _placed(key, piece, alone, store)


def placed_folders(key: str, store: FileStore) -> list[Path]:
    """Return the folders in which pieces of a data set can be placed by hand."""
    return [folder / key for folder in store.mirrors.folders]


def unknown_names(key: str, pieces: Sequence[ResolvedPiece], store: FileStore) -> list[str]:
    """Return names in each of `placed_folders` that no piece has, together with that folder."""
    called = {name for piece in pieces for name in (piece.key, piece.name)}
    messages = []
    for home in placed_folders(key, store):
        if names := sorted(set(_names(home)) - called):
            messages.append(f"{_some(names)} in {home}")
    return messages


def _scattered(
    piece: ResolvedPiece, entries: Sequence[ListedFile], store: FileStore, out: Path
) -> ScatteredFiles | None:
    """Return where all files of a listing are; the first that is nowhere ends the search."""
    places = {}
    for entry in track(entries, len(entries), f"looking for {piece.key}", "files"):
        here = out / piece.into / entry.path
        path = here if _is(here, entry) else find_local(store, entry.sha256, entry.size, Path(entry.path).name)
        if path is None:
            return None
        places[entry.path] = path
    return ScatteredFiles(places, out)


def _is(path: Path, entry: ListedFile) -> bool:
    try:
        regular = path.is_file() and not path.is_symlink()
        return regular and path.stat().st_size == entry.size and files.sha256(path) == entry.sha256
    except OSError:
        return False


def _placed(key: str, piece: ResolvedPiece, alone: bool, store: FileStore) -> LocalCopy | None:
    for home in placed_folders(key, store):
        if (file := home / piece.name).is_file():
            refuse_web_page(file, str(file))
            return SingleFile(file, store.mirrors.sha256(file), published=False)
        if file.is_dir() and piece.name != piece.key:
            _refuse_folder(file, piece)
        for folder in (home / piece.key, *([home] if alone else [])):
            if piece.unpack and _holds_files(folder):
                _refuse_packed(folder, home, piece)
                return Folder(folder, ours=False)
    return None


def _refuse_folder(folder: Path, piece: ResolvedPiece) -> None:
    """Raise DataError for a folder where an archive or another file should be."""
    remedy = f"call it {piece.key}" if piece.unpack else "put the file itself there"
    raise DataError(f"{folder} is a folder, and the file of {piece.key} is called so", remedy)


def _refuse_packed(folder: Path, home: Path, piece: ResolvedPiece) -> None:
    """Raise DataError when a folder of files holds archives or downloads: what is in them would never be seen."""
    endings = UNFINISHED if piece.inner else (*PACKED, *UNFINISHED)  # a repository may well consist of archives
    if held := [name for name in _names(folder) if name.lower().endswith(endings)]:
        raise DataError(
            f"{folder} holds {_some(held)}, packed or half downloaded; the archive of {piece.key} is called "
            f"{piece.name}",
            f"unpack them into {home / piece.key}, or wait for the download; a whole archive can be renamed",
        )


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if path.name not in listing.LITTER)
    except OSError:
        return []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[: listing.SHOWN]) + (
        f" and {len(names) - listing.SHOWN} more" if len(names) > listing.SHOWN else ""
    )


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and bool(listing.files_below(folder, litter=False))
