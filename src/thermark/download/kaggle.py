"""A data set on Kaggle at a pinned version.

Kaggle's clients find the credentials and ask where the archive lies. The bytes and the unpacking are our own:
kagglehub 1.0.2 does not continue into an `output_dir`, appends a whole archive to half a one when a server ignores
Range, and unpacks without a look at names and sizes.
"""

import hashlib
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from thermark.core.errors import ConfigError, DataError, NetworkError, SetupError
from thermark.download import cache, trees
from thermark.download.download import Patience, download, reach
from thermark.download.extract import extract
from thermark.download.request import Remote, discard, held
from thermark.download.resolve import Store

if TYPE_CHECKING:
    from kagglehub.config import KaggleApiCredentials

HOST = "https://www.kaggle.com"
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


def dataset(handle: str, version: int, store: Store, limit: int | None) -> Path:
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
    tree = trees.path(store.cache, where)
    if tree.is_dir():
        return tree
    cache.writable(store.cache)
    with cache.lock(store.cache, where):
        if not tree.is_dir():
            name = f"{handle.partition('/')[2]}-{version}.zip"
            part = cache.part_path(store.cache, where, name)
            url, md5 = _location(handle, version, store.patience)
            if not (held(part) and _md5(part) == md5):  # else only the unpacking did not end
                download(Remote(url, name, limit=limit), part, store.patience)
            _unpack(part, md5, name, tree)
    return tree


def _unpack(part: Path, md5: str | None, name: str, tree: Path) -> None:
    found = _md5(part)
    if md5 not in (None, found):
        discarded = cache.quarantine(part)
        raise DataError(
            f"{name} has the base64 md5 {found}, Kaggle promised {md5}",
            f"it was set aside as {discarded}; run the same command again, which starts from nothing",
        )
    extract(part, tree)
    discard(part)


def _md5(path: Path) -> str:
    from kagglehub.integrity import to_b64_digest, update_hash_from_file

    digest = hashlib.md5(usedforsecurity=False)
    update_hash_from_file(digest, str(path))
    return str(to_b64_digest(digest))


def _location(handle: str, version: int, patience: Patience) -> tuple[str, str | None]:
    """Return the archive's signed address, which is valid for a while, and its base64 md5 where that is told."""
    try:
        from kagglehub.integrity import get_md5_checksum_from_response
        from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest
        from kagglesdk.kaggle_client import KaggleClient
        from kagglesdk.kaggle_env import KaggleEnv, get_endpoint
    except ImportError as error:
        raise SetupError("kagglehub is not installed", "run `make`") from error
    known = _credentials()
    reach(get_endpoint(KaggleEnv.PROD), patience.connect)
    request = ApiDownloadDatasetRequest()
    request.owner_slug, request.dataset_slug = handle.split("/")
    request.dataset_version_number = version

    def ask() -> Any:
        own = (known.username, known.key, known.api_key) if known else (None, None, None)
        with (
            KaggleClient(KaggleEnv.PROD, False, *own, user_agent="thermark") as client,
            client.datasets.dataset_api_client.download_dataset(request) as answer,
        ):
            return answer

    try:
        answer = _in_time(ask, patience.connect + patience.read)
    except requests.HTTPError as error:
        raise _refusal(_code(error), handle, version, known is not None) from error
    except (ValueError, requests.exceptions.InvalidHeader):
        # Not chained: the text of these may quote the header, and so the token.
        raise NetworkError("the Kaggle credentials cannot be sent, or its answer read", LOG_IN) from None
    except requests.RequestException as error:
        raise NetworkError(f"Kaggle broke off ({type(error).__name__})", "try again later") from error
    if not answer.history:
        raise NetworkError(f"Kaggle does not say where {handle} lies", "update kagglehub, or place it by hand")
    return str(answer.url), get_md5_checksum_from_response(answer)


def _credentials() -> "KaggleApiCredentials | None":
    from kagglehub.config import get_kaggle_credentials

    try:
        return get_kaggle_credentials()
    except (ValueError, TypeError):
        raise NetworkError("kaggle.json does not hold a username and a key", LOG_IN) from None
    except OSError as error:
        # Not chained: a token that is too long for the file name that it may be stands in the text.
        raise NetworkError(f"the Kaggle credentials cannot be read ({error.strerror})", LOG_IN) from None


def _in_time(call: Callable[[], requests.Response], seconds: float) -> requests.Response:
    """Return what `call` returns; it runs in a thread, because Kaggle's client waits for an answer for ever."""
    results: list[requests.Response] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except (requests.RequestException, ValueError, OSError) as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise NetworkError(f"Kaggle did not answer within {seconds:.0f} s", "try again later")
    return results[0]


def _code(error: requests.HTTPError) -> int:
    """Return the status of a refusal, which Kaggle may also write into the body of an answer with status 200."""
    assert error.response is not None
    status = error.response.status_code
    return status if status >= 400 else int(error.response.json()["code"])


def _refusal(code: int, handle: str, version: int, known: bool) -> NetworkError:
    """Say why Kaggle refused; of its own text nothing is repeated."""
    if code in (401, 403) and not known:
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
