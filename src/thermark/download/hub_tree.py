"""A whole data set repository of the Hugging Face Hub, at one commit."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from thermark.core.errors import DataError
from thermark.core.progress import track
from thermark.download import cache, extract, hub, listing, trees
from thermark.download.download import download
from thermark.download.request import Remote, TooLarge
from thermark.download.resolve import Store

WORKERS = 4  # a small file is mostly waiting; the Hub refuses those who ask much faster


def address(repo: str, revision: str | None) -> str:
    """Return the page that lists a repository's files."""
    return f"{hub.HOST}/datasets/{repo}/tree/{revision or 'main'}"


def dataset(repo: str, revision: str | None, store: Store, limit: int | None) -> Path:
    """Return a local folder with all files of a repository, archives packed; not to be written to.

    `revision` null is the newest one, which is asked for, and told, each time. The folder is complete or not
    there: finished files of an interrupted run wait beside it, and unfinished ones are continued. `limit` is in
    bytes, for all files together, and holds before the first is fetched. Every file has the size that the Hub
    states, and its sha256 where that is stated, which is of large files only.
    Raises Refused (gated, private, no such repository or revision), NetworkError, TooLarge, and DataError (unsafe
    or colliding names, an empty repository, other content than stated, a full disk).
    """
    if revision and (tree := trees.path(store.cache, address(repo, revision))).is_dir():
        return tree
    cache.writable(store.cache)
    commit, files = hub.contents(repo, revision, store.patience)
    where = address(repo, commit)
    tree = trees.path(store.cache, where)
    with cache.lock(store.cache, where):
        if not tree.is_dir():
            _require_harmless([file.name for file in files], where)
            _require_within(limit, files, where)
            growing = tree.with_name(f"{tree.name}.part")
            _fill(files, growing, where, store)
            growing.replace(tree)
    return tree


def _require_harmless(names: Sequence[str], where: str) -> None:
    for name in names:
        try:
            listing.inside(name)
        except ValueError as error:
            raise DataError(f"{where} holds the unsafe name {name!r}", "tell its owner") from error
    if clash := listing.colliding(names):
        raise DataError(f"{where} holds {clash} twice, or a file inside of it", "tell its owner")


def _require_within(limit: int | None, files: Sequence[Remote], where: str) -> None:
    size = sum(file.size or 0 for file in files)
    if limit is not None and size > limit:
        raise TooLarge(
            f"{where} takes {size / 1e6:.1f} MB, max_mb leaves {limit / 1e6:.1f}",
            "raise max_mb in params.yaml, or place the folder by hand",
        )


def _fill(files: Sequence[Remote], growing: Path, where: str, store: Store) -> None:
    """Bring every file that `growing` lacks; the first failure ends it, and the next run goes on from there."""
    missing = [file for file in files if not (growing / file.name).is_file()]

    def bring(file: Remote) -> None:
        # Named after the public page, so that a run with another HF_ENDPOINT goes on as well.
        part = cache.part_path(store.cache, f"{where}/{file.name}", "hub")
        download(file, part, store.patience)
        (growing / file.name).parent.mkdir(parents=True, exist_ok=True)
        part.replace(growing / file.name)

    needed = sum(file.size or 0 for file in missing)
    with extract.room(where, growing.parent, needed), ThreadPoolExecutor(WORKERS) as pool:
        try:
            for _ in track(pool.map(bring, missing), len(missing), "the Hub's repository", "files"):
                pass
        finally:
            pool.shutdown(cancel_futures=True)
