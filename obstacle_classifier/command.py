# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The frame of a command: signals, standard streams and the exit status."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TextIO

from obstacle_classifier.errors import ObstacleClassifierError

__all__ = ["run_command"]

_REPEAT = 1.0  # s; further signals in this time belong to the same request


def run_command(name: str, work: Callable[[], object]) -> int:
    """Run `work` as the command `name`, and return the exit status.

    0: success, also if the reader of stdout closed it early. 1: a problem, one line on stderr. 2: wrong usage, from
    argparse. 130: SIGINT. 143: SIGTERM. Signals end the command even if its caller ignores them, as a shell does for
    SIGINT in background jobs. If stderr cannot be written, the message is lost, and the exit status stays the same.
    """
    _open_closed_streams()
    sys.stderr = _replace(sys.stderr, sys.__stderr__, _StandardStream(2, lenient=True))
    output = _StandardStream(1)
    sys.stdout = _replace(sys.stdout, sys.__stdout__, output)
    _StopSignals()
    status, problem = _outcome(work, output)
    if status == 0 and output.error is not None and not isinstance(output.error, BrokenPipeError):
        status, problem = 1, f"standard output: {output.error.strerror}"
    if problem:
        print(f"{name}: {' '.join(problem.split())}", file=sys.stderr)
    return status


def _outcome(work: Callable[[], object], output: _StandardStream) -> tuple[int, str]:
    """Exit status, and the problem to report."""
    try:
        try:
            work()
        except BaseException:
            with contextlib.suppress(OSError):  # the first error is the one to report
                sys.stdout.flush()
            raise
        sys.stdout.flush()
    except SystemExit as end:  # from argparse, which has reported the problem
        return (end.code, "") if isinstance(end.code, int) else (int(end.code is not None), end.code or "")
    except ObstacleClassifierError as error:
        return 1, str(error)
    except ModuleNotFoundError as error:
        return 1, f"this command needs the Python package '{error.name}', which is not installed; see README.md"
    except OSError as error:
        if error is output.error:
            return 0, ""  # run_command decides
        return 1, f"{error.filename or 'input or output'}: {error.strerror or error}"
    except MemoryError:
        return 1, "out of memory"
    except KeyboardInterrupt:
        # If the exception has left an `exec` of text, as in a dataclass or in generated code, CPython notes it as not
        # handled, and `python -m` then ends by SIGINT whatever the status is. The next `exec` clears the note.
        exec("")
        return 130, "interrupted"
    except _TerminatedError:
        return 143, "terminated"
    return 0, ""


class _TerminatedError(BaseException):
    """SIGTERM; not an Exception, which code on the way could take for a problem with the data."""


class _StopSignals:
    """SIGINT and SIGTERM raise KeyboardInterrupt and _TerminatedError.

    A terminal and `ros2 launch` may both send the signal. The second one must not cut the clean-up short that the
    first one started.
    """

    def __init__(self) -> None:
        self._newest = -_REPEAT
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        now = time.monotonic()
        if now - self._newest < _REPEAT:
            return
        self._newest = now
        raise KeyboardInterrupt if number == signal.SIGINT else _TerminatedError


class _StandardStream(io.FileIO):
    """Descriptor of stdout or stderr. After an error the rest is discarded: Python flushes again at exit.

    Attributes:
        error: The first error; it was raised unless the stream is lenient.
    """

    def __init__(self, descriptor: int, *, lenient: bool = False) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.error: OSError | None = None
        self._lenient = lenient

    def write(self, data: Any) -> int:
        """Write bytes, or discard them after an error; returns their number."""
        if self.error is None:
            try:
                return super().write(data)
            except OSError as error:
                self.error = error
                if not self._lenient:
                    raise
        return memoryview(data).nbytes


def _replace(stream: TextIO | None, original: TextIO | None, raw: _StandardStream) -> TextIO:
    """The stream written through `raw`, unless somebody has put another in its place."""
    if stream is not original and stream is not None:
        return stream
    by_line = raw.fileno() == 2 or raw.isatty() or bool(os.environ.get("PYTHONUNBUFFERED"))
    return io.TextIOWrapper(
        # A buffer would write a line again if a signal's exception cuts its flush short.
        raw if by_line else io.BufferedWriter(raw),
        encoding="utf-8" if stream is None else stream.encoding,
        errors="backslashreplace" if stream is None else stream.errors,
        line_buffering=by_line,
    )


def _open_closed_streams() -> None:
    """Give closed standard streams a descriptor.

    The next file opened would take the free descriptor, and output meant for the stream would go into that file. On
    the new stdin every read fails, on the new stdout every write, as on a closed descriptor; the new stderr discards.
    """
    for descriptor, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        if not _is_open(descriptor):
            os.set_inheritable(os.open(os.devnull, flags), True)  # the lowest free descriptor: this one


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
