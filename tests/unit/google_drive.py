"""Google Drive on 127.0.0.1: what its hosts answer, and how this process is led there instead of to Google."""

import html
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import requests
from scripted_server import OK, Answers, listening

GOOGLE = ("drive.google.com", "drive.usercontent.google.com", "accounts.google.com")
# What stands in the place of a file, besides the faults of `scripted_server`.
QUOTA, SIGN_IN, PAGE = range(100, 103)
PAGES = {
    QUOTA: '<p class="uc-error-subcaption">Too many users have downloaded this file.</p>',
    PAGE: "<p>something new",
}


@dataclass
class Drive:
    """Files (id -> content), folders (id -> rows of (id, name, "file" or "folder"), a page or a code) and steps.

    A step is one of the above, a fault or an HTTP code; the last one of a file repeats. `seen` holds (path, id,
    Range) of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    folders: dict[str, list[tuple[str, str, str]] | int | str] = field(default_factory=dict)
    steps: dict[str, list[int]] = field(default_factory=dict)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    etag: str = '"v1"'
    port: int = 0

    def ranges(self, id: str) -> list[str | None]:
        return [span for path, seen, span in self.seen if seen == id]

    def fetched(self) -> set[str]:
        """Return the ids of all files that were asked for."""
        return {id for path, id, _ in self.seen if path.endswith("download")}


def route(port: int) -> None:
    """Lead everything that is meant for Google to the server at `port` of this machine."""
    send, connect = requests.adapters.HTTPAdapter.send, socket.create_connection

    def sent(self, request, *arguments, **named):
        parts = urlsplit(request.url)
        if parts.hostname not in GOOGLE:
            raise AssertionError(f"{request.url} is not Google's")
        led = request.copy()
        led.url = f"http://127.0.0.1:{port}/{parts.hostname}{parts.path}?{parts.query}"
        named["proxies"] = {}
        response = send(self, led, *arguments, **named)
        response.url, response.request = request.url, request
        return response

    def connected(address, *arguments, **named):
        return connect(("127.0.0.1", port) if address[0] in GOOGLE else address, *arguments, **named)

    requests.adapters.HTTPAdapter.send = sent
    socket.create_connection = connected


@contextmanager
def routed(port: int) -> Iterator[None]:
    send, connect = requests.adapters.HTTPAdapter.send, socket.create_connection
    route(port)
    try:
        yield
    finally:
        requests.adapters.HTTPAdapter.send, socket.create_connection = send, connect


@contextmanager
def driving(drive: Drive) -> Iterator[Drive]:
    visits: dict[str, int] = {}
    guard = threading.Lock()

    class Handler(Answers):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            host, _, path = parts.path[1:].partition("/")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            id = query.get("id", "")
            with guard:
                drive.seen.append((f"{host}/{path}", id, self.headers.get("Range")))
            if path == "embeddedfolderview":
                return self.listing(id, drive.folders[id])
            if host == "accounts.google.com":
                return self.page("<title>Sign in</title><form>password</form>")
            if query["confirm"] != "t":
                return self.page('<p>too large to scan<form id="download-form">')
            self.file(id)

        def file(self, id: str) -> None:
            with guard:
                steps = drive.steps.get(id, [OK])
                step = steps[min(visits.get(id, 0), len(steps) - 1)]
                visits[id] = visits.get(id, 0) + 1
            if step == SIGN_IN:
                return self.answer(303, b"", {"Location": "https://accounts.google.com/v3/signin"})
            if step in PAGES:
                return self.page(PAGES[step])
            if step >= 400:
                return self.answer(step, b"<p>no", {"Content-Type": "text/html"})
            self.send(drive.files[id], step, {"Content-Type": "application/octet-stream", "ETag": drive.etag})

        def listing(self, id: str, rows: list[tuple[str, str, str]] | int | str) -> None:
            if isinstance(rows, int):
                return self.answer(rows, b"no", {"Content-Type": "text/html"})
            if isinstance(rows, str):
                return self.page(rows)
            kinds = {"file": "file/d/{}/view?usp=drive_web", "folder": "drive/folders/{}"}
            links = [
                f'<a href="https://drive.google.com/{kinds[kind].format(id)}"><div>{html.escape(name)}</div></a>'
                for id, name, kind in rows
            ]
            inside = [row for rows in drive.folders.values() if isinstance(rows, list) for row in rows]
            title = next((html.escape(name) for other, name, _ in inside if other == id), "the set")
            self.page(f"<html><head><title>{title}</title></head><body>{''.join(links)}</body></html>")

    with listening(Handler) as drive.port, routed(drive.port):
        yield drive
