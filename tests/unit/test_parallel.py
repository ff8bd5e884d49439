"""Order and results are those of one process."""

import operator
import os
import time
from functools import partial

import pytest

from thermark.core import arithmetic, parallel
from thermark.core.parallel import AHEAD, ordered, share_cores


def whose(_):
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2, None])
def test_results_come_in_order(workers):
    assert list(ordered(partial(operator.mul, 3), range(23), workers)) == list(range(0, 69, 3))


def test_one_worker_is_this_process():
    assert set(ordered(whose, [1, 2], 1)) == {os.getpid()}
    assert os.getpid() not in set(ordered(whose, [1, 2], 2))


def test_no_job_is_no_work():
    assert list(ordered(whose, [], 4)) == []


def test_an_error_comes_through():
    with pytest.raises(ZeroDivisionError):
        list(ordered(partial(operator.truediv, 1), [1, 0], 2))


def leave(path):
    path.touch()
    return path.name


def test_work_is_not_done_far_ahead_of_its_reader(tmp_path):
    """Results that nobody has taken yet would otherwise fill the memory."""
    jobs = [tmp_path / f"{number:04d}" for number in range(1000)]
    results = ordered(leave, jobs, 2, chunk=1)
    assert next(results) == "0000"
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) <= 2 * 2 * AHEAD
    assert len(list(results)) == 999
    assert len(list(tmp_path.iterdir())) == 1000


@pytest.mark.parametrize(("processes", "threads"), [(1, "6"), (2, "3"), (4, "1"), (16, "1")])
def test_processes_side_by_side_share_the_cores_in_native_arithmetic(monkeypatch, processes, threads):
    """Two processes that each take all cores wait for each other: predictions took nearly twice as long."""
    monkeypatch.setattr(parallel, "cores", lambda: 6)
    monkeypatch.setenv(arithmetic.VARIABLE, "native")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "5")  # what the user has set stays
    share_cores(processes)
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == (threads, "5")


def test_the_portable_number_of_threads_does_not_depend_on_the_cores(monkeypatch):
    monkeypatch.setenv(arithmetic.VARIABLE, "portable")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    share_cores(2)
    assert "OMP_NUM_THREADS" not in os.environ
