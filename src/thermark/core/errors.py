"""Failures that a user can act on: a cause, a remedy and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable


class ThermarkError(Exception):
    """A failure with a one-line cause and a one-line remedy, both printed to stderr."""

    code = 1

    def __init__(self, cause: str, remedy: str):
        # Both are arguments, so that the error survives its way out of a worker process.
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return self.cause


class Finding(ThermarkError):
    """A quality gate that did not pass (exit 1)."""

    code = 1


class ConfigError(ThermarkError):
    """A wrong parameter, name or command line (exit 2)."""

    code = 2


class DataError(ThermarkError):
    """Data or weights that are missing, damaged or inconsistent (exit 3)."""

    code = 3


class SetupError(ThermarkError):
    """A missing package, a wrong version, an unwritable folder (exit 4)."""

    code = 4


class NetworkError(ThermarkError):
    """No network, a refused credential, a vanished file (exit 5)."""

    code = 5


def in_one_line(error: object) -> str:
    """Return an error's text as one line of at most 200 characters."""
    return " ".join(str(error).split())[:200]


def run(main: Callable[[], None]) -> None:
    """Run a command and leave the process with the exit code its failure deserves.

    `THERMARK_DEBUG=1` or `--debug` on the command line shows the traceback as well.
    """
    debug = "--debug" in sys.argv or os.environ.get("THERMARK_DEBUG", "") not in ("", "0")
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
    # Only here, because its failures are those of this module.
    from thermark.core import arithmetic

    try:
        arithmetic.check()
        main()
    except ThermarkError as error:
        if debug:
            traceback.print_exc()
        print(f"error: {error.cause}\nremedy: {error.remedy}", file=sys.stderr)
        sys.exit(error.code)
    except KeyboardInterrupt:
        print("error: interrupted\nremedy: run the same command again; finished work is kept", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if debug:
            traceback.print_exc()
        print(f"error: {error}\nremedy: {_remedy(error)}", file=sys.stderr)
        sys.exit(4 if isinstance(error, PermissionError) or error.errno == 30 else 3)


def _remedy(error: OSError) -> str:
    if error.errno == 28:
        return "free some disk space and run the same command again"
    if isinstance(error, PermissionError) or error.errno == 30:
        return "make the folder writable, or set THERMARK_CACHE to one that is"
    if isinstance(error, FileNotFoundError):
        return "run `dvc repro`, which makes the files that a stage needs"
    return "check the path and run the same command again (--debug shows the traceback)"
