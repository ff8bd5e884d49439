"""Files of the Hugging Face Hub at a pinned revision.

Its client says what there is, and why not. The bytes come through our own downloads: the client's do not continue
what an earlier run began, and compare no content.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from thermark.assets import cache
from thermark.assets.download import download, reach
from thermark.assets.obtain import Store
from thermark.assets.request import Remote
from thermark.assets.weights import Hub
from thermark.core.errors import NetworkError, SetupError

if TYPE_CHECKING:
    from types import ModuleType

HOST = "https://huggingface.co"


class Refused(NetworkError):
    """The Hub answered, and what it said will be the same on every machine."""


def address(file: Hub) -> str:
    """Return the public URL of a file."""
    return f"{HOST}/{file.repo}/resolve/{file.revision or 'main'}/{file.file}"


def fetch(file: Hub, wanted: Remote, store: Store) -> tuple[Path, str]:
    """Bring a file into the cache and return its path there and its sha256.

    `wanted` states name, size, sha256 and limit. HF_ENDPOINT, HF_TOKEN and the token of `hf auth login` are used,
    another revision never. Raises Refused (gated, a bad token, no such repository, revision or file), DataError,
    NetworkError and TooLarge.
    """
    endpoint = os.environ.get("HF_ENDPOINT", HOST).rstrip("/")
    client = _client()
    reach(endpoint, store.patience.connect)
    with _explained(file):
        asked = client.hf_hub_url(file.repo, file.file, revision=file.revision, endpoint=endpoint)
        told = client.get_hf_file_metadata(asked, timeout=store.patience.read, endpoint=endpoint)
    if file.revision not in (None, told.commit_hash):
        raise Refused(
            f"the Hub offers {file.repo} at {told.commit_hash} instead of {file.revision}", "find out why"
        )
    url = client.hf_hub_url(file.repo, file.file, revision=told.commit_hash, endpoint=endpoint)
    # Of a large file the Hub's ETag is the sha256.
    promised = wanted.sha256 or (told.etag if re.fullmatch(r"[0-9a-f]{64}", told.etag or "") else None)
    authorization = client.utils.build_hf_headers().get("authorization")
    part = cache.part_path(store.cache, address(file), wanted.name)
    remote = replace(wanted, url=url, sha256=promised, authorization=authorization)
    sha256 = download(remote, part, store.patience)
    if file.revision is None:
        print(f"to pin {file.repo}, write into its manifest: revision: {told.commit_hash}", file=sys.stderr)
    return cache.admit(store.cache, part, sha256), sha256


def _client() -> "ModuleType":
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read once, when the client is imported
    try:
        import huggingface_hub
    except ImportError as error:
        raise SetupError("huggingface_hub is not installed", "run `make`") from error
    if huggingface_hub.is_offline_mode():
        raise NetworkError("HF_HUB_OFFLINE forbids the Hub", "unset it")
    return huggingface_hub


@contextmanager
def _explained(file: Hub) -> Iterator[None]:
    """Turn what the client raises into our errors; of a server's text nothing is repeated, it may hold secrets."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        remedy = f"accept its terms at {HOST}/{file.repo}, then `hf auth login`"
        raise Refused(f"{file.repo} is gated", remedy) from error
    except errors.RevisionNotFoundError as error:
        raise Refused(f"{file.repo} has no revision {file.revision}", "find the file's new place") from error
    except errors.RemoteEntryNotFoundError as error:
        raise Refused(f"{file.repo} has no {file.file} at that revision", "find the file's new place") from error
    except errors.RepositoryNotFoundError as error:
        raise Refused(f"{file.repo} does not exist or is private", "find its new name, or log in") from error
    except errors.HfHubHTTPError as error:
        code = error.response.status_code
        if code in (401, 403):
            remedy = "renew it with `hf auth login`, or unset HF_TOKEN"
            raise Refused("the Hub rejected the token that it was sent", remedy) from error
        raise NetworkError(f"the Hub answered HTTP {code} for {file.repo}", "try again later") from error
    except (httpx2.HTTPError, OSError) as error:
        raise NetworkError(f"the Hub broke off while it was asked for {file.repo}", "try again later") from error
