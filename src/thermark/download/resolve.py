"""One file by its content: from the cache, a mirror, a folder filled by hand, or the network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from thermark.download import cache, mirrors
from thermark.download.download import DEFAULT_POLICY, RetryPolicy, download
from thermark.download.mirrors import Mirrors
from thermark.download.request import Remote

Download = Callable[[Remote, Path, RetryPolicy], str]
LocalFile = tuple[Path, str]  # and its sha256


@dataclass(frozen=True)
class FileStore:
    """Where files are looked for and kept: the cache folder, and the mirrors (`<cache>/placed` is one of them)."""

    cache: Path
    mirrors: Mirrors
    policy: RetryPolicy = DEFAULT_POLICY


def default_store() -> FileStore:
    """Return this machine's store, as THERMARK_CACHE and THERMARK_MIRRORS describe."""
    root = cache.location()
    return FileStore(root, Mirrors((*mirrors.roots(), cache.placed(root))))


def find_local(store: FileStore, sha256: str, size: int | None, name: str) -> Path | None:
    """Return a verified local file with this content, or None.

    `size` is in bytes and `name` only a hint; where the size is unknown, files of the mirrors must be called so.
    """
    if path := cache.find(store.cache, sha256):
        return path
    if size is not None:
        return store.mirrors.find(sha256, size, name)
    return next((path for path in store.mirrors.named(name) if store.mirrors.sha256(path) == sha256), None)


def resolve(remote: Remote, store: FileStore, download_file: Download = download) -> LocalFile:
    """Return a verified local copy of a remote file and its sha256; not to be written to.

    A file of unknown sha256 is taken from the cache when its URL was fetched before; otherwise `download_file`
    fills a part file with it and returns its sha256. Raises what `download_file` raises.
    """
    if copy := at_hand(remote, store):
        return copy
    cache.writable(store.cache)
    with cache.lock(store.cache, remote.url):
        if copy := at_hand(remote, store):
            return copy  # another process was faster
        part = cache.part_path(store.cache, remote.url, remote.name)
        sha256 = download_file(remote, part, store.policy)
        if remote.sha256 is None:
            cache.remember(store.cache, remote.url, sha256)
        return cache.add(store.cache, part, sha256), sha256


def at_hand(remote: Remote, store: FileStore) -> LocalFile | None:
    """Return a verified local copy of a file and its sha256 where its content, or what its URL sent, is here."""
    sha256 = remote.sha256 or cache.recall(store.cache, remote.url)
    if sha256 is None:
        return None
    path = find_local(store, sha256, remote.size, remote.name)
    return (path, sha256) if path else None
