"""One small data set as each publisher offers it, on 127.0.0.1, with the same faults."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import pytest
from google_drive import Drive, driving
from scripted_server import CUT, OK, Script, digest, serving
from test_hub import COMMIT, hubbub
from test_kaggle import Kaggle, kaggling

from fetch_machine import zipped

FILES = {"a.bin": np.random.default_rng(0).bytes(300_000), "deep/b.txt": b"1.0 2.0\n"}
ID, FOLDER, INNER = "1-Y40_wqVV5WM1swEpjFTJiB8sGdZtQwR", "1UE4BsRsJBSEyLtcAkMQ_jYIBKwKjwyQc", "d" * 28
SINGLE = ("web", "drive", "hub")  # one file of fixed bytes, that can be pinned
PACKED = (*SINGLE, "kaggle")
ALL = (*PACKED, "drive folder", "hub tree")
SOURCES = {
    "web": r"http://127\.0\.0\.1:\d+/folder/set\.zip",
    "drive": f"https://drive.google.com/file/d/{ID}/view",
    "drive folder": f"https://drive.google.com/drive/folders/{FOLDER}",
    "kaggle": "https://www.kaggle.com/datasets/lab/set/versions/3",
    "hub": f"https://huggingface.co/datasets/lab/faces/resolve/{COMMIT}/deep/set.zip",
    "hub tree": f"https://huggingface.co/datasets/lab/faces/tree/{COMMIT}",
}
FIRST = ("a.bin", "set.zip")
HUB_STEPS = {OK: "ok", CUT: "cut", 503: "down"}


@dataclass
class Offer:
    """The piece that params.yaml names, and the Range headers of what was asked for of its first file so far."""

    piece: dict[str, object]
    ranges: Callable[[], list[str | None]]


def size(kind: str) -> int:
    """Return how many bytes a publisher sends."""
    return len(zipped(FILES)) if kind in PACKED else sum(map(len, FILES.values()))


@contextmanager
def publishing(
    kind: str,
    files: dict[str, bytes] = FILES,
    steps: Sequence[int] = (OK,),
    archive: bytes | None = None,
    again: Offer | None = None,
) -> Iterator[Offer]:
    """Offer `files`, those who send an archive this one; `steps` are those of the first file, the last repeats.

    `again`: an earlier offer, at whose address this one stands.
    """
    packed = zipped(files) if archive is None else archive
    etag = f'"{digest(packed)}"'
    if kind == "web":
        port = urlsplit(str(again.piece["url"])).port or 0 if again else 0
        with serving(Script(packed, list(steps), etag=etag), port) as script:
            yield Offer({"url": script.url}, lambda: script.seen)
    elif kind in ("drive", "drive folder"):
        ids = {name: str(number) * 28 for number, name in enumerate(files)}
        rows = [(ids["a.bin"], "a.bin", "file"), (INNER, "deep", "folder")]
        inner = [(id, name.partition("/")[2], "file") for name, id in ids.items() if "/" in name]
        first = ID if kind == "drive" else ids["a.bin"]
        held = {ID: packed} | {ids[name]: content for name, content in files.items()}
        script = Drive(held, {FOLDER: rows, INNER: inner}, {first: list(steps)}, etag=etag)
        piece = {"drive": ID, "name": "set.zip"} if kind == "drive" else {"drive_folder": FOLDER}
        with driving(script):
            yield Offer(piece, lambda: script.ranges(first))
    elif kind == "kaggle":
        with kaggling(Kaggle(packed, steps=tuple(steps))) as script:
            yield Offer({"kaggle": "lab/set", "version": 3}, lambda: script.ranges)
    else:
        file = {"file": "deep/set.zip"} if kind == "hub" else {}
        offered = {"content": packed} if kind == "hub" else {"tree": files}
        with hubbub(*(HUB_STEPS[step] for step in steps), **offered) as seen:
            yield Offer(
                {"hub": "lab/faces", "revision": COMMIT} | file,
                lambda: [
                    byte_range for method, path, byte_range in seen if method == "GET" and path.endswith(FIRST)
                ],
            )


@pytest.fixture
def as_nobody(tmp_path, monkeypatch) -> None:
    """A user without credentials; and whoever imported transformers in this process has taken the Hub off line."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
