"""Progress that suits a terminal and a log file alike."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def track(items: Iterable[T], total: int, label: str, unit: str = "it", every: float = 10.0) -> Iterator[T]:
    """Yield `items` under a tqdm bar on a TTY, with a plain line every `every` seconds elsewhere.

    Nothing but stderr is written, so that outputs stay free of clocks.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=label, unit=unit, leave=False)
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= every or (done == total and now - start >= every):
            last = now
            rate = done / (now - start)
            print(f"{label}: {done}/{total} {unit}, {rate:.1f} {unit}/s", file=sys.stderr, flush=True)
