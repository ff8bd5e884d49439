"""Work in a process of its own, that is ended when it gives no sign of life."""

import sys
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from thermark.core.errors import ThermarkError

Beat = Callable[[], None]


class Ended(Exception):
    """The work ended without a result, and how in one line."""


def run_watched(work: Callable[..., None], silence: float, *arguments: Any) -> None:
    """Run `work(beat, *arguments)` in a spawned process and wait for it, as long as it beats.

    Raises Ended when it hangs (no beat for `silence` seconds), dies, or raises Ended; a ThermarkError that it
    raises is raised here; any other error ends it with a traceback on stderr.
    """
    context = get_context("spawn")  # a hanging native call can be ended with its process only
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(theirs, work, arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        while ours.poll(silence):
            message = ours.recv()
            if isinstance(message, Exception):
                raise message
        raise Ended(f"gave no sign of life for {silence:g} seconds")
    except EOFError:
        child.join()
        if child.exitcode:
            raise Ended(f"ended with {_status(child.exitcode)}") from None
    finally:
        child.kill()
        child.join()


def _work(pipe: Connection, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    try:
        work(lambda: pipe.send(None), *arguments)
    except (ThermarkError, Ended) as error:
        pipe.send(error)
    except KeyboardInterrupt:
        sys.exit(130)


def _status(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
