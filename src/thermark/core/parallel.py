"""Work for several processes, whose result does not depend on how many there are."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import cv2

Job = TypeVar("Job")
Result = TypeVar("Result")


def ordered(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int | None, chunk: int = 4
) -> Iterator[Result]:
    """Yield `function` of every job, in order, from `workers` processes (default: one a core).

    Function and jobs must be picklable, and a job must carry its own seed. One worker means this very process.
    """
    count = min(workers or os.cpu_count() or 1, len(jobs))
    if count <= 1:
        yield from map(function, jobs)
        return
    context = get_context("spawn")  # forking a process that has threads may hang
    with ProcessPoolExecutor(count, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.map(function, jobs, chunksize=chunk)
