"""What a folder on Google Drive holds, as gdown reads it from Google's pages."""

import io
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import PurePosixPath

import requests

from thermark.core.errors import DataError, NetworkError
from thermark.download.download import Patience, reach
from thermark.download.extract import safe_parts
from thermark.download.request import Page

HOST = "https://drive.google.com"
# Google's own page of a folder ends at 50 entries; the others are round numbers at which lists are often cut.
CUT_AT = (50, 100, 500, 1000)


def address(id: str) -> str:
    """Return the page of a folder, which a browser can open."""
    return f"{HOST}/drive/folders/{id}"


def listed(id: str, patience: Patience) -> dict[str, str]:
    """Return what a folder holds, path -> id; gdown walks through the folders inside of it."""
    import gdown

    reach(HOST, patience.connect)
    print(f"asking what is in {address(id)}", file=sys.stderr)
    said, timeout = io.StringIO(), (patience.connect, patience.read)
    try:
        # Not quiet, for only what it prints tells of folders that came back empty.
        with redirect_stdout(said), redirect_stderr(io.StringIO()):
            found = gdown.download_folder(id=id, skip_download=True, use_cookies=False, timeout=timeout)
    except gdown.exceptions.DownloadError as error:
        code = re.search(r"status code (\d+)", str(error))
        raise NetworkError(
            f"Google Drive does not list {address(id)}{f' (HTTP {code[1]})' if code else ''}",
            "open it in a browser: it may be private, gone, or asked for too often",
        ) from error
    except requests.RequestException as error:
        raise NetworkError(f"Google Drive broke off ({type(error).__name__})", "try again later") from error
    if not found:
        raise Page(f"Google Drive lists nothing in {address(id)}", "open it in a browser: it may want a log-in")
    pairs = [(entry.path, entry.id) for entry in found if not isinstance(entry, str)]  # never one, says its type
    paths = _harmless(pairs, address(id))
    for doubt in _doubts(list(paths), said.getvalue()):
        print(f"{address(id)}: {doubt}", file=sys.stderr)
    return paths


def _harmless(found: list[tuple[str, str]], where: str) -> dict[str, str]:
    """Return path -> id; raises DataError for names that leave the folder or collide on some file system."""
    paths: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name, id in found:
        path = "/".join(safe_parts(name, where))
        key = unicodedata.normalize("NFC", path).casefold()
        if key in taken:
            raise DataError(f"{where} holds {name!r} and {taken[key]!r}, which collide", "tell its owner")
        taken[key], paths[path] = name, id
    for key, name in taken.items():
        if any(str(parent) in taken for parent in PurePosixPath(key).parents):
            raise DataError(f"{where} holds {name!r} inside a file", "tell its owner")
    return paths


def _doubts(paths: list[str], said: str) -> Iterator[str]:
    """Yield what makes a list of paths look incomplete; `said` is what gdown printed."""
    folders = {parent for path in paths for parent in PurePosixPath(path).parents}
    entries = Counter(PurePosixPath(path).parent for path in paths)
    entries.update(inner.parent for inner in folders if inner.name)
    for inner, count in sorted(entries.items()):
        if count in CUT_AT:
            place = f"its folder {inner}" if inner.name else "it"
            yield f"{place} has exactly {count} entries: compare with the page, the list may be cut"
    opened = [line.split(maxsplit=3)[3:] for line in said.splitlines() if line.startswith("Retrieving folder ")]
    # The folder itself counts among `folders` and is not announced with an id.
    empty = sorted({name for (name,) in filter(None, opened)} - {inner.name for inner in folders})
    if len(opened) > len(folders) - 1:
        yield f"{len(opened) - len(folders) + 1} folders came back empty: {', '.join(empty) or 'of equal names'}"
