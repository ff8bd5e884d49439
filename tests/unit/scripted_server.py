"""Web servers on 127.0.0.1 that follow a script of faults, one step a request; the last step repeats."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OK, CUT, NO_RANGE, FLIPPED, HTML, PAGE_AS_FILE, SLOW, SHIFTED, SHORT, HELD = range(10)


class Answers(BaseHTTPRequestHandler):
    """How the servers answer; HELD sends a half, and the rest not before the test is `over`."""

    protocol_version = "HTTP/1.1"
    over: threading.Event

    def log_message(self, *arguments: object) -> None:
        pass

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.begin(status, {**(headers or {}), "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def page(self, text: str) -> None:
        self.answer(200, f"<!DOCTYPE html>{text}".encode(), {"Content-Type": "text/html; charset=utf-8"})

    def send(self, content: bytes, step: int, headers: dict[str, str], pause: float = 0.05) -> None:
        """Send a file, or the range of it that is asked for, as a step says."""
        start, last = 0, len(content)
        range_header, etag = self.headers.get("Range"), headers.get("ETag")
        if range_header and self.headers.get("If-Range", etag) == etag and step != NO_RANGE:
            start = int(range_header.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            start += 1000 * (step == SHIFTED)
            last = start + 100_000 if step == SHORT else last
            headers = headers | {"Content-Range": f"bytes {start}-{last - 1}/{len(content)}"}
        self.begin(206 if start else 200, headers | {"Content-Length": str(last - start)})
        half = (start + last) // 2
        stride = len(content) // 20 if step == SLOW else max(len(content), 1)
        for offset in range(start, half if step in (CUT, HELD) else last, stride):
            self.wfile.write(content[offset : min(offset + stride, half if step in (CUT, HELD) else last)])
            self.wfile.flush()
            if step == SLOW:
                time.sleep(pause)
        if step == HELD and self.over.wait(600):
            self.wfile.write(content[half:last])


@contextmanager
def listening(handler: type[Answers], port: int = 0) -> Iterator[int]:
    """Serve on a port, by default on a free one, and yield that."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: object) -> None:
            pass  # a client that hangs up is part of the script

    handler.over = threading.Event()
    server = Server(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        handler.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Script:
    """What to serve: `steps` holds faults, or HTTP codes (>= 400) to answer with; `seen` the Range headers."""

    content: bytes
    steps: list[int] = field(default_factory=lambda: [OK])
    etag: str | None = '"v1"'
    seen: list[str | None] = field(default_factory=list)
    pause: float = 0.05
    url: str = ""

    def step(self) -> int:
        return self.steps[min(len(self.seen) - 1, len(self.steps) - 1)]


@contextmanager
def serving(script: Script, port: int = 0) -> Iterator[Script]:
    class Handler(Answers):
        def do_GET(self) -> None:
            script.seen.append(self.headers.get("Range"))
            step, content = script.step(), script.content
            if step >= 400:
                return self.answer(step, b"no", {"Retry-After": "0"})
            if step == HTML:
                return self.page("<p>quota exceeded</p>")
            if step == PAGE_AS_FILE:
                return self.answer(200, b"\n<!DOCTYPE html><html>log in</html>")
            if step == FLIPPED:
                content = bytes([content[0] ^ 1]) + content[1:]
            self.send(content, step, {"ETag": script.etag} if script.etag else {}, script.pause)

    with listening(Handler, port) as port:
        script.url = f"http://127.0.0.1:{port}/folder/set.zip"
        yield script


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
