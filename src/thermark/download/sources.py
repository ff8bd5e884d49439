"""One file of a bundle: at hand, or from where its entry names as its source."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from thermark.core import files
from thermark.core.errors import DataError
from thermark.download import cache, hub, packages
from thermark.download.download import RetryPolicy, verify
from thermark.download.extract import Limits, extract_file
from thermark.download.request import Remote, refuse_web_page, without_secrets
from thermark.download.resolve import FileStore, LocalFile, at_hand, resolve
from thermark.download.weights import WeightFile

# Weights do not compress well, and come with a page or two of text.
ARCHIVE = Limits(total=50 * 10**9, entries=100_000)


def address(entry: WeightFile) -> str:
    """Return where an entry's file is published, with `#` and the member's path.

    That is a URL, `pip:name==version` or `npm:name@version`.
    """
    if entry.url:
        return entry.url.address + (f"#{entry.url.member}" if entry.url.member else "")
    if entry.hub:
        return hub.address(entry.hub)
    assert entry.package is not None
    return f"{packages.address(entry.package)}#{entry.package.member}"


def host(entry: WeightFile) -> str:
    """Return the publisher of an entry's file, for a message."""
    if entry.npm:
        return "npm's registry"
    return "the package index" if entry.wheel else without_secrets(address(entry)).split("/")[2]


def container(entry: WeightFile) -> str:
    """Return the address of what is downloaded: the file, or the archive or wheel that it lies in."""
    return address(entry).partition("#")[0]


def size(entries: Sequence[WeightFile]) -> tuple[int, bool]:
    """Return about how many bytes must be downloaded for entries, and whether some sizes are unknown.

    Where the size of an archive is unknown, that of its member stands for it: weights hardly compress.
    """
    sizes: dict[str, int | None] = {}
    for entry in entries:
        packed = entry.package.size if entry.package else entry.url.size if entry.url else None
        sizes[container(entry)] = entry.size if packed is None else packed
    return sum(size or 0 for size in sizes.values()), None in sizes.values()


def local(entry: WeightFile, bundle: str, store: FileStore) -> LocalFile | None:
    """Return a verified local copy of an entry's file and its sha256, or None.

    It may lie there as it is, or in its wheel or archive. A file of unknown sha256 is one that was fetched before,
    or one that a user placed by hand in a folder called like the bundle. Raises DataError for a damaged archive.
    """
    if copy := at_hand(_file(entry), store):
        return copy
    if packed := _packed(entry, store):
        return _unpack(entry, packed, store)
    placed = [path for path in store.mirrors.named(entry.name) if path.parent.name == bundle]
    if entry.sha256 is None and placed:
        refuse_web_page(placed[0], entry.name)
        return placed[0], store.mirrors.sha256(placed[0])
    return None


def fetch(entry: WeightFile, store: FileStore, limit: int) -> LocalFile:
    """Return a verified copy of an entry's file from the network, and its sha256; `limit` is in bytes.

    Raises NetworkError, TooLarge, DataError and SetupError.
    """
    if entry.package:
        return _unpack(entry, packages.fetch(entry.package, store, limit)[0], store)
    archive = _archive(entry)
    remote = replace(archive or _file(entry), limit=limit)
    copy = hub.file(entry.hub, remote, store) if entry.hub else resolve(remote, store)
    return _unpack(entry, copy[0], store) if archive else copy


def _file(entry: WeightFile) -> Remote:
    """Return what is known of an entry's file."""
    return Remote(address(entry), entry.name, entry.size, entry.sha256)


def _archive(entry: WeightFile) -> Remote | None:
    """Return what is known of the archive or package in which an entry's file lies, None where it lies in none."""
    if entry.package:
        return packages.remote(entry.package)
    if entry.url and entry.url.member:
        name = PurePosixPath(without_secrets(entry.url.address)).name
        return Remote(entry.url.address, name, entry.url.size, entry.url.sha256)
    return None


def _packed(entry: WeightFile, store: FileStore) -> Path | None:
    """Return the archive or package of an entry when it is at hand, verified where its sha256 is known."""
    archive = _archive(entry)
    if archive is None:
        return None
    if copy := at_hand(archive, store):
        return copy[0]
    if archive.sha256 is None and entry.sha256:  # any of the right name may be tried: the member is verified
        return next(iter(store.mirrors.named(archive.name)), None)
    return None


def _unpack(entry: WeightFile, archive: Path, store: FileStore) -> LocalFile:
    """Bring the entry's member of an archive into the cache, verified."""
    try:
        return resolve(_file(entry), store, partial(_extract, entry, archive))
    except DataError:
        if entry.url and entry.url.sha256 is None:
            cache.forget(store.cache, entry.url.address)
        raise


def _extract(entry: WeightFile, archive: Path, remote: Remote, part: Path, policy: RetryPolicy) -> str:
    member = entry.package.member if entry.package else entry.url and entry.url.member
    assert member
    extract_file(archive, member, part, ARCHIVE)
    sha256 = files.sha256(part)
    verify(remote, part, sha256)
    return sha256
