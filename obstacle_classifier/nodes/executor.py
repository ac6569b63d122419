# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The executor of a node, and the end of its process."""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import sys
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

__all__ = ["LEAVE_DEADLINE", "StopSignal", "choose_executor", "leave", "run_on", "spin"]

LEAVE_DEADLINE = 2.0  # s from a signal to the end of the process; `ros2 launch` sends SIGTERM 5 s after SIGINT
SPIN_PERIOD = 0.1  # s: longest delay until a signal is noticed
_WAIT = 10.0  # s of one wait of the executor, unless a signal ends it
_CHECK_DEADLINE = 2.0  # s for the start-up check of the events executor


class StopSignal:
    """SIGINT and SIGTERM as a flag.

    rclpy's own handlers would tear the context down under a running callback, and a second signal, which `ros2 launch`
    may send, would end the process in the middle of its clean-up.

    Args:
        deadline: s from the first signal after which a process that is still there writes the stacks of all threads to
            stderr and ends with status 1; None: no limit.

    Attributes:
        received: Whether one of the signals has come.
        number: The first signal that a handler of Python has seen, None before.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self.received = False
        self.number: int | None = None
        self._deadline = deadline
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def receive(self) -> None:
        """Set the flag, from any thread."""
        if not self.received and self._deadline is not None:
            faulthandler.dump_traceback_later(self._deadline, exit=True, file=sys.__stderr__ or 2)
        self.received = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.number is None:
            self.number = number
        self.receive()


def choose_executor(kind: str, node: Node, context: Context) -> Executor:
    """An executor of `kind`, `events` or `single`, with `node` added.

    The events executor is experimental in rclpy: if it does not fire a timer at start-up, the single-threaded one takes
    its place, with a warning in the log.
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
    """Run callbacks until a signal comes or the context is shut down."""
    # In rclpy 7.1 EventsExecutor.spin() hangs and ignores SIGTERM. spin_once() returns after every callback, which
    # costs an eighth more. A wait for a future runs callbacks until the future is done or the timeout is over. Each
    # wait leaks 32 bytes: long waits leak slowly.
    current = Future()

    def wake() -> None:
        stop.receive()
        current.set_result(None)

    with _on_signal(wake):
        while not stop.received and context.ok():
            executor.spin_until_future_complete(current, timeout_sec=_WAIT)
            current = Future()


def leave(node: Node) -> None:
    """Destroy a node and shut its context down, as the last act of a process: all threads share one CPU afterwards.

    Fast DDS 2.14 as built for PyPI may hang here, at full load, if another node comes or goes at the same moment. It
    waits for the callback of discovery until the end of time, a deadline that overflows: it unlocks a mutex and locks
    it again at once, for ever, before the thread of the callback has woken up on its own CPU. On a shared CPU that
    thread runs, and takes the mutex, as soon as the mutex is unlocked.
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
    """Call back from a thread when a signal arrives: Python runs its own handlers only once the executor returns."""
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
    """Whether the executor fires a timer of 1 ms, and returns at its timeout."""
    fired: list[bool] = []
    timer = node.create_timer(0.001, lambda: fired.append(True), clock=Clock(clock_type=ClockType.STEADY_TIME))
    deadline = time.monotonic() + _CHECK_DEADLINE
    while not fired and time.monotonic() < deadline:
        executor.spin_until_future_complete(Future(), timeout_sec=0.01)
    node.destroy_timer(timer)
    return bool(fired)
