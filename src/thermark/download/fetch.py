"""A whole data set: licences, pieces, pins."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from thermark.core import files
from thermark.core.errors import DataError, NetworkError
from thermark.core.runs import skip, skipped
from thermark.download import cache, extract_set, fetch_config, licences, listing, local, manifest, network
from thermark.download.fetch_config import Config, ResolvedPiece
from thermark.download.local_copy import Folder, LocalCopy, SingleFile
from thermark.download.manifest import File, Pin
from thermark.download.request import Changed, WebPage
from thermark.download.resolve import FileStore

LocalCopies = Mapping[str, LocalCopy]
NOT_HAD = "its files could not be had: `make data` says why, and tries again"


class Unaccepted(NetworkError):
    """Licences that were not accepted on this machine."""


def fetch_or_skip(key: str, config: Config, path: Path, sheets: Path, out: Path, store: FileStore) -> str | None:
    """Do as `fetch`; of an optional set that cannot be had leave a reason in `out`, and return what went wrong.

    The reason is the same on every machine: it gets into results. What was fetched before stays, and is an error
    to miss. Raises what `fetch` raises, but for that.
    """
    try:
        fetch(key, config, path, sheets, out, store)
    except (NetworkError, WebPage) as error:
        if not config.optional or (out.is_dir() and not skipped(out)):
            raise
        if not path.exists():
            manifest.write(path, {})
        skip(out, error.cause if isinstance(error, Unaccepted) else NOT_HAD)
        return f"{error.cause}; {error.remedy}"
    return None


def fetch(key: str, config: Config, path: Path, sheets: Path, out: Path, store: FileStore) -> None:
    """Fill `out` with the data set `key`, whole or not at all, and pin what it was, or hold it against the pins.

    `path`: the manifest. `sheets`: the folder of licences. Raises NetworkError (licences not accepted, and
    all that could not be had), DataError (a page in place of a piece, other content than pinned, pieces with one
    file, a refused archive, a full disk), ConfigError (a manifest of something else, beyond `max_mb`), SetupError
    (a cache, or a folder of `out` or `path`, that cannot be written).
    """
    pieces = fetch_config.resolve_pieces(config)
    _require_licences(key, pieces, sheets, store)
    pins = manifest.pinned(path, pieces)
    alone = len(pieces) == 1
    copies = _local_copies(key, pieces, pins, store, out, alone)
    if len(copies) == len(pieces):
        _assemble(key, pieces, copies, pins, path, store, out)
        return
    cache.writable(store.cache)
    with cache.lock(store.cache, f"the data set {key}"):
        pins = manifest.pinned(path, pieces)  # another process may have pinned them meanwhile
        absent = [piece for piece in pieces if piece.key not in copies]
        copies |= _local_copies(key, absent, pins, store, out, alone)
        brought = network.fetch_missing(key, pieces, copies, pins, path, store, config.max_mb)
        _assemble(key, pieces, copies | brought, pins, path, store, out)


def _require_licences(key: str, pieces: Sequence[ResolvedPiece], sheets: Path, store: FileStore) -> None:
    sheets_by_name = licences.of_data(sheets)
    required = {piece.piece.licence: licences.find(piece.piece.licence, sheets_by_name) for piece in pieces}
    refused = {licence.name for licence in licences.missing(required.values(), store.cache)}
    if not refused:
        return
    details = [
        f"{name} ({sheets_by_name[name].title}, {sheets_by_name[name].url}) for "
        + ", ".join(piece.key for piece in pieces if piece.piece.licence == name)
        for name in sorted(refused)
    ]
    commands = " and ".join(f"`thermark accept-licence {name}`" for name in sorted(refused))
    raise Unaccepted(
        f"{key} is under licences that you have not accepted: {'; '.join(details)}",
        f"read them, then {commands}, or name them in {licences.VARIABLE}, separated by commas",
    )


def _local_copies(
    key: str, pieces: Sequence[ResolvedPiece], pins: Mapping[str, Pin], store: FileStore, out: Path, alone: bool
) -> dict[str, LocalCopy]:
    copies = {piece.key: local.find(key, piece, alone, pins.get(piece.key), store, out) for piece in pieces}
    return {name: copy for name, copy in copies.items() if copy is not None}


def _assemble(
    key: str,
    pieces: Sequence[ResolvedPiece],
    copies: LocalCopies,
    pins: Mapping[str, Pin],
    path: Path,
    store: FileStore,
    out: Path,
) -> None:
    """Make `out` from what has arrived, then write the pins, then print what was done."""
    for parent in (out.parent, path.parent):
        cache.require_writable(parent, "the folder", "make it writable")
    files.clear_leftovers(out)
    now: dict[str, Pin] = {}
    taken: dict[str, str] = {}
    with files.fresh_directory(out) as folder, _workspace(out) as workspace:
        for piece in pieces:
            stage = workspace / piece.key
            now[piece.key] = _unpack(piece, copies[piece.key], pins.get(piece.key), path, store, stage)
            extract_set.move_into_place(piece, stage, folder, taken)
    # Killed in between, the next run finds everything in the cache and pins the same.
    if now != pins:
        manifest.write(path, now)
    _report(key, now, pins, copies, out)


@contextmanager
def _workspace(out: Path) -> Iterator[Path]:
    """Yield a folder for pieces: beside the data set, and called so that it is cleared after a kill."""
    workspace = out.with_name(f"{out.name}.tmp-{files.MACHINE}-pieces-{os.getpid()}")
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir()
    try:
        yield workspace
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _unpack(
    piece: ResolvedPiece, copy: LocalCopy, pin: Pin | None, path: Path, store: FileStore, stage: Path
) -> Pin:
    """Fill `stage` with a piece and return its pin: the one that it had, completed, or a new one."""
    try:
        entries = extract_set.unpack_piece(piece, copy, pin, manifest.known_files(pin, store.cache), stage)
    except DataError as error:
        if (pin is None or pin.file is None) and isinstance(copy, SingleFile) and copy.published:
            network.forget(piece, store)
        if isinstance(error, Changed):
            remedy = f"{error.remedy}; if it is right, {manifest.renewal(path, piece.key)}"
            raise Changed(error.cause, remedy) from error
        raise
    if len(entries) > manifest.LISTED:
        listing.save(store.cache, entries)
    file = None
    if isinstance(copy, SingleFile) and copy.published:
        file = File(name=piece.name, size=copy.path.stat().st_size, sha256=copy.sha256)
    if pin is None:
        return manifest.pin(piece, entries, file)
    return pin if pin.file or file is None else pin.model_copy(update={"file": file})


def _report(key: str, now: Mapping[str, Pin], before: Mapping[str, Pin], copies: LocalCopies, out: Path) -> None:
    count, size = sum(pin.tree.files for pin in now.values()), sum(pin.tree.bytes for pin in now.values())
    print(f"{key}: {len(now)} pieces, {count} files, {size / 1e6:.1f} MB in {out}")
    for name, pin in now.items():
        state = "matched" if name in before else "pinned"
        print(f"  {name}: {pin.tree.files} files, {pin.tree.bytes / 1e6:.1f} MB, {state} sha256 {pin.tree.sha256}")
        if name not in before and _by_hand(copies[name]):
            print(f"  {name} was pinned from what was placed, not from the publisher")


def _by_hand(copy: LocalCopy) -> bool:
    return not (copy.published if isinstance(copy, SingleFile) else isinstance(copy, Folder) and copy.ours)
