"""Google Drive: one file, or a folder with everything in it.

gdown reads what a folder holds from Google's pages. The bytes come through our own downloads, from the address to
which Google's form in front of a large file leads: gdown 6.5.1 never starts again at a server without Range, joins
what an earlier run began with whatever stands there now, and has one message for a log-in, a file that is gone and
a server that is busy (docs/decisions.md). No cookies are needed, and nothing is written outside of the cache.
"""

import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import requests

from thermark.core.errors import ConfigError, NetworkError
from thermark.download import trees
from thermark.download.download import RetryPolicy, download, reach
from thermark.download.request import Remote, WebPage
from thermark.download.resolve import FileStore, resolve

HOST = "https://drive.google.com"
DIRECT = "https://drive.usercontent.google.com/download?id={}&export=download&confirm=t"
# Google's own page of a folder ends at 50 entries; the others are round numbers at which lists are often cut.
CUT_AT = (50, 100, 500, 1000)


def address(id: str) -> str:
    """Return the page of a file, which a browser can open."""
    return f"{HOST}/file/d/{id}/view"


def folder_address(id: str) -> str:
    """Return the page of a folder, which a browser can open."""
    return f"{HOST}/drive/folders/{id}"


def file(id: str, remote: Remote, store: FileStore) -> tuple[Path, str]:
    """Return a verified local copy of a file on Google Drive and its sha256; not to be written to.

    `remote` states name, size, sha256 and limit; its URL is not used. Raises NetworkError (no connection, private,
    gone, broken off), WebPage (instead of the file: an exhausted quota), Changed (other content), TooLarge and
    ConfigError (no id).
    """
    _require_id(id)
    return resolve(replace(remote, url=address(id)), store, partial(_download, id))


def folder(id: str, store: FileStore, limit: int | None) -> Path:
    """Return a local folder with all files that a Drive folder lists, at any depth; not to be written to.

    It is complete or not there, as in `trees.fetch`. The view that gdown 6.5.1 reads should have no limit of
    entries, unlike the 50 of the page that its older versions read. Google promises nothing, so folders of exactly
    50, 100, 500 or 1000 entries, and those inside that are listed as empty, are named on stderr. The list has no
    sizes and no hashes: whether content changed is for the caller's manifest to tell. A Google document has no
    file and counts as one that did not arrive. Raises NetworkError, WebPage (instead of the list or a file),
    DataError (unsafe or colliding names, a full disk) and TooLarge.
    """
    _require_id(id)
    if (tree := trees.path(store.cache, folder_address(id))).is_dir():
        return tree
    listed = _listed(id, store.policy)
    ids = dict(listed)
    return trees.fetch(
        folder_address(id),
        [Remote(address(inner), name) for name, inner in listed],
        store,
        limit,
        lambda file, part: _download(ids[file.name], file, part, store.policy),
    )


def _require_id(id: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{10,}", id):
        raise ConfigError(
            f"{id!r} is no id of Google Drive", "take the letters after /d/ or /folders/ in its address"
        )


def _download(id: str, remote: Remote, part: Path, policy: RetryPolicy) -> str:
    """Bring the bytes of a file into `part` and return their sha256."""
    try:
        return download(replace(remote, url=DIRECT.format(id)), part, policy)
    except WebPage as page:
        raise _refusal(page, id, remote.name) from page


def _refusal(page: WebPage, id: str, name: str) -> NetworkError | WebPage:
    """Return the message of a page in place of a file."""
    if urlsplit(page.url).hostname == "accounts.google.com":
        return NetworkError(f"{address(id)} is private", "ask its owner to share it with anyone who has the link")
    if re.search(r"quota|too many users", page.text, re.IGNORECASE):
        return WebPage(
            f"Google Drive sent a page instead of {name}: too many people have downloaded it lately",
            f"try again in a day, or download {address(id)} in a browser",
        )
    return WebPage(
        f"Google Drive sent a page instead of {name}",
        f"open {address(id)} in a browser: it may be private, or a document that has no file",
    )


def _listed(id: str, policy: RetryPolicy) -> list[tuple[str, str]]:
    """Return path and id of what a folder holds; gdown walks through the folders inside of it."""
    import gdown

    reach(HOST, policy.connect)
    print(f"asking what is in {folder_address(id)}", file=sys.stderr)
    printed, timeout = io.StringIO(), (policy.connect, policy.read)
    try:
        # Not quiet, for only what it prints tells of folders that came back empty.
        with redirect_stdout(printed), redirect_stderr(io.StringIO()):
            entries = gdown.download_folder(id=id, skip_download=True, use_cookies=False, timeout=timeout)
    except gdown.DownloadError as error:
        code = re.search(r"status code (\d+)", str(error))
        raise NetworkError(
            f"Google Drive does not list {folder_address(id)}{f' (HTTP {code[1]})' if code else ''}",
            "open it in a browser: it may be private, gone, or asked for too often",
        ) from error
    except requests.RequestException as error:
        raise NetworkError(f"Google Drive broke off ({type(error).__name__})", "try again later") from error
    if not entries:
        raise WebPage(
            f"Google Drive lists nothing in {folder_address(id)}", "open it in a browser: it may want a log-in"
        )
    files = [(entry.path, entry.id) for entry in entries if not isinstance(entry, str)]  # never one, by its type
    for sign in _signs_of_a_cut([path for path, _ in files], printed.getvalue()):
        print(f"{folder_address(id)}: {sign}", file=sys.stderr)
    return files


def _signs_of_a_cut(paths: list[str], printed: str) -> Iterator[str]:
    """Yield what makes a list of paths look incomplete; `printed` is what gdown printed."""
    folders = {parent for path in paths for parent in PurePosixPath(path).parents}
    entries = Counter(PurePosixPath(path).parent for path in paths)
    entries.update(inner.parent for inner in folders if inner.name)
    for inner, count in sorted(entries.items()):
        if count in CUT_AT:
            place = f"its folder {inner}" if inner.name else "it"
            yield f"{place} has exactly {count} entries: compare with the page, the list may be cut"
    opened = [line.split(maxsplit=3)[3:] for line in printed.splitlines() if line.startswith("Retrieving folder ")]
    # The folder itself counts among `folders` and is not announced with an id.
    empty = sorted({name for (name,) in filter(None, opened)} - {inner.name for inner in folders})
    if len(opened) > len(folders) - 1:
        yield f"{len(opened) - len(folders) + 1} folders came back empty: {', '.join(empty) or 'of equal names'}"
