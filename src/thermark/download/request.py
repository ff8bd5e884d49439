"""One HTTP request that begins or continues a part file."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import requests

from thermark.core import files
from thermark.core.errors import ConfigError, DataError, NetworkError
from thermark.core.progress import track

CHUNK = 1 << 16
MEGABYTE = 1 << 20
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body)", re.IGNORECASE)


@dataclass(frozen=True)
class Remote:
    """A file on a web server: `size` and `limit` in bytes, None like `sha256` where there is none.

    `authorization` is the header of that name; after a redirect to another host it is not sent on.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None
    limit: int | None = None
    authorization: str | None = field(default=None, repr=False)


class NoClient(NetworkError):
    """The program that would bring a package is not installed."""


class TooLarge(ConfigError):
    """A file is larger than the caller allows."""


class NoSpace(DataError):
    """A disk is full, or would be."""


class WebPage(DataError):
    """A web page came in place of a file: a quota, a log-in or a licence is in the way, and may pass.

    `url`: where it stands after redirects, and `text` its beginning, where a server said that it is one.
    """

    def __init__(self, cause: str, remedy: str, url: str = "", text: str = ""):
        super().__init__(cause, remedy)
        self.url, self.text = url, text


class Refusal(NetworkError):
    """A server answered with an HTTP status that will not pass: `host` is its name, after redirects."""

    def __init__(self, cause: str, remedy: str, status: int = 0, host: str = ""):
        super().__init__(cause, remedy)
        self.status, self.host = status, host


class Changed(DataError):
    """Content is other than promised; the remedy depends on the source."""


class TransientError(Exception):
    """A failure that may pass: why, and how many seconds the server asks to wait."""

    def __init__(self, cause: str, wait: float = 0.0):
        super().__init__(cause)
        self.wait = wait


def request_once(session: requests.Session, remote: Remote, part: Path, timeout: tuple[float, float]) -> None:
    """Ask once for what `part` lacks and append it; `timeout` is (connect, next byte) in seconds.

    Raises TransientError for what may pass, NetworkError for what will not, WebPage for a web page, Changed for a
    wrong size, NoSpace for a full disk, TooLarge beyond `remote.limit`.
    """
    try:
        with session.get(remote.url, headers=_headers(remote, part), stream=True, timeout=timeout) as response:
            if response.status_code == 416:
                return _past_the_end(response, part)
            _refuse(response, remote)
            if _says_web_page(response):  # before the part is touched: a quota may pass
                text = next(response.iter_content(MEGABYTE), b"").decode("utf-8", "replace")
                raise _web_page(remote, response.url, text)
            start, total = _span(response, part)
            _accept_size(response, remote, part, start, total)
            _receive(response, remote, part, start, total)
    except (requests.exceptions.SSLError, requests.TooManyRedirects, ValueError) as error:
        raise NetworkError(
            f"{without_secrets(remote.url)}: {type(error).__name__}", "check certificates, proxy and the URL"
        ) from error
    except requests.RequestException as error:
        raise TransientError(type(error).__name__) from error
    except OSError as error:
        if error.errno != 28:
            raise
        raise no_space(remote.name, part.parent, None) from error


def size_of(part: Path) -> int:
    """Return how many bytes a part file holds, 0 when it is absent."""
    return part.stat().st_size if part.is_file() else 0


def validator_path(part: Path) -> Path:
    """Return the file beside `part` that keeps what If-Range must name."""
    return part.with_name(f"{part.name}.validator")


def discard(part: Path) -> None:
    """Forget a part file."""
    part.unlink(missing_ok=True)
    validator_path(part).unlink(missing_ok=True)


def without_secrets(url: str) -> str:
    """Return a URL without user, password, query and fragment, which may hold secrets."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def is_web_page(head: bytes) -> bool:
    """Tell whether the first bytes of a file are HTML."""
    return WEB_PAGE.match(head.lstrip()) is not None


def refuse_web_page(path: Path, name: str) -> None:
    """Raise DataError when a file that has no known sha256 is HTML."""
    with path.open("rb") as file:
        if is_web_page(file.read(512)):
            raise WebPage(f"{name} is a web page", "fetch it again: a licence or a log-in was in the way")


def no_space(name: str, folder: Path, needed: int | None) -> NoSpace:
    """Return the error of a full disk; `needed` is in bytes, None when unknown."""
    need = "more space" if needed is None else f"{needed} bytes"
    return NoSpace(
        f"{name} needs {need} but {shutil.disk_usage(folder).free} bytes are free in {folder}",
        "free some disk space and run the same command again; a download continues where it stopped",
    )


def within_limit(remote: Remote, size: int) -> None:
    """Raise TooLarge when `size` (bytes) is more than the caller of `remote` allows."""
    if remote.limit is not None and size > remote.limit:
        raise TooLarge(
            f"{remote.name} takes {size / 1e6:.1f} MB or more, max_mb is {remote.limit / 1e6:.1f}",
            "raise max_mb in params.yaml, or place the file by hand",
        )


def _headers(remote: Remote, part: Path) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "thermark"}
    if remote.authorization:
        headers["Authorization"] = remote.authorization
    if remote.size is not None and size_of(part) > remote.size:
        discard(part)
    validator = validator_path(part).read_text(encoding="utf-8") if validator_path(part).is_file() else ""
    # Without a validator only a known sha256 can tell afterwards whether the halves belong together.
    if size_of(part) and (validator or remote.sha256):
        headers["Range"] = f"bytes={size_of(part)}-"
        if validator:
            headers["If-Range"] = validator
    return headers


def _past_the_end(response: requests.Response, part: Path) -> None:
    if response.headers.get("Content-Range", "").rpartition("/")[2] == str(size_of(part)):
        return
    discard(part)
    raise TransientError("the part did not fit the file")


def _refuse(response: requests.Response, remote: Remote) -> None:
    code, where = response.status_code, without_secrets(remote.url)
    if code in TRANSIENT:
        asked = response.headers.get("Retry-After", "")
        raise TransientError(f"HTTP {code}", min(float(asked), 60.0) if asked.isdigit() else 0.0)
    if code in (401, 403):
        cause, remedy = "refused access", "check the licence and your credentials there"
    elif code in (404, 410):
        cause, remedy = "is gone", "look for its new address"
    elif code not in (200, 206):
        cause, remedy = "does not send it", "try again later"
    else:
        return
    raise Refusal(f"{where} {cause} (HTTP {code})", remedy, code, urlsplit(response.url).hostname or "")


def _span(response: requests.Response, part: Path) -> tuple[int, int | None]:
    """Return (first byte that is coming, total size or None)."""
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != size_of(part):
            discard(part)
            raise TransientError("the server sent another range than asked for")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    return 0, int(length) if length.isdigit() and not encoded else None


def _accept_size(response: requests.Response, remote: Remote, part: Path, start: int, total: int | None) -> None:
    if total is None:
        return
    if remote.size is not None and total != remote.size:
        raise Changed(
            f"{without_secrets(remote.url)} offers {total} bytes, expected {remote.size} for {remote.name}",
            "find out what changed upstream",
        )
    within_limit(remote, total)
    if shutil.disk_usage(part.parent).free < total - start:
        raise no_space(remote.name, part.parent, total - start)


def _receive(response: requests.Response, remote: Remote, part: Path, start: int, total: int | None) -> None:
    with part.open("ab" if start else "wb") as file:
        if not start:
            # Written once the old bytes are gone, so that a kill in between mixes nothing.
            files.write_text(validator_path(part), _validator(response))
        megabytes = -(-((total or start) - start) // MEGABYTE)
        for _ in track(_megabytes(response, remote, file, start), megabytes, remote.name, "MB"):
            pass
    if total is not None and size_of(part) < total:
        raise TransientError(f"the connection was cut at {size_of(part)} of {total} bytes")


def _megabytes(response: requests.Response, remote: Remote, file: BinaryIO, start: int) -> Iterator[None]:
    """Write the body to `file`, yielding once a megabyte."""
    received = reported = start
    for chunk in response.iter_content(CHUNK):
        if received == 0 and is_web_page(chunk):
            raise _web_page(remote)
        received += len(chunk)
        within_limit(remote, received)
        file.write(chunk)
        while received - reported >= MEGABYTE:
            reported += MEGABYTE
            yield


def _web_page(remote: Remote, url: str = "", text: str = "") -> WebPage:
    return WebPage(
        f"{without_secrets(remote.url)} sent a web page instead of {remote.name}",
        "open the address in a browser: a licence, a log-in or a quota is in the way",
        url,
        text,
    )


def _says_web_page(response: requests.Response) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/html")


def _validator(response: requests.Response) -> str:
    """Return what If-Range may name: a strong ETag, else the date (RFC 9110, 13.1.5), else nothing."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
