"""The seeds of one run, each in a process of its own where a machine has the cores: none waits for another.

Whether seeds share the machine changes no number, for each has the `threads` of its section either way.
"""

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from thermark.core.errors import ThermarkError
from thermark.core.parallel import cores
from thermark.core.runs import Untrained
from thermark.train import precision, processes
from thermark.train.run import Finished, Run

# Processes for each that finds cores: three seeds share two cores in 1.5 times the time of one, not in two.
ROUNDS = 2
MOST = 16
Train = Callable[[int], Finished]


@dataclass(frozen=True)
class RecipeRun:
    """Training with any seed, for any process: `recipe` is a module of train/recipes, `states` a folder a seed."""

    recipe: str
    config: Run
    faces: Path
    models: Path
    states: Mapping[int, Path]

    def __call__(self, seed: int) -> Finished:
        """Train with one seed; raises what the recipe raises."""
        recipe = import_module(f"thermark.train.recipes.{self.recipe}")
        done: Finished = recipe.train(self.config, seed, self.faces, self.models, self.states[seed])
        return done


def train_all(config: Run, train: Train) -> dict[int, Finished]:
    """Return what `train(seed)` gives for each seed of a run: one after the other or, of a Job, side by side.

    The first seed that fails ends those after it. Raises its failure; of Untrained, with its number in the cause.
    """
    count = at_once(config) if isinstance(train, RecipeRun) else 1
    if count == 1:
        return {seed: _one(train, seed) for seed in config.seeds}
    return dict(zip(config.seeds, _together(train, config.seeds, count), strict=True))


def at_once(config: Run) -> int:
    """Return how many seeds train at a time: one on a GPU, under several processes, and where cores are few."""
    if processes.count() > 1 or precision.chosen(config.device).type != "cpu":
        return 1
    rounds = cores() // config.threads
    return 1 if rounds < 2 else min(len(config.seeds), ROUNDS * rounds, MOST)


def _one(train: Train, seed: int) -> Finished:
    try:
        return train(seed)
    except Untrained as error:
        raise Untrained(f"seed {seed}: {error.cause}", error.remedy) from error


@dataclass(frozen=True)
class _Running:
    """A process that trains with the seed of the number `index`, and what it sends."""

    index: int
    process: BaseProcess
    results: Connection


def _together(train: Train, seeds: Sequence[int], count: int) -> list[Finished]:
    """Return what each seed gives, from `count` processes at a time; raises the first seed's failure."""
    context = get_context(_way())
    waiting = list(enumerate(seeds))
    running: list[_Running] = []
    finished: dict[int, Finished] = {}
    failed: dict[int, BaseException] = {}
    try:
        while waiting or running:
            while waiting and len(running) < count:
                running.append(_begun(context, train, *waiting.pop(0)))
            ready = wait([one.results for one in running])
            for one in [one for one in running if one.results in ready]:
                running.remove(one)
                result = _received(one, seeds[one.index])
                if isinstance(result, Finished):
                    finished[one.index] = result
                else:
                    failed[one.index] = result
            if failed:
                # One before it may fail yet, and would have been the first to.
                waiting = [one for one in waiting if one[0] < min(failed)]
                running = _ended(running, min(failed))
    finally:
        _ended(running, begin=0)
    if failed:
        raise failed[min(failed)]
    return [finished[index] for index in range(len(seeds))]


def _way() -> str:
    """Return how processes begin: a fork has imported everything, but is safe only while there is one thread."""
    tasks = Path("/proc/self/task")
    alone = tasks.is_dir() and len(list(tasks.iterdir())) == 1 and threading.active_count() == 1
    return "fork" if alone else "spawn"


def _begun(context: BaseContext, train: Train, index: int, seed: int) -> _Running:
    ours, theirs = context.Pipe(duplex=False)
    arguments = (train, seed, theirs, os.getpid())
    process: BaseProcess = context.Process(target=_train, args=arguments, daemon=True)  # type: ignore[attr-defined]
    # A process that is interrupted before it ignores SIGINT would print a traceback.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    theirs.close()
    return _Running(index, process, ours)


def _train(train: Train, seed: int, results: Connection, parent: int) -> None:
    """Train in a process of its own and send what came of it, or the failure."""
    # The terminal interrupts all processes of a group; the first one decides what becomes of the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    processes.die_with_parent()
    if os.getppid() != parent:
        return  # it has ended already
    sys.stderr = _Lines()
    result: Any
    try:
        result = _one(train, seed)
        # Between processes, tensors go by way of shared memory and a file descriptor each; arrays are simply sent.
        arrays: Any = {name: tensor.numpy() for name, tensor in result.weights.items()}
        result = replace(result, weights=arrays)
    except (ThermarkError, OSError) as error:
        result = error
    results.send(result)
    results.close()


def _received(running: _Running, seed: int) -> Finished | BaseException:
    """Return what a process sends, or why it sends nothing."""
    result: Finished | BaseException
    try:
        result = running.results.recv()
    except EOFError:
        result = _silent(running, seed)
    running.process.join()
    running.results.close()
    if not isinstance(result, Finished):
        return result
    arrays: Any = result.weights
    return replace(result, weights={name: torch.from_numpy(array) for name, array in arrays.items()})


def _silent(running: _Running, seed: int) -> ThermarkError:
    running.process.join()
    code = running.process.exitcode or 0
    how = f"was killed by signal {-code}" if code < 0 else "failed, as it says above"
    remedy = "free memory, or take fewer `seeds`; the same command goes on where it ended"
    return ThermarkError(f"training with seed {seed} {how}", remedy)


def _ended(running: Sequence[_Running], begin: int) -> list[_Running]:
    """End the processes of seeds from the number `begin` on, and return the others."""
    ended = [one for one in running if one.index >= begin]
    for one in ended:
        one.process.kill()
    for one in ended:
        one.process.join()
        one.results.close()
    return [one for one in running if one.index < begin]


class _Lines(io.TextIOBase):
    """Standard error line by line, and as no terminal: bars of several processes would overwrite one another."""

    def __init__(self) -> None:
        self._begun = ""

    def write(self, text: str) -> int:
        """Keep what is no whole line yet."""
        *whole, self._begun = (self._begun + text).split("\n")
        if whole:
            os.write(2, "".join(f"{line}\n" for line in whole).encode())
        return len(text)

    def writable(self) -> bool:
        """Tell that it is."""
        return True
