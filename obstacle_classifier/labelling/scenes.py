# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Open recordings, each read by a thread of its own: a slow disk stops neither the page nor another recording."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.labelling.scene import Scene

__all__ = ["Scenes"]

KEPT = 2
"""Recordings that stay open."""

_T = TypeVar("_T")


class Scenes:
    """The recordings that pages look at, by number.

    Args:
        paths: The recordings.
        sensors: The sensors to show.
    """

    def __init__(self, paths: list[Path], sensors: SensorsConfig) -> None:
        self._paths, self._sensors = paths, sensors
        self._open: OrderedDict[int, _Reader] = OrderedDict()

    async def read(self, number: int, question: Callable[[Scene], _T]) -> _T:
        """The answer of a recording, asked in its thread.

        Raises:
            LookupError: There is no recording of this number.
            BagError: It cannot be opened.
        """
        if not 0 <= number < len(self._paths):
            raise LookupError(f"found recording {number}, expected 0 to {len(self._paths) - 1}")
        if number not in self._open:
            self._open[number] = _Reader(self._paths[number], self._sensors)
        self._open.move_to_end(number)
        while len(self._open) > KEPT:
            self._open.popitem(last=False)[1].close()
        return await asyncio.wrap_future(self._open[number].submit(question))

    def close(self) -> None:
        """Release all files."""
        while self._open:
            self._open.popitem()[1].close()


class _Reader:
    """A recording with its thread, opened when it is first asked."""

    def __init__(self, path: Path, sensors: SensorsConfig) -> None:
        self._path, self._sensors = path, sensors
        self._thread = ThreadPoolExecutor(1, "scene")
        self._scene: Scene | None = None

    def submit(self, question: Callable[[Scene], _T]) -> Future[_T]:
        return self._thread.submit(self._answer, question)

    def _answer(self, question: Callable[[Scene], _T]) -> _T:
        if self._scene is None:
            self._scene = Scene(self._path, self._sensors)
        return question(self._scene)

    def close(self) -> None:
        self._thread.submit(self._release)
        self._thread.shutdown(wait=False)

    def _release(self) -> None:
        if self._scene is not None:
            self._scene.close()
