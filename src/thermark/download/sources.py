"""One file of a bundle: at hand, or from where its entry says it is published."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from thermark.core import files
from thermark.core.errors import DataError
from thermark.download import cache, hub, packages
from thermark.download.download import verify
from thermark.download.extract import Limits, extract_file
from thermark.download.request import Remote, refuse_web_page, without_secrets
from thermark.download.resolve import Store, find_local, resolve
from thermark.download.weights import Entry

# Weights do not compress well, and come with a page or two of text.
ARCHIVE = Limits(total=50 * 10**9, entries=100_000)

LocalFile = tuple[Path, str]


def address(entry: Entry) -> str:
    """Return where an entry's file is published, with `#` and the member's path.

    That is a URL, `pip:name==version` or `npm:name@version`.
    """
    if entry.url:
        return entry.url.address + (f"#{entry.url.member}" if entry.url.member else "")
    if entry.hub:
        return hub.address(entry.hub)
    assert entry.package is not None
    return f"{packages.address(entry.package)}#{entry.package.member}"


def host(entry: Entry) -> str:
    """Return who publishes an entry's file, for a message."""
    if entry.npm:
        return "npm's registry"
    return "the package index" if entry.wheel else without_secrets(address(entry)).split("/")[2]


def container(entry: Entry) -> str:
    """Return the address of what is downloaded: the file, or the archive or wheel that it lies in."""
    return address(entry).partition("#")[0]


def size(entries: Sequence[Entry]) -> tuple[int, bool]:
    """Return about how many bytes must be downloaded for entries, and whether some sizes are unknown.

    Where the size of an archive is unknown, that of its member stands for it: weights hardly compress.
    """
    sizes: dict[str, int | None] = {}
    for entry in entries:
        packed = entry.package.size if entry.package else entry.url.size if entry.url else None
        sizes[container(entry)] = entry.size if packed is None else packed
    return sum(size or 0 for size in sizes.values()), None in sizes.values()


def local(entry: Entry, bundle: str, store: Store) -> LocalFile | None:
    """Return a verified local copy of an entry's file and its sha256, or None.

    It may lie there as it is, or in its wheel or archive. A file of unknown sha256 is one that was fetched before,
    or one that a user placed by hand in a folder called like the bundle. Raises DataError for a damaged archive.
    """
    sha256 = entry.sha256 or cache.recall(store.cache, address(entry))
    if sha256 and (path := find_local(store, sha256, entry.size, entry.name)):
        return path, sha256
    if packed := _packed(entry, store):
        return _unpack(entry, packed, store)
    placed = [path for path in store.mirrors.named(entry.name) if path.parent.name == bundle]
    if entry.sha256 is None and placed:
        refuse_web_page(placed[0], entry.name)
        return placed[0], store.mirrors.sha256(placed[0])
    return None


def fetch(entry: Entry, store: Store, limit: int) -> LocalFile:
    """Return a verified copy of an entry's file from the network, and its sha256; `limit` is in bytes.

    Raises NetworkError, TooLarge, DataError and SetupError.
    """
    cache.writable(store.cache)
    if entry.url and entry.url.member is None:
        return resolve(Remote(entry.url.address, entry.name, entry.size, entry.sha256, limit), store)
    with cache.lock(store.cache, container(entry)):
        if copy := local(entry, "", store):
            return copy  # another process was faster
        if entry.hub:
            wanted = Remote(address(entry), entry.name, entry.size, entry.sha256, limit)
            return _remembered(entry, hub.fetch(entry.hub, wanted, store), store)
        if entry.package:
            return _unpack(entry, packages.fetch(entry.package, store, limit), store)
    assert entry.url is not None
    url = entry.url
    archive, _ = resolve(Remote(url.address, _archive_name(url.address), url.size, url.sha256, limit), store)
    return _unpack(entry, archive, store)


def _archive_name(url: str) -> str:
    return PurePosixPath(without_secrets(url)).name


def _packed(entry: Entry, store: Store) -> Path | None:
    """Return the verified archive or wheel of an entry when it is at hand."""
    if entry.package:
        return find_local(store, entry.package.sha256, entry.package.size, entry.package.name)
    if entry.url and entry.url.member:
        name = _archive_name(entry.url.address)
        sha256 = entry.url.sha256 or cache.recall(store.cache, entry.url.address)
        if sha256:
            return find_local(store, sha256, entry.url.size, name)
        if entry.sha256:  # any archive of the right name may be tried: the member is verified
            return next(iter(store.mirrors.named(name)), None)
    return None


def _unpack(entry: Entry, archive: Path, store: Store) -> LocalFile:
    """Bring the entry's member of an archive into the cache, verified."""
    member = entry.package.member if entry.package else entry.url and entry.url.member
    assert member
    cache.writable(store.cache)
    part = cache.part_path(store.cache, address(entry), entry.name)
    try:
        with cache.lock(store.cache, address(entry)):
            extract_file(archive, member, part, ARCHIVE)
            sha256 = files.sha256(part)
            verify(Remote(address(entry), entry.name, entry.size, entry.sha256), part, sha256)
            return _remembered(entry, (cache.add(store.cache, part, sha256), sha256), store)
    except DataError:
        if entry.url and entry.url.sha256 is None:
            cache.forget(store.cache, entry.url.address)
        raise


def _remembered(entry: Entry, copy: LocalFile, store: Store) -> LocalFile:
    if entry.sha256 is None:
        cache.remember(store.cache, address(entry), copy[1])
    return copy
