"""A data set on Kaggle at a pinned version.

kagglehub finds the credentials. The archive comes by our own download from the address that Kaggle shows for
`curl`: kagglehub 1.0.2 waits for an answer without a time limit, knows no limit of size, and appends any answer of
the server to the part it has (docs/decisions.md).
"""

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from thermark.core.errors import ConfigError, DataError, NetworkError, SetupError
from thermark.download import cache, trees
from thermark.download.download import RetryPolicy, download
from thermark.download.extract import extract
from thermark.download.request import NoSpace, Refusal, Remote, discard
from thermark.download.resolve import FileStore

if TYPE_CHECKING:
    from kagglehub.config import KaggleApiCredentials

HOST = "https://www.kaggle.com"
API = f"{HOST}/api/v1"
LOG_IN = (
    f"make a token at {HOST}/settings and put it into KAGGLE_API_TOKEN or ~/.kaggle/access_token; of older keys, "
    "KAGGLE_USERNAME with KAGGLE_KEY, or kaggle.json in ~/.kaggle or KAGGLE_CONFIG_DIR, serve as well"
)


def page(handle: str) -> str:
    """Return the page of a data set, where its licence is accepted."""
    return f"{HOST}/datasets/{handle}"


def address(handle: str, version: int) -> str:
    """Return the page of a data set at a version."""
    return f"{page(handle)}/versions/{version}"


def dataset(handle: str, version: int, store: FileStore, limit: int | None) -> Path:
    """Return a local folder with the unpacked data set `owner/slug` at `version`; not to be written to.

    It is complete or not there; an interrupted download is continued. `limit` is in bytes, of the archive.
    A public data set needs no log-in. Raises NetworkError (no connection, no or rejected credentials, a licence to
    accept, no such version), DataError (damaged or unsafe archive), TooLarge, ConfigError and SetupError.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+", handle) or version < 1:
        raise ConfigError(
            f"{handle!r} at {version} is no data set on Kaggle", "write owner/slug and a version >= 1"
        )
    where = address(handle, version)

    def fill(tree: Path) -> None:
        part = cache.part_path(store.cache, where, f"{handle.partition('/')[2]}-{version}.zip")
        archive = part.with_suffix("")
        if not archive.is_file():
            _download(handle, version, part, limit, store.policy)
            part.replace(archive)
        _unpack(archive, tree)

    return trees.once(where, store, fill)


def _unpack(archive: Path, tree: Path) -> None:
    try:
        extract(archive, tree)
    except NoSpace:
        raise  # the archive is whole, and waits
    except DataError:
        archive.unlink()
        raise
    archive.unlink()


def _download(handle: str, version: int, part: Path, limit: int | None, policy: RetryPolicy) -> None:
    credentials = _credentials()
    url = f"{API}/datasets/download/{handle}?datasetVersionNumber={version}"
    name = f"{handle.partition('/')[2]}-{version}.zip"
    remote = Remote(url, name, limit=limit, authorization=_authorization(credentials))
    try:
        download(remote, part, policy)
    except Refusal as error:
        if error.host != urlsplit(API).hostname:
            raise  # not Kaggle, but the storage that it sends its visitors to
        raise _refusal(error.status, handle, version, credentials is not None) from error
    if code := _code(part):
        discard(part)
        raise _refusal(code, handle, version, credentials is not None)


def _credentials() -> "KaggleApiCredentials | None":
    try:
        from kagglehub.config import get_kaggle_credentials
    except ImportError as error:
        raise SetupError("kagglehub is not installed", "run `make`") from error
    try:
        return get_kaggle_credentials()
    except (ValueError, TypeError):
        raise NetworkError("kaggle.json does not hold a username and a key", LOG_IN) from None
    except OSError as error:
        # Not chained: a token that is too long for the file name that it may be stands in the text.
        raise NetworkError(f"the Kaggle credentials cannot be read ({error.strerror})", LOG_IN) from None


def _authorization(credentials: "KaggleApiCredentials | None") -> str | None:
    """Return the header of that name; raises NetworkError, without a word of it, for what no header can hold."""
    if credentials is None:
        return None
    if credentials.api_key:
        header = f"Bearer {credentials.api_key}"
    else:
        pair = f"{credentials.username}:{credentials.key}"
        header = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if not re.fullmatch(r"[\x20-\x7e]+", header):
        raise NetworkError("the Kaggle credentials cannot be sent", LOG_IN)
    return header


def _code(part: Path) -> int | None:
    """Return the code of a refusal, which Kaggle may also write into the body of an answer with status 200."""
    if part.stat().st_size > 100_000:
        return None
    try:
        return int(json.loads(part.read_bytes())["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _refusal(code: int, handle: str, version: int, logged_in: bool) -> NetworkError:
    """Say why Kaggle refused; of its own text nothing is repeated."""
    if code in (401, 403) and not logged_in:
        return NetworkError(
            f"Kaggle gives {handle} only to those who log in, and there are no credentials",
            f"{LOG_IN}; {page(handle)} says whether a licence must be accepted",
        )
    if code == 401:
        return NetworkError("Kaggle rejected the credentials that it was sent", f"they may have expired: {LOG_IN}")
    if code == 403:
        return NetworkError(
            f"Kaggle refuses {handle} to your account",
            f"open {page(handle)}, log in and accept its licence, or ask for access if it is private",
        )
    if code == 404:
        return NetworkError(
            f"Kaggle has no version {version} of {handle}", f"see {page(handle)} for what there is, and correct it"
        )
    return NetworkError(f"Kaggle answered HTTP {code} for {handle}", "try again later")
