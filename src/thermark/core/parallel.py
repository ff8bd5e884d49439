"""Work for several processes, whose result does not depend on how many there are."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import cv2

from thermark.core import arithmetic

Job = TypeVar("Job")
Result = TypeVar("Result")

MOST = 16  # processes: each takes 70 MB before it has read anything
AHEAD = 4  # chunks a process that wait for the reader: however many jobs there are, memory stays bounded


def ordered(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int | None, chunk: int = 4
) -> Iterator[Result]:
    """Yield `function` of every job, in order, from `workers` processes (default: one a core granted to us).

    Function and jobs must be picklable, and a job must carry its own seed. One worker means this very process.
    """
    count = min(workers or min(cores(), MOST), len(jobs))
    if count <= 1:
        yield from map(function, jobs)
        return
    context = get_context("spawn")  # forking a process that has threads may hang
    starts = iter(range(0, len(jobs), chunk))
    with ProcessPoolExecutor(count, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        waiting: deque[Future[list[Result]]] = deque()
        try:
            for start in starts:
                waiting.append(pool.submit(_all, function, jobs[start : start + chunk]))
                if len(waiting) == AHEAD * count:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Return how many cores this process may use: under a batch system fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_cores(processes: int) -> None:
    """Give each of so many processes side by side its part of the cores, where arithmetic is native.

    Two that each take all cores wait for each other. The portable number of threads is fixed, as sums depend on
    it; and what the user has set stays. Libraries read it when they are imported, here or in a child process.
    """
    if not arithmetic.portable():
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, str(max(1, cores() // processes)))


def _all(function: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    return [function(job) for job in jobs]
