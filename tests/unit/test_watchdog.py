"""Work in another process: hanging, dying, failing, finishing."""

import os
import signal
import time

import pytest

from thermark.core.errors import DataError
from thermark.models.inference.watchdog import Ended, run_watched


def finish(beat, path):
    beat()
    path.write_text("done")


def hang(beat):
    beat()
    time.sleep(3600)


def die(beat):
    os.kill(os.getpid(), signal.SIGSEGV)


def complain(beat):
    raise DataError("a cause", "a remedy")


def give_up(beat):
    raise Ended("gave up")


def stumble(beat):
    raise RuntimeError("a bug")


def test_what_ends_well_has_done_its_work(tmp_path):
    run_watched(finish, 300, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "done"


def test_what_hangs_is_ended():
    """Waiting for its end would take an hour."""
    with pytest.raises(Ended, match=r"no sign of life for 2 seconds"):
        run_watched(hang, 2)


def test_what_dies_says_how():
    with pytest.raises(Ended, match=f"signal {int(signal.SIGSEGV)}"):
        run_watched(die, 300)


def test_errors_keep_their_cause_remedy_and_kind():
    with pytest.raises(DataError) as caught:
        run_watched(complain, 300)
    assert (caught.value.cause, caught.value.remedy) == ("a cause", "a remedy")
    with pytest.raises(Ended, match="gave up"):
        run_watched(give_up, 300)


def test_a_bug_is_a_failure_with_a_traceback(capfd):
    with pytest.raises(Ended, match="exit code 1"):
        run_watched(stumble, 300)
    assert "RuntimeError: a bug" in capfd.readouterr().err
