"""Google Drive: one file, or a folder with everything in it.

gdown knows Google's pages, such as the form in front of a large file. The bytes come through our own downloads:
gdown's never start again at a server without Range, and they compare a continued file with what the server offers
now instead of with what was begun. Nothing needs cookies: a form leads to an address that says it all and is asked
for anew by each run, so that none can be stale. Nothing is written outside of the cache.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import requests

from thermark.core.errors import ConfigError, DataError, NetworkError
from thermark.core.progress import track
from thermark.download import cache, drive_list, trees
from thermark.download.download import Patience, download, reach
from thermark.download.drive_list import HOST
from thermark.download.request import CHUNK, NoSpace, Page, Remote, TooLarge, held
from thermark.download.resolve import Store, obtain

PAGES = 3  # forms that may stand in front of a file, one behind the other
WORKERS = 4  # a small file is mostly waiting; Google refuses those who ask much faster
PATIENCE_WITH_FOLDERS = 5  # failures in a row after which the rest of a folder is not tried


def address(id: str) -> str:
    """Return the page of a file, which a browser can open."""
    return f"{HOST}/file/d/{id}/view"


def file(id: str, wanted: Remote, store: Store) -> tuple[Path, str]:
    """Return a verified local copy of a file on Google Drive and its sha256; not to be written to.

    `wanted` states name, size, sha256 and limit; its URL is not used. Raises NetworkError (no connection, private,
    gone, broken off), Page (instead of the file: an exhausted quota), Changed (other content), TooLarge and
    ConfigError (no id).
    """
    _require_id(id)
    return obtain(replace(wanted, url=address(id)), store, partial(_bring, id))


def folder(id: str, store: Store, limit: int | None) -> Path:
    """Return a local folder with all files that a Drive folder lists, at any depth; not to be written to.

    It is complete or not there: finished files of an interrupted run wait beside it and are not fetched again.
    `limit` is in bytes, for all files together. The view that gdown 6.5.1 reads is said to have no limit of
    entries, unlike the 50 of the page that its older versions read. Google promises nothing, so folders of exactly
    50, 100, 500 or 1000 entries, and those inside that are listed as empty, are named on stderr. The list has no
    sizes and no hashes: whether content changed is for the caller's manifest to tell. A Google document has no
    file and counts as one that did not arrive.
    Raises NetworkError, Page (instead of the list or a file), DataError (unsafe or colliding names) and TooLarge.
    """
    _require_id(id)
    tree = trees.path(store.cache, drive_list.address(id))
    if tree.is_dir():
        return tree
    cache.writable(store.cache)
    with cache.lock(store.cache, drive_list.address(id)):
        if not tree.is_dir():
            growing = tree.with_name(f"{tree.name}.part")
            listed = drive_list.listed(id, store.patience)
            _fill(listed, growing, drive_list.address(id), store, limit)
            _drop_unlisted(growing, listed)
            growing.replace(tree)
    return tree


def _require_id(id: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{10,}", id):
        raise ConfigError(
            f"{id!r} is no id of Google Drive", "take the letters after /d/ or /folders/ in its address"
        )


def _bring(id: str, wanted: Remote, part: Path, patience: Patience) -> str:
    """Bring the bytes of a file into `part` and return their sha256."""
    direct = f"{HOST}/uc?id={id}&export=download"
    if not held(part):
        # Most files need no form, and a folder may hold 10,000 of them: one request each is enough then.
        try:
            return download(replace(wanted, url=direct), part, patience)
        except NoSpace:
            raise
        except DataError:
            if (behind := _behind_forms(id, direct, wanted.name, patience)) == direct:
                raise
    else:
        # A form would take the place of what is there: the address is looked for first.
        behind = _behind_forms(id, direct, wanted.name, patience)
    return download(replace(wanted, url=behind), part, patience)


def _behind_forms(id: str, url: str, name: str, patience: Patience) -> str:
    """Return the address at which Drive answers with the file itself."""
    from gdown.download import get_url_from_gdrive_confirmation
    from gdown.exceptions import FileURLRetrievalError

    for _ in range(PAGES):
        page = _page(url, id, patience)
        if page is None:
            return url
        try:
            url = get_url_from_gdrive_confirmation(page)
        except (FileURLRetrievalError, KeyError, AssertionError) as error:
            raise _refusal(page, id, name) from error
        host = urlsplit(url).hostname or ""
        if not url.startswith("https://") or not host.endswith((".google.com", ".googleusercontent.com")):
            raise Page(f"the form in front of {name} leads to {host!r}", f"open {address(id)} in a browser")
    raise Page(f"Google Drive answers with form after form for {name}", f"open {address(id)} in a browser")


def _page(url: str, id: str, patience: Patience) -> str | None:
    """Return the page that stands at `url`, None where there is a file."""
    reach(url, patience.connect)
    headers, timeout = {"User-Agent": "thermark"}, (patience.connect, patience.read)
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
            code = response.status_code
            if code in (401, 403) or urlsplit(response.url).hostname == "accounts.google.com":
                raise NetworkError(
                    f"{address(id)} is private", "ask its owner to share it with anyone who has the link"
                )
            if code in (404, 410):
                raise NetworkError(f"{address(id)} is gone (HTTP {code})", "look for its new address")
            if code >= 400:
                raise NetworkError(f"Google Drive answered HTTP {code} for {address(id)}", "try again later")
            if not response.headers.get("Content-Type", "").startswith("text/html"):
                return None
            return b"".join(islice(response.iter_content(CHUNK), 32)).decode("utf-8", "replace")
    except requests.RequestException as error:
        raise NetworkError(f"Google Drive broke off ({type(error).__name__})", "try again later") from error


def _refusal(page: str, id: str, name: str) -> Page:
    if re.search(r"quota|too many users", page, re.IGNORECASE):
        return Page(
            f"Google Drive sent a page instead of {name}: too many people have downloaded it lately",
            f"try again in a day, or download {address(id)} in a browser",
        )
    return Page(
        f"Google Drive sent a page instead of {name}",
        f"open {address(id)} in a browser: it may be private, or a document that has no file",
    )


def _fill(listed: dict[str, str], growing: Path, where: str, store: Store, limit: int | None) -> None:
    """Bring every listed file that `growing` lacks; raises the first failure once the others were tried."""
    missing = [(name, id) for name, id in listed.items() if not (growing / name).is_file()]
    spent = sum((growing / name).stat().st_size for name in listed if (growing / name).is_file())
    _within(limit, spent, where)

    failed: list[tuple[str, NetworkError | DataError]] = []
    in_a_row: list[str] = []

    def bring(item: tuple[str, str]) -> int | None:
        name, id = item
        if len(in_a_row) >= PATIENCE_WITH_FOLDERS:
            return None
        left = None if limit is None else max(limit - spent, 0)
        part = cache.part_path(store.cache, address(id), id)
        try:
            _bring(id, Remote(address(id), name, limit=left), part, store.patience)
        except TooLarge as error:
            raise _too_large(limit or 0, where) from error
        except NoSpace:
            raise
        except (NetworkError, DataError) as error:
            failed.append((name, error))
            in_a_row.append(name)
            return None
        in_a_row.clear()
        (growing / name).parent.mkdir(parents=True, exist_ok=True)
        return part.replace(growing / name).stat().st_size

    pool = ThreadPoolExecutor(WORKERS)
    try:
        for size in track(pool.map(bring, missing), len(missing), "Google Drive folder", "files"):
            spent += size or 0
            _within(limit, spent, where)  # each that is at work knew only what was finished when it began
    finally:
        pool.shutdown(cancel_futures=True)
    if failed:
        name, first = failed[0]
        absent = sum(not (growing / name).is_file() for name in listed)
        untried = f", {absent - len(failed)} of them not tried" if absent > len(failed) else ""
        raise type(first)(
            f"{absent} files of {where} did not arrive{untried}, the first is {name}: {first.cause}",
            f"{first.remedy}; then run the same command again, which fetches only what is missing",
        )


def _within(limit: int | None, spent: int, where: str) -> None:
    if limit is not None and spent > limit:
        raise _too_large(limit, where)


def _too_large(limit: int, where: str) -> TooLarge:
    return TooLarge(
        f"{where} takes more than {limit / 1e6:.1f} MB", "raise max_mb in params.yaml, or place the folder by hand"
    )


def _drop_unlisted(growing: Path, listed: dict[str, str]) -> None:
    """Remove what an earlier run brought and the list has no more."""
    for path in [path for path in growing.rglob("*") if path.is_file()]:
        if path.relative_to(growing).as_posix() not in listed:
            path.unlink()
