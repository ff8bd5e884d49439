"""Files and whole data sets of the Hugging Face Hub at a pinned revision.

Its client lists what there is, and why not. The bytes come through our own downloads: huggingface_hub 2.4.0 does
not continue what an earlier run began, and compares no sha256 (docs/decisions.md).
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from thermark.core.errors import DataError, NetworkError, SetupError
from thermark.download import trees
from thermark.download.download import RetryPolicy, download, reach
from thermark.download.request import Remote
from thermark.download.resolve import FileStore, resolve
from thermark.download.weights import Hub

if TYPE_CHECKING:
    from types import ModuleType

    from huggingface_hub import HfFileMetadata

HOST = "https://huggingface.co"


class Refused(NetworkError):
    """The Hub answered, and what it said will be the same on every machine."""


def page(file: Hub) -> str:
    """Return the page of a file's repository, where its terms are accepted."""
    return f"{HOST}/{'datasets/' if file.type == 'dataset' else ''}{file.repo}"


def address(file: Hub) -> str:
    """Return the public URL of a file."""
    return f"{page(file)}/resolve/{file.revision or 'main'}/{file.file}"


def file(which: Hub, remote: Remote, store: FileStore) -> tuple[Path, str]:
    """Return a verified local copy of a file on the Hub and its sha256; not to be written to.

    `remote` states name, size, sha256 and limit; its URL is not used. HF_ENDPOINT, HF_TOKEN and the token of
    `hf auth login` are used, another revision never. Raises Refused (gated, a bad token, no such repository,
    revision or file), DataError, NetworkError and TooLarge.
    """
    return resolve(replace(remote, url=address(which)), store, partial(_download, which))


def dataset_address(repo: str, revision: str | None) -> str:
    """Return the page that lists the files of a data set's repository."""
    return f"{HOST}/datasets/{repo}/tree/{revision or 'main'}"


def dataset(repo: str, revision: str | None, store: FileStore, limit: int | None) -> Path:
    """Return a local folder with all files of a data set's repository, archives packed; not to be written to.

    `revision` null is the newest one, which is looked up and printed each time. It is complete or not there (see
    `trees.fetch`). Every file has the size that the Hub states, and its sha256 where that is stated, which is for
    large files only. Raises Refused as `file` does, NetworkError, TooLarge and DataError.
    """
    if revision and (tree := trees.path(store.cache, dataset_address(repo, revision))).is_dir():
        return tree
    commit, listed = contents(repo, revision, store.policy)
    address = dataset_address(repo, commit)
    return trees.fetch(address, listed, store, limit, lambda file, part: download(file, part, store.policy))


def contents(repo: str, revision: str | None, policy: RetryPolicy) -> tuple[str, list[Remote]]:
    """Return the commit of a data set's repository and all files there, ready to be downloaded.

    Their `name` is the path in the repository, as the Hub states it; their sha256 is known of large files only.
    Raises Refused as `file` does, also where only the files are gated, DataError (an empty repository) and
    NetworkError.
    """
    whole = Hub(repo=repo, revision=revision, file=".", type="dataset")
    client = _client()
    reach(_endpoint(), policy.connect)
    try:
        with _explained(whole):
            api = client.HfApi(endpoint=_endpoint())
            commit = _require_commit(whole, api.dataset_info(repo, revision=revision, timeout=policy.read).sha)
            # The list in that answer is cut without a word where a repository is large; and `list_repo_tree`
            # waits for its pages for ever, even with a time limit of the client.
            url = f"{_endpoint()}/api/datasets/{repo}/tree/{commit}"
            headers = client.utils.build_hf_headers()
            entries = client.utils.paginate(url, {"recursive": True}, headers, timeout=policy.read)
            listed = [
                (str(entry["path"]), int(entry["size"]), (entry.get("lfs") or {}).get("oid"))
                for entry in entries
                if entry["type"] != "directory"
            ]
    except (ValueError, KeyError, TypeError):
        # Not chained: the text may quote a header, and so the token.
        raise NetworkError(f"what the Hub answered for {repo} cannot be read", "try again later") from None
    if not listed:
        raise DataError(f"the Hub lists no files in {page(whole)}", "open it in a browser")
    at = whole.model_copy(update={"revision": commit})
    # The list of a gated repository is public: only a file tells whether this account is let in.
    _metadata(at.model_copy(update={"file": listed[0][0]}), policy)
    _print_revision(whole, commit)
    return commit, [
        _direct(at.model_copy(update={"file": path}), Remote("", path, size, sha256))
        for path, size, sha256 in listed
    ]


def _download(file: Hub, remote: Remote, part: Path, policy: RetryPolicy) -> str:
    """Bring the bytes of a file into `part` and return their sha256."""
    metadata, commit = _metadata(file, policy)
    # Of a large file the Hub's ETag is the sha256.
    promised = remote.sha256 or (metadata.etag if re.fullmatch(r"[0-9a-f]{64}", metadata.etag or "") else None)
    at = file.model_copy(update={"revision": commit})
    sha256 = download(_direct(at, replace(remote, sha256=promised)), part, policy)
    _print_revision(file, commit)
    return sha256


def _print_revision(file: Hub, commit: str) -> None:
    if file.revision is None:
        where, rest = (
            ("params.yaml", "; pins in its manifest stay") if file.type == "dataset" else ("its manifest", "")
        )
        print(f"to pin {file.repo}, write into {where}: revision: {commit}{rest}", file=sys.stderr)


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", HOST).rstrip("/")


def _metadata(file: Hub, policy: RetryPolicy) -> tuple["HfFileMetadata", str]:
    """Return the Hub's account of a file, and its commit; raises Refused when that is another than wanted."""
    client = _client()
    reach(_endpoint(), policy.connect)
    with _explained(file):
        url = client.hf_hub_url(
            file.repo, file.file, repo_type=file.type, revision=file.revision, endpoint=_endpoint()
        )
        metadata: HfFileMetadata = client.get_hf_file_metadata(url, timeout=policy.read, endpoint=_endpoint())
    return metadata, _require_commit(file, metadata.commit_hash)


def _require_commit(file: Hub, commit: str | None) -> str:
    if commit is None or file.revision not in (None, commit):
        raise Refused(f"the Hub offers {file.repo} at {commit} instead of {file.revision}", "find out why")
    return commit


def _direct(file: Hub, remote: Remote) -> Remote:
    """Return `remote` with the address of a file at its revision, and the log-in."""
    client = _client()
    url = client.hf_hub_url(
        file.repo, file.file, repo_type=file.type, revision=file.revision, endpoint=_endpoint()
    )
    return replace(remote, url=url, authorization=client.utils.build_hf_headers().get("authorization"))


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
        remedy = f"accept its terms at {page(file)}, then `hf auth login`"
        raise Refused(f"{file.repo} is gated", remedy) from error
    except errors.RevisionNotFoundError as error:
        raise Refused(f"{file.repo} has no revision {file.revision}", "find its new place") from error
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
