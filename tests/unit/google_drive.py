"""Google Drive on 127.0.0.1: what its hosts answer, and how this process is led there instead of to Google."""

import html
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, urlsplit

import requests

GOOGLE = ("drive.google.com", "drive.usercontent.google.com", "docs.google.com", "accounts.google.com")
# What stands in the way of a file, or how it is sent.
OK, FORM, QUOTA, SIGN_IN, CUT, NO_RANGE, HELD, PAGE, ELSEWHERE, FOREVER = range(10)


@dataclass
class Drive:
    """Files (id -> content), folders (id -> rows of (id, name, "file" or "folder"), a page or a code) and steps.

    A step is a combination of the above and of HTTP codes; a file's next one begins when it gets past its form,
    and the last one repeats. HELD sends a half, and no more before the test is `over`. `seen` holds (path, id,
    Range) of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    folders: dict[str, list[tuple[str, str, str]] | int | str] = field(default_factory=dict)
    steps: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    etag: str | None = '"v1"'
    over: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    issued: dict[str, str] = field(default_factory=dict)

    def ranges(self, id: str) -> list[str | None]:
        return [asked for path, seen, asked in self.seen if seen == id]


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
    numbers = count()
    visits: dict[str, int] = {}
    guard = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            self.close_connection = True
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
            if path == "uc":
                return self.to(f"https://drive.usercontent.google.com/download?id={id}&export=download")
            with guard:
                steps = drive.steps.get(id, [(OK,)])
                step = steps[min(visits.get(id, 0), len(steps) - 1)]
            self.file(id, query, step)

        def file(self, id: str, query: dict[str, str], step: tuple[int, ...]) -> None:
            for code in step:
                if code >= 400:
                    with guard:
                        visits[id] = visits.get(id, 0) + 1
                    return self.answer(code, b"<p>no", {"Content-Type": "text/html"})
            if FOREVER in step or (FORM in step and query.get("uuid") != drive.issued.get(id, "none")):
                drive.issued[id] = f"fresh{next(numbers)}"
                there = (
                    "https://evil.example/download"
                    if ELSEWHERE in step
                    else "https://drive.usercontent.google.com/download"
                )
                fields = {"id": id, "export": "download", "confirm": "t", "uuid": drive.issued[id]}
                inputs = "".join(f'<input type="hidden" name="{n}" value="{v}">' for n, v in fields.items())
                return self.page(f'<p>too large to scan<form id="download-form" action="{there}">{inputs}</form>')
            with guard:
                visits[id] = visits.get(id, 0) + 1
            if QUOTA in step:
                return self.page('<p class="uc-error-subcaption">Too many users have downloaded this file.</p>')
            if SIGN_IN in step:
                return self.to("https://accounts.google.com/v3/signin")
            if PAGE in step:
                return self.page("<p>something new")
            self.content(drive.files[id], step)

        def content(self, content: bytes, step: tuple[int, ...]) -> None:
            asked, start = self.headers.get("Range"), 0
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Disposition": 'attachment; filename="x"',
            }
            if drive.etag:
                headers["ETag"] = drive.etag
            if asked and NO_RANGE not in step and self.headers.get("If-Range", drive.etag) == drive.etag:
                start = int(asked[6:-1])
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            headers["Content-Length"] = str(len(content) - start)
            self.begin(206 if start else 200, headers)
            end = (start + len(content)) // 2 if CUT in step or HELD in step else len(content)
            self.wfile.write(content[start:end])
            self.wfile.flush()
            if HELD in step:
                drive.over.wait(600)

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

        def page(self, text: str) -> None:
            self.answer(200, f"<!DOCTYPE html>{text}".encode(), {"Content-Type": "text/html; charset=utf-8"})

        def to(self, url: str) -> None:
            self.answer(303, b"", {"Location": url})

        def answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
            self.begin(code, headers | {"Content-Length": str(len(body))})
            self.wfile.write(body)

        def begin(self, code: int, headers: dict[str, str]) -> None:
            self.send_response(code)
            self.send_header("Connection", "close")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: object) -> None:
            pass  # a client that hangs up is part of the script

    server = Server(("127.0.0.1", 0), Handler)
    drive.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        with routed(drive.port):
            yield drive
    finally:
        drive.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
