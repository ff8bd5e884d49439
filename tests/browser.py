"""A headless Chromium, driven through its DevTools protocol over aiohttp's websocket, which dvc brings."""

import asyncio
import base64
import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
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


@contextmanager
def running() -> Iterator[str]:
    """Start a browser and yield the address of its own socket; it ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        switches = [*SWITCHES, *QUIET, "--remote-debugging-port=0", f"--user-data-dir={home}", "about:blank"]
        browser = subprocess.Popen([str(found()), *switches], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield _address(Path(home))
        finally:
            browser.terminate()
            browser.wait()


@asynccontextmanager
async def tab(
    address: str, url: str, *, scripts: bool = True, width: int = 1400, height: int = 900, dark: bool = False
) -> AsyncIterator[Tab]:
    """Yield a page that has loaded `url` in the browser at `address`; what it stores ends with the block."""
    async with aiohttp.ClientSession() as session, _connected(session, address) as browser:
        # A profile of its own: nothing that another page has stored is there.
        profile = await browser.send("Target.createBrowserContext")
        target = await browser.send("Target.createTarget", url="about:blank", **profile)
        where = f"{address.partition('/devtools/')[0]}/devtools/page/{target['targetId']}"
        async with _connected(session, where) as page:
            for domain in ("Page", "Runtime", "Log", "Network"):
                await page.send(f"{domain}.enable")
            await page.send("Emulation.setScriptExecutionDisabled", value=not scripts)
            await page.size(width, height, dark)
            await page.send("Page.navigate", url=url)
            await page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
            yield page
        await browser.send("Target.disposeBrowserContext", **profile)


@asynccontextmanager
async def _connected(session: aiohttp.ClientSession, address: str) -> AsyncIterator[Tab]:
    async with session.ws_connect(address, max_msg_size=0) as socket:
        end = Tab(socket)
        try:
            yield end
        finally:
            end.reader.cancel()


def _address(home: Path) -> str:
    """Return where the browser listens, once it has written it down."""
    for _ in range(STARTS * 20):
        written = home / "DevToolsActivePort"
        if written.is_file() and len(lines := written.read_text(encoding="utf-8").split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError("the browser did not start")
