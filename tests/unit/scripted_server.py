"""A web server on 127.0.0.1 that follows a script of faults, one step a request; the last step repeats."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OK, CUT, NO_RANGE, FLIPPED, HTML, PAGE_AS_FILE, SLOW, SHIFTED, SHORT, HELD = range(10)


@dataclass
class Script:
    """What to serve: `steps` holds faults, or HTTP codes (>= 400) to answer with; `seen` the Range headers.

    HELD sends a half, and the rest not before the test is `over`.
    """

    content: bytes
    steps: list[int] = field(default_factory=lambda: [OK])
    etag: str | None = '"v1"'
    seen: list[str | None] = field(default_factory=list)
    pause: float = 0.05
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def step(self) -> int:
        return self.steps[min(len(self.seen) - 1, len(self.steps) - 1)]


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            self.close_connection = True
            script.seen.append(self.headers.get("Range"))
            step = script.step()
            if step >= 400:
                return self.answer(step, b"no", {"Retry-After": "0"})
            if step == HTML:
                return self.answer(200, b"<p>quota exceeded</p>", {"Content-Type": "text/html; charset=utf-8"})
            if step == PAGE_AS_FILE:
                return self.answer(200, b"\n<!DOCTYPE html><html>log in</html>", {})
            content = script.content
            if step == FLIPPED:
                content = bytes([content[0] ^ 1]) + content[1:]
            self.send(content, step)

        def send(self, content: bytes, step: int) -> None:
            start, last = 0, len(content)
            headers = {"ETag": script.etag} if script.etag else {}
            asked = self.headers.get("Range")
            fresh = self.headers.get("If-Range", script.etag) == script.etag
            if asked and fresh and step != NO_RANGE:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                if step == SHIFTED:
                    start += 1000
                if step == SHORT:
                    last = start + 100_000
                headers["Content-Range"] = f"bytes {start}-{last - 1}/{len(content)}"
            self.send_response(206 if start else 200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(last - start))
            self.end_headers()
            half = (start + last) // 2
            end = half if step in (CUT, HELD) else last
            stride = len(content) // 20 if step == SLOW else len(content)
            for offset in range(start, end, stride):
                self.wfile.write(content[offset : min(offset + stride, end)])
                self.wfile.flush()
                if step == SLOW:
                    time.sleep(script.pause)
            if step == HELD and script.over.wait(600):
                self.wfile.write(content[half:last])

        def answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: object) -> None:
            pass  # a client that hangs up is part of the script

    server = Server(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_address[1]}/folder/set.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
