import errno
import os

import pytest

from thermark.core import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Finding("c", "r"), 1),
        (errors.ConfigError("c", "r"), 2),
        (errors.DataError("c", "r"), 3),
        (errors.SetupError("c", "r"), 4),
        (errors.NetworkError("c", "r"), 5),
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device"), 3),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 4),
        (OSError(errno.EROFS, "Read-only file system", "/x"), 4),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/x"), 3),
    ],
)
def test_each_failure_has_its_exit_code_and_two_lines(error, code, capsys):
    def fail():
        raise error

    with pytest.raises(SystemExit) as caught:
        errors.run(fail)
    cause, remedy = capsys.readouterr().err.strip().split("\n")
    assert caught.value.code == code
    assert cause.startswith("error: ") and remedy.startswith("remedy: ")


def test_a_bug_is_not_dressed_up():
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        errors.run(fail)


def test_debug_shows_the_traceback(monkeypatch, capsys):
    monkeypatch.setenv("THERMARK_DEBUG", "1")

    def fail():
        raise errors.DataError("c", "r")

    with pytest.raises(SystemExit):
        errors.run(fail)
    assert "Traceback" in capsys.readouterr().err
