"""HTTP downloads that resume and retry; what they leave is verified, or an unfinished part, or set aside."""

import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from thermark.core import files
from thermark.core.errors import ConfigError, NetworkError
from thermark.download import cache
from thermark.download.request import (
    MEGABYTE,
    Changed,
    Remote,
    TransientError,
    discard,
    request_once,
    size_of,
    validator_path,
    without_secrets,
)


@dataclass(frozen=True)
class RetryPolicy:
    """How long to try, in seconds: to connect, for the next byte, before the first repeat (doubled each time).

    `attempts` counts failures in a row that brought less than one megabyte.
    """

    connect: float = 4.5
    read: float = 30.0
    pause: float = 0.5
    attempts: int = 6


DEFAULT_POLICY = RetryPolicy()


def download(remote: Remote, part: Path, policy: RetryPolicy = DEFAULT_POLICY) -> str:
    """Bring a remote file into `part`, continuing from what it holds, verify it, and return its sha256.

    Raises NetworkError (no connection within `policy.connect`, refused, gone, given up), DataError (a web page,
    other content than promised, which is set aside as `.bad`, disk full) and ConfigError (larger than `limit`).
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = size_of(part) > 0
    # A process that was killed between the last byte and the rename leaves a finished part.
    if not (resumed and _matches(part, remote)):
        reach(remote.url, policy.connect)
        with requests.Session() as session:
            _transfer(session, remote, part, policy)
            if resumed and remote.sha256 and not _matches(part, remote):
                discard(part)  # the bytes from an earlier run belonged to other content
                _transfer(session, remote, part, policy)
    sha256 = files.sha256(part)
    verify(remote, part, sha256)
    validator_path(part).unlink(missing_ok=True)
    return sha256


def reach(url: str, seconds: float) -> None:
    """Raise NetworkError unless the server of `url` (or the proxy on the way) accepts a connection in time.

    It runs in a thread, because neither name look-up nor a host with many addresses keeps to a timeout.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ConfigError(f"{without_secrets(url)} is not a web address", "correct the URL")
    parts = urlsplit(requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url)) or url)
    address = (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    failure = ["no answer"]

    def connect() -> None:
        try:
            socket.create_connection(address, timeout=seconds).close()
            failure.clear()
        except (OSError, UnicodeError) as error:  # the latter from a name that no look-up accepts
            failure[:] = [getattr(error, "strerror", None) or str(error)]

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise NetworkError(f"{address[0]} cannot be reached ({failure[0]})", "check the network and its proxy")


def verify(remote: Remote, part: Path, sha256: str) -> None:
    """Raise Changed, with `part` set aside as `.bad`, unless size and sha256 (`sha256`) are the promised ones."""
    size = size_of(part)
    if remote.sha256 in (None, sha256) and remote.size in (None, size):
        return
    discarded = cache.quarantine(part)
    validator_path(part).unlink(missing_ok=True)
    raise Changed(
        f"{remote.name} has {size} bytes and sha256 {sha256}, expected {remote.size or 'any'} bytes and "
        f"sha256 {remote.sha256 or 'any'}",
        f"it was set aside as {discarded}; find out what changed upstream",
    )


def _transfer(session: requests.Session, remote: Remote, part: Path, policy: RetryPolicy) -> None:
    failures, best = 0, size_of(part)
    while True:
        try:
            return request_once(session, remote, part, (policy.connect, policy.read))
        except TransientError as again:
            if size_of(part) >= best + MEGABYTE:
                failures, best = 0, size_of(part)
            failures += 1
            if failures >= policy.attempts:
                raise NetworkError(
                    f"gave up on {without_secrets(remote.url)} after {failures} attempts: {again}",
                    "run the same command again later; it continues where it stopped",
                ) from again
            time.sleep(max(policy.pause * 2 ** (failures - 1), again.wait))


def _matches(part: Path, remote: Remote) -> bool:
    return remote.sha256 is not None and files.sha256(part) == remote.sha256
