"""Fixtures that find real files by name on machines that have them, and skip with a reason elsewhere."""

import gc
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

import thermark  # noqa: F401  (before any test imports numpy or torch, which read their switches once)

GOLDEN = Path(__file__).parent / "golden"
settings.register_profile("thermark", deadline=None)  # a slow machine is no failure
settings.load_profile("thermark")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage in what imports make, neither now nor in any test: nearly all of it lives on."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000)  # what a test leaves is little: looking after each 700 objects takes seconds
        gc.enable()


def pytest_sessionfinish() -> None:
    """Nor when a process ends and its memory goes anyway: a worker of a few gigabytes took seconds to end."""
    gc.disable()
    gc.freeze()


@pytest.fixture
def native(monkeypatch) -> None:
    """Let a test compute in bfloat16 on the CPU, which the portable arithmetic refuses."""
    monkeypatch.setenv("THERMARK_ARITHMETIC", "native")


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """Return the seconds that this process would have slept: it does not, however slow the machine is."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.fixture(scope="session")
def mirror() -> Callable[[str], Path]:
    """Return a function from a file or folder name to its path under THERMARK_MIRRORS."""
    roots = [Path(root) for root in os.environ.get("THERMARK_MIRRORS", "").split(os.pathsep) if root]

    def find(name: str) -> Path:
        for root in roots:
            for path in sorted(root.rglob(name)):
                return path
        pytest.skip(f"{name} is in no folder of THERMARK_MIRRORS")

    return find


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Path]:
    """Return a function from a reference file's name to its path, in tests/golden or under THERMARK_GOLDEN."""
    roots = [GOLDEN, *(Path(root) for root in [os.environ.get("THERMARK_GOLDEN", "")] if root)]

    def find(name: str) -> Path:
        for root in roots:
            if (root / name).exists():
                return root / name
        pytest.skip(f"{name} is neither in tests/golden nor under THERMARK_GOLDEN")

    return find
