# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which executor runs a node, and how its process ends."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

try:
    from rclpy.experimental import EventsExecutor
except ImportError:  # younger than the rest of rclpy
    EventsExecutor = None

__all__ = ["StopSignal", "choose_executor", "leave", "run_on", "spin"]

SPIN_PERIOD = 0.1  # s: how late a signal may be noticed
_WAIT = 10.0  # s for which an executor runs at a stretch, unless a signal ends it
_CHECK_DEADLINE = 2.0  # s for the start-up check of the events executor


class StopSignal:
    """SIGINT and SIGTERM as a flag.

    rclpy's own handlers would tear the context down under a running callback, and a second signal, which `ros2 launch`
    may send, would end the process in the middle of its clean-up.
    """

    def __init__(self) -> None:
        self.received = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.received = True


def choose_executor(kind: str, node: Node, context: Context) -> Executor:
    """An executor of `kind`, `events` or `single`, with `node` added.

    The events executor is experimental in rclpy: where it does not run a timer to time at start-up, the
    single-threaded one takes its place and the log says so.
    """
    if kind == "events":
        if EventsExecutor is not None:
            executor = EventsExecutor(context=context)
            executor.add_node(node)
            if runs_a_timer(executor, node):
                return executor
            executor.remove_node(node)
            executor.shutdown()
        node.get_logger().warning("the events executor failed its start-up check; using the single-threaded executor")
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    return executor


def spin(executor: Executor, stop: StopSignal, context: Context) -> None:
    """Run callbacks until a signal stops it or the context is shut down."""
    # In rclpy 7.1 EventsExecutor.spin() hangs and ignores SIGTERM, and spin_once() returns after every callback, which
    # costs an eighth more. A wait for a future runs callbacks until it is done; with a timeout, that ends. Each wait
    # leaks 32 bytes, so they are long.
    current = Future()

    def wake() -> None:
        stop.received = True
        current.set_result(None)

    with _on_signal(wake):
        while not stop.received and context.ok():
            executor.spin_until_future_complete(current, timeout_sec=_WAIT)
            current = Future()


def leave(node: Node) -> None:
    """Destroy a node and shut its context down, as the last act of a process: its threads share one CPU from here on.

    Fast DDS 2.14 as built for PyPI may hang here, at full load, if another node comes or goes at that moment. It waits
    for the callback of discovery with a deadline, the end of time, that overflows: it unlocks their mutex and locks it
    again at once, for ever, before the callback's thread has woken up on its CPU. On the same CPU that thread runs, and
    takes the mutex, as soon as it is unlocked.
    """
    run_on({min(os.sched_getaffinity(0))})
    node.destroy_node()
    rclpy.try_shutdown(context=node.context)


def run_on(cpus: Iterable[int]) -> None:
    """Let all threads of this process run on these CPUs alone."""
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended
            os.sched_setaffinity(int(thread.name), cpus)


@contextmanager
def _on_signal(callback: Callable[[], None]) -> Iterator[None]:
    """Call back, from a thread, when a signal arrives: Python's own handlers wait for the executor to return."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def wait() -> None:
        if reader.recv(1):
            callback()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writer.close()
        thread.join()
        reader.close()


def runs_a_timer(executor: Executor, node: Node) -> bool:
    """Whether the executor fires a timer of a millisecond, and returns when it should."""
    fired: list[bool] = []
    timer = node.create_timer(0.001, lambda: fired.append(True), clock=Clock(clock_type=ClockType.STEADY_TIME))
    deadline = time.monotonic() + _CHECK_DEADLINE
    while not fired and time.monotonic() < deadline:
        executor.spin_until_future_complete(Future(), timeout_sec=0.01)
    node.destroy_timer(timer)
    return bool(fired)
