"""Whole folders in the cache, `trees/<hash of the address>`: each complete or absent."""

import hashlib
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from thermark.core.errors import DataError, NetworkError
from thermark.core.progress import track
from thermark.download import cache, extract, listing
from thermark.download.request import NoSpace, Remote, TooLarge, WebPage
from thermark.download.resolve import FileStore

Download = Callable[[Remote, Path], object]

WORKERS = 4  # a small file is mostly waiting; hosts refuse much faster requests
FAILURES = 5  # in a row, after which the rest of a folder is not tried


def path(root: Path, address: str) -> Path:
    """Return where the folder that was published at `address` lies below the cache `root`; it need not exist."""
    return root / "trees" / hashlib.sha256(address.encode()).hexdigest()[:16]


def fetch(address: str, files: Sequence[Remote], store: FileStore, limit: int | None, download: Download) -> Path:
    """Return a local folder with files, called as their paths in it; not to be written to.

    `download` brings one into a part file. The folder is complete or not there: finished files of an interrupted
    run wait beside it and are not fetched again. `limit` is in bytes, for all files together; of known sizes it
    holds before the first is fetched. Raises DataError (unsafe or colliding names, a full disk), TooLarge, and
    what `download` raised first once the other files were tried.
    """
    _require_safe([file.name for file in files], address)
    if limit is not None and sum(file.size or 0 for file in files) > limit:
        raise _too_large(limit, address)

    def fill(tree: Path) -> None:
        unfinished = tree.with_name(f"{tree.name}.part")
        unfinished.mkdir(parents=True, exist_ok=True)
        _remove_unlisted(unfinished, files)
        _fill(address, files, unfinished, store, limit, download)
        unfinished.replace(tree)

    return once(address, store, fill)


def once(address: str, store: FileStore, fill: Callable[[Path], None]) -> Path:
    """Return the folder that was published at `address`; `fill` makes it, whole or not at all, where it is not."""
    tree = path(store.cache, address)
    if tree.is_dir():
        return tree
    cache.writable(store.cache)
    with cache.lock(store.cache, address):
        if not tree.is_dir():
            fill(tree)
    return tree


def _require_safe(names: Sequence[str], address: str) -> None:
    for name in names:
        try:
            listing.inside(name)
        except ValueError as error:
            raise DataError(f"{address} holds the unsafe name {name!r}", "tell its owner") from error
    if clash := listing.colliding(names):
        raise DataError(f"{address} holds {clash} twice, or a file inside of it", "tell its owner")


def _too_large(limit: int, address: str) -> TooLarge:
    return TooLarge(
        f"{address} takes more than {limit / 1e6:.1f} MB",
        "raise max_mb in params.yaml, or place the folder by hand",
    )


def _remove_unlisted(unfinished: Path, files: Sequence[Remote]) -> None:
    """Remove what an earlier run brought and the list has no more."""
    listed = {file.name for file in files}
    for name, old in listing.files_below(unfinished).items():
        if name not in listed:
            old.unlink()


def _fill(
    address: str,
    files: Sequence[Remote],
    unfinished: Path,
    store: FileStore,
    limit: int | None,
    download: Download,
) -> None:
    """Bring every file that `unfinished` lacks; raises the first failure once the others were tried."""
    missing = [file for file in files if not (unfinished / file.name).is_file()]
    present = sum(old.stat().st_size for old in listing.files_below(unfinished).values())
    left = math.inf if limit is None else limit - present
    if left < 0:
        raise _too_large(limit or 0, address)
    failed: list[tuple[str, NetworkError | DataError]] = []
    in_a_row: list[str] = []

    def bring(file: Remote) -> int:
        """Return how many bytes have come."""
        if len(in_a_row) >= FAILURES:
            return 0
        # Named after the public page, so that a run by another address of the same file goes on as well.
        part = cache.part_path(store.cache, f"{address}/{file.name}", "file")
        try:
            download(replace(file, limit=None if limit is None else max(int(left), 0)), part)
        except TooLarge as error:
            raise _too_large(limit or 0, address) from error
        except NoSpace:
            raise
        except (NetworkError, DataError) as error:
            failed.append((file.name, error))
            in_a_row.append(file.name)
            return 0
        in_a_row.clear()
        (unfinished / file.name).parent.mkdir(parents=True, exist_ok=True)
        return part.replace(unfinished / file.name).stat().st_size

    needed = sum(file.size or 0 for file in missing)
    with extract.room(address, unfinished.parent, needed), ThreadPoolExecutor(WORKERS) as pool:
        try:
            for size in track(pool.map(bring, missing), len(missing), f"files of {address}", "files"):
                left -= size
                if left < 0:  # each that is at work knew only what was finished when it began
                    raise _too_large(limit or 0, address)
        finally:
            pool.shutdown(cancel_futures=True)
    if failed:
        raise _incomplete(address, failed, sum(not (unfinished / file.name).is_file() for file in files))


def _incomplete(
    address: str, failed: Sequence[tuple[str, NetworkError | DataError]], absent: int
) -> NetworkError | DataError:
    name, first = failed[0]
    untried = f", {absent - len(failed)} of them not tried" if absent > len(failed) else ""
    kind = (
        NetworkError if isinstance(first, NetworkError) else WebPage if isinstance(first, WebPage) else DataError
    )
    return kind(
        f"{absent} files of {address} did not arrive{untried}, the first is {name}: {first.cause}",
        f"{first.remedy}; then run the same command again, which fetches only what is missing",
    )
