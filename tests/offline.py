"""A machine without a network: every attempt of Python code to leave it is noted, and is an error.

Native code that opens sockets by itself is not seen.
"""

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOCAL = {"", "localhost", "localhost.localdomain"}


class Left(BaseException):
    """Somebody wanted to leave this machine; no Exception, which many a library would take for bad luck."""


def local(host: Any) -> bool:
    """Tell whether a host is this machine: a loopback address, no address at all, or a name that means either."""
    if isinstance(host, bytes):
        host = host.decode()
    if host is None or str(host).lower() in LOCAL:
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def blocked(note: Callable[[str], None]) -> dict[str, Callable[..., Any]]:
    """Return what to put into `socket`, by name, which tells `note` of whatever leaves this machine."""

    def leave(what: str, host: Any) -> None:
        if not local(host):
            note(f"{what} {host}")
            raise Left(f"{what} {host}")

    def named(name: str) -> Callable[..., Any]:
        real = getattr(socket, name)

        def asked(host: Any, *arguments: Any, **more: Any) -> Any:
            leave(name, host)
            return real(host, *arguments, **more)

        return asked

    def connected(name: str) -> Callable[..., Any]:
        real = getattr(socket.socket, name)

        def asked(self: socket.socket, *arguments: Any) -> Any:
            # A path is a Unix socket; `sendto` has its address last.
            if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(arguments[-1], tuple):
                leave(name, arguments[-1][0])
            return real(self, *arguments)

        return asked

    names = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
    methods = ("connect", "connect_ex", "sendto")
    return {name: named(name) for name in names} | {f"socket.{name}": connected(name) for name in methods}


SITE = """
import os, socket, sys
sys.path.insert(0, {tests!r})
import offline

def note(what):
    with open({log!r}, "a", encoding="utf-8") as file:
        file.write(f"{{what}} by {{sys.argv}}" + chr(10))

for name, value in offline.blocked(note).items():
    owner, _, attribute = name.rpartition(".")
    setattr(socket.socket if owner else socket, attribute, value)
with open({log!r} + ".guarded", "a", encoding="utf-8") as file:
    file.write(" ".join(sys.orig_argv) + chr(10))
"""


def guard(folder: Path) -> Path:
    """Write a `sitecustomize` into `folder` and return the log of it, absent as long as nobody wanted to leave.

    `<log>.guarded` has a line for each Python that it watched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "left.log"
    text = SITE.format(tests=str(Path(__file__).parent), log=str(log))
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return log
