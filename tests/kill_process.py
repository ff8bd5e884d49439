"""Processes that are killed at a known moment, and waits that are counted instead of slept."""

import subprocess
import time
from collections.abc import Callable

PATIENCE = 300.0  # seconds; a machine may be very busy


def kill_when(ready: Callable[[], bool], process: subprocess.Popen) -> None:
    """Kill a process once `ready()` holds, which it must bring about and not get beyond; fail if it does not."""
    end = time.monotonic() + PATIENCE
    try:
        while not ready():
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < end, "it never came so far"
            time.sleep(0.005)
    finally:
        process.kill()
        code = process.wait(PATIENCE)
    assert code == -9
