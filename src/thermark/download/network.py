"""Pieces from the network, each from its publisher."""

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from thermark.core.errors import NetworkError
from thermark.download import cache, drive, hub, kaggle, listing, local, manifest
from thermark.download.fetch_config import ResolvedPiece, hub_file
from thermark.download.local_copy import Folder, LocalCopy, SingleFile
from thermark.download.manifest import Pin
from thermark.download.request import Changed, Remote, TooLarge, WebPage
from thermark.download.resolve import FileStore, LocalFile, resolve

# Seconds lost on failures after which no further piece is tried: where nothing answers, each would cost as many.
LOST = 2.0


def fetch_missing(
    key: str,
    pieces: Sequence[ResolvedPiece],
    arrived: Collection[str],
    pins: Mapping[str, Pin],
    path: Path,
    store: FileStore,
    max_mb: float,
) -> dict[str, LocalCopy]:
    """Bring the pieces of a data set that have not arrived into the cache; what has come stays there.

    `path`: the manifest of the pins. Raises one NetworkError, or WebPage if a page came in place of a piece, that
    lists all that could not be had and where to place it by hand, TooLarge beyond `max_mb` (10^6 bytes for all
    together), and Changed for other content than pinned.
    """
    missing = [piece for piece in pieces if piece.key not in arrived]
    budget = int(max_mb * 1e6)
    sizes = [_size(piece, pins.get(piece.key)) or 0 for piece in missing]
    if sum(sizes) > budget:
        raise TooLarge(
            f"{key} lacks {sum(sizes) / 1e6:.1f} MB, fetch.{key}.max_mb is {max_mb:g}",
            f"raise it, or {by_hand(key, missing, store)}",
        )
    brought: dict[str, LocalCopy] = {}
    failed: dict[str, NetworkError | WebPage] = {}
    lost = 0.0
    for piece in missing:
        if lost > LOST:
            break
        start = time.monotonic()
        try:
            brought[piece.key] = copy = _one(piece, pins.get(piece.key), path, store, max(budget, 0))
            budget -= _bytes(copy)
        except WebPage as error:
            failed[piece.key] = error  # a server that answers costs no time
        except NetworkError as error:
            failed[piece.key] = error
            lost += time.monotonic() - start
    if failed:
        absent = [piece for piece in missing if piece.key not in brought]
        raise _missing_error(key, absent, failed, pins, store, local.unknown_names(key, pieces, store))
    return brought


def by_hand(key: str, missing: Sequence[ResolvedPiece], store: FileStore) -> str:
    """Return how pieces can be placed by hand."""
    home = cache.placed(store.cache) / key
    ways = [
        f"{piece.name} as {home / piece.name}"
        + (f", or its files below {home / piece.key}" if piece.unpack else "")
        for piece in missing
        if piece.stable
    ]
    trees = [piece for piece in missing if not piece.stable]
    ways += [f"the files of {piece.key} below {home / piece.key}, or packed as {piece.name}" for piece in trees]
    return f"place by hand {'; '.join(ways)} (or in a folder {key} in one of THERMARK_MIRRORS)"


def forget(piece: ResolvedPiece, store: FileStore) -> None:
    """Forget what the source of an unpinned piece sent: it turned out to be wrong."""
    for address in (piece.piece.url, piece.source):
        if address:
            cache.forget(store.cache, address)


def _one(piece: ResolvedPiece, pin: Pin | None, path: Path, store: FileStore, limit: int) -> LocalCopy:
    """Bring one piece; `limit` is in bytes."""
    try:
        if piece.piece.drive_folder:
            return Folder(drive.folder(piece.piece.drive_folder, store, limit), ours=True)
        if piece.piece.kaggle:
            assert piece.piece.version
            return Folder(kaggle.dataset(piece.piece.kaggle, piece.piece.version, store, limit), ours=True)
        if piece.piece.hub and piece.kind == "hub_tree":
            return Folder(hub.dataset(piece.piece.hub, piece.piece.revision, store, limit), ours=True)
        return SingleFile(*_file(piece, pin, store, limit), published=True)
    except Changed as error:
        if pin is None:
            raise
        raise Changed(
            f"{piece.key} from {piece.source}: {error.cause}",
            f"{error.remedy}; if it is right, {manifest.renewal(path, piece.key)}",
        ) from error


def _file(piece: ResolvedPiece, pin: Pin | None, store: FileStore, limit: int) -> LocalFile:
    size, sha256 = (pin.file.size, pin.file.sha256) if pin and pin.file else (None, None)
    remote = Remote(piece.piece.url or piece.source, piece.name, size, sha256, limit)
    if piece.piece.drive:
        return drive.file(piece.piece.drive, remote, store)
    if piece.piece.hub:
        return hub.file(hub_file(piece.piece), remote, store)
    return resolve(remote, store)


def _missing_error(
    key: str,
    missing: Sequence[ResolvedPiece],
    failed: Mapping[str, NetworkError | WebPage],
    pins: Mapping[str, Pin],
    store: FileStore,
    unknown: Sequence[str],
) -> NetworkError | WebPage:
    details = []
    for piece in missing:
        size = _size(piece, pins.get(piece.key))
        amount = "unknown size" if size is None else f"{size / 1e6:.1f} MB"
        cause = failed[piece.key].cause if piece.key in failed else "not tried"
        details.append(f"{piece.key} ({piece.source}, {amount}): {cause}")
    remedies = list(dict.fromkeys(error.remedy for error in failed.values()))
    details += [f"there are {names}, which no piece is called" for names in unknown]
    kind = WebPage if any(isinstance(error, WebPage) for error in failed.values()) else NetworkError
    return kind(
        f"{key} lacks {len(missing)} pieces: {'; '.join(details)}",
        f"{'; '.join(remedies)}; or {by_hand(key, missing, store)}",
    )


def _size(piece: ResolvedPiece, pin: Pin | None) -> int | None:
    """Return how many bytes a piece takes to download, where that is known: of what is unpacked it is not."""
    if pin and pin.file:
        return pin.file.size
    left_packed = piece.kind == "drive_folder" or (piece.kind == "hub_tree" and not piece.inner)
    return pin.tree.bytes if pin and left_packed else None


def _bytes(copy: LocalCopy) -> int:
    """Return what counts against the limit, in bytes: a file as it is, a folder as it lies in the cache."""
    if isinstance(copy, Folder):
        return sum(path.stat().st_size for path in listing.files_below(copy.path).values())
    return copy.path.stat().st_size if isinstance(copy, SingleFile) else 0
