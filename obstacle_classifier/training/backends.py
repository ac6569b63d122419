# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Where the work on bags runs: in this process or in several. The results are the same, bit for bit.

    backend.map(function, bags)  ->  results in the order of the bags

A bag that cannot be used is a result of `function`; an exception is for what makes the whole run pointless.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Protocol, TypeVar

from obstacle_classifier.errors import ObstacleClassifierError

__all__ = ["Backend", "ProcessPool", "Serial", "available_cores", "make_backend"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Backend(Protocol):
    """Runs one function on many items."""

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """The results in the order of the items, each as soon as it and all before it are there."""


class Serial:
    """One item after the other, in this process."""

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """The results in the order of the items."""
        return map(function, items)


class ProcessPool:
    """Several processes, each of which imports the package anew: threads of this process do no harm.

    The function, the items and the results must be picklable; a script that uses it needs the usual
    `if __name__ == "__main__":`. The processes end with the map: when it is used up or closed, when an exception such
    as KeyboardInterrupt leaves it, and when this process is killed.

    Args:
        jobs: How many processes at most.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """The results in the order of the items.

        Raises:
            ObstacleClassifierError: A process died, as when the memory is used up.
        """
        jobs = min(self.jobs, len(items))
        if jobs < 2:
            yield from map(function, items)
            return
        context = multiprocessing.get_context("spawn")
        # The workers hold the reading end only: it is at its end when this process closes `stop`, or dies.
        watched, stop = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(jobs, context, _end_with, (watched,))
        try:
            with _workers_environment():  # processes start in `submit`
                futures = [pool.submit(function, item) for item in items]
            futures.reverse()
            while futures:
                yield futures.pop().result()  # popped: a result is not held longer than its user wants
        except BrokenProcessPool:
            raise ObstacleClassifierError("a worker process died: is the memory used up? try fewer --jobs") from None
        finally:
            stop.close()
            pool.shutdown(cancel_futures=True)
            watched.close()


def make_backend(jobs: int) -> Backend:
    """The backend for a number of processes."""
    return ProcessPool(jobs) if jobs > 1 else Serial()


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _end_with(watched: Connection) -> None:
    """Let this worker end at once when nobody writes to the pipe any more."""

    def watch() -> None:
        watched.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _workers_environment() -> Iterator[None]:
    """What processes that start meanwhile inherit: one thread for linear algebra, and SIGINT blocked.

    Ctrl-C on a terminal reaches all processes; the one that has the workers decides when they end.
    """
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if before is None:
            del os.environ["OPENBLAS_NUM_THREADS"]
        else:
            os.environ["OPENBLAS_NUM_THREADS"] = before
