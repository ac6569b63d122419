# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Progress of long jobs: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn, Protocol, TextIO

from tqdm import tqdm

__all__ = ["Progress", "Silent", "Stage", "TextProgress"]


class Stage(Protocol):
    """One stage of a job, with a known number of steps."""

    def advance(self, note: str) -> None:
        """Report that one step is done; `note` names it or gives its result."""


class Progress(Protocol):
    """Receives the progress of a job."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Stage]:
        """Open a stage of `total` steps, as a context manager."""

    def say(self, line: str) -> None:
        """Report one line."""


class TextProgress:
    """Progress as text: tqdm bars if `stream` is a terminal, else about ten lines per stage."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Stage]:
        """Open a stage of `total` steps."""
        if self._stream.isatty():
            # Terminals on a serial line or in a container may report a width of 0 columns.
            width = os.get_terminal_size(self._stream.fileno()).columns
            ncols = None if width else 80
            with tqdm(total=total, desc=name, file=self._stream, dynamic_ncols=bool(width), ncols=ncols) as bar:
                yield _BarStage(bar)
        else:
            yield _LineStage(name, total, self._stream)

    def say(self, line: str) -> None:
        """Print one line, above any bar."""
        tqdm.write(line, file=self._stream)


class Silent:
    """Discards all progress."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Stage]:
        """Open a stage."""
        del name, total
        yield _SilentStage()

    def say(self, line: str) -> None:
        """Discard the line."""


class _SilentStage:
    def advance(self, note: str) -> None:
        pass


class _BarStage:
    def __init__(self, bar: tqdm[NoReturn]) -> None:
        self._bar = bar

    def advance(self, note: str) -> None:
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update()


class _LineStage:
    def __init__(self, name: str, total: int, stream: TextIO) -> None:
        self._name, self._total, self._stream, self._done = name, total, stream, 0

    def advance(self, note: str) -> None:
        self._done += 1
        if self._done == self._total or self._done % max(1, self._total // 10) == 0:
            print(f"{self._name} {self._done}/{self._total}: {note}", file=self._stream, flush=True)
