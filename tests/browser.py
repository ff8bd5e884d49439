"""A headless Chromium, driven through its DevTools protocol over aiohttp's websocket, which dvc brings."""

import asyncio
import base64
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars")
STARTS = 60  # seconds that a start or an answer may take on a busy machine


def found() -> str | None:
    """Return the browser's path, None where this machine has none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One page: what it logged (`errors`), what it asked for (`requests`), why it did not get it (`blocked`)."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.numbers = socket, itertools.count(1)
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.blocked: list[str] = []
        self.reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            payload = message.json()
            if "id" in payload:
                self.waiting.pop(payload["id"]).set_result(payload)
            elif payload["method"] == "Runtime.exceptionThrown":
                details = payload["params"]["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description", details["text"]))
            elif payload["method"] == "Runtime.consoleAPICalled" and payload["params"]["type"] in (
                "error",
                "warning",
            ):
                self.errors.append(str([each.get("value") for each in payload["params"]["args"]]))
            elif payload["method"] == "Log.entryAdded" and payload["params"]["entry"]["level"] == "error":
                self.errors.append(payload["params"]["entry"]["text"])
            elif payload["method"] == "Network.loadingFailed":
                self.blocked.append(payload["params"].get("blockedReason", ""))
            elif payload["method"] == "Network.requestWillBeSent":
                self.requests.append(payload["params"]["request"]["url"])

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = next(self.numbers)
        self.waiting[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "method": method, "params": params})
        response = await asyncio.wait_for(self.waiting[number], STARTS)
        assert "error" not in response, response
        return dict(response["result"])

    async def run(self, script: str) -> Any:
        """Return the value of an expression in the page, awaited if it is a promise."""
        response = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in response, response["exceptionDetails"]
        return response["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is true."""
        for _ in range(STARTS * 6):
            if await self.run(script):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    async def key(self, name: str, code: int) -> None:
        """Press a key, such as Enter (13)."""
        text = {"text": "\r"} if name == "Enter" else {"text": " "} if name == " " else {}
        for kind in ("keyDown", "keyUp"):
            await self.send("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, **text)

    async def size(self, width: int, height: int, dark: bool = False) -> None:
        """Give the page a size, and the theme that the system asks for."""
        mobile = {"deviceScaleFactor": 1, "mobile": False}
        await self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, **mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self, path: Path, whole: bool = True) -> None:
        """Write a screenshot, of all the page or of what is seen."""
        response = await self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(response["data"]))


@asynccontextmanager
async def tab(
    url: str, *, scripts: bool = True, width: int = 1400, height: int = 900, dark: bool = False
) -> AsyncIterator[Tab]:
    """Yield a page that has loaded `url`; the browser ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        switches = [*SWITCHES, *QUIET, "--remote-debugging-port=0", f"--user-data-dir={home}", "about:blank"]
        browser = subprocess.Popen([str(found()), *switches], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port = await _port(Path(home))
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = [each for each in await answer.json() if each["type"] == "page"]
                where = pages[0]["webSocketDebuggerUrl"]
                async with session.ws_connect(where, max_msg_size=0) as socket:
                    page = Tab(socket)
                    for domain in ("Page", "Runtime", "Log", "Network"):
                        await page.send(f"{domain}.enable")
                    await page.send("Emulation.setScriptExecutionDisabled", value=not scripts)
                    await page.size(width, height, dark)
                    await page.send("Page.navigate", url=url)
                    await page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
                    yield page
                    page.reader.cancel()
        finally:
            browser.terminate()
            browser.wait()


async def _port(home: Path) -> int:
    """Return the port that the browser chose, once it has written it down."""
    for _ in range(STARTS * 10):
        written = home / "DevToolsActivePort"
        if written.is_file() and (lines := written.read_text(encoding="utf-8").splitlines()):
            return int(lines[0])
        await asyncio.sleep(0.1)
    raise AssertionError("the browser did not start")
