# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The choice of the executor, and the end of a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from obstacle_classifier.nodes import executor as executor_module
from obstacle_classifier.nodes.classifier.parameters import NODE_PARAMETERS
from obstacle_classifier.nodes.executor import choose_executor, leave, run_on

HANGING = """
import sys, threading
from obstacle_classifier.nodes import classifier_node

def leave(node):
    threading.Event().wait()

classifier_node.leave = leave
sys.exit(classifier_node.main())
"""
BLOCKED = """
import sys, threading
from obstacle_classifier.nodes import classifier_node

class Blocked(classifier_node.ClassifierNode):
    def __init__(self):
        super().__init__()
        self.create_timer(0.1, self.block)

    def block(self):
        print("blocked", file=sys.stderr, flush=True)
        threading.Event().wait()

classifier_node.ClassifierNode = Blocked
sys.exit(classifier_node.main(["--ros-args", "-p", "autostart:=false", "-p", "executor:=" + sys.argv[1]]))
"""


def test_default_executor_is_events_and_passes_its_check() -> None:
    (spec,) = (spec for spec in NODE_PARAMETERS if spec.name == "executor")
    assert spec.default == "events"
    context = Context()
    rclpy.init(context=context)
    node = Node("checked", context=context)
    chosen = choose_executor("events", node, context)
    assert type(chosen).__name__ == "EventsExecutor"
    chosen.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_single_takes_the_place_of_an_events_executor_that_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        """Accepts everything and never calls back."""

        def __init__(self, context: Context) -> None:
            self.calls: list[str] = []

        def add_node(self, node: Node) -> None:
            pass

        remove_node = add_node

        def spin_until_future_complete(self, future: object, timeout_sec: float) -> None:
            time.sleep(timeout_sec)

        def shutdown(self) -> None:
            pass

    context = Context()
    rclpy.init(context=context)
    node = Node("fallen", context=context)
    for absent in (Broken, None):
        monkeypatch.setattr(executor_module, "EventsExecutor", absent)
        chosen = choose_executor("events", node, context)
        assert isinstance(chosen, SingleThreadedExecutor)
        fired: list[bool] = []
        node.create_timer(0.001, lambda: fired.append(True))  # noqa: B023
        deadline = time.monotonic() + 30
        while not fired:
            chosen.spin_once(timeout_sec=1.0)
            assert time.monotonic() < deadline, "the timer of the fallback did not fire"
        chosen.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_who_leaves_shares_one_cpu_among_its_threads() -> None:
    def cpus() -> set[frozenset[int]]:
        threads = Path("/proc/self/task").iterdir()
        return {frozenset(os.sched_getaffinity(int(thread.name))) for thread in threads}

    context = Context()
    rclpy.init(context=context)
    before = os.sched_getaffinity(0)
    node = Node("leaver", context=context)
    try:
        leave(node)
        assert not context.ok()
        assert cpus() == {frozenset({min(before)})}
    finally:
        run_on(before)
    assert cpus() == {frozenset(before)}


@pytest.mark.parametrize(
    ("script", "arguments", "ready", "place"),
    [
        (HANGING, ["--ros-args", "-p", "autostart:=false"], "", "in leave"),
        (BLOCKED, ["events"], "blocked", "in block"),
        (BLOCKED, ["single"], "blocked", "in block"),
    ],
    ids=["hangs while leaving", "callback blocks events", "callback blocks single"],
)
def test_node_that_does_not_leave_writes_its_stacks_and_ends(
    script: str, arguments: list[str], ready: str, place: str
) -> None:
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines: list[str] = []
        if ready:
            while ready not in "".join(lines):
                lines.append(process.stderr.readline())
                assert lines[-1], "".join(lines)
        else:
            await_handler(process.pid)
        process.send_signal(signal.SIGINT)
        try:
            _, log = process.communicate(timeout=30)
        finally:
            process.kill()
        assert process.returncode == 1
    assert "Timeout (0:00:02)!" in log
    assert place in log


def await_handler(pid: int) -> None:
    """Wait until a process handles SIGINT by itself and has started its DDS threads."""
    deadline = time.monotonic() + 30
    while True:
        caught = int(re.findall(r"SigCgt:\s+(\w+)", Path(f"/proc/{pid}/status").read_text())[0], 16)
        if caught >> (signal.SIGTERM - 1) & 1 and len(list(Path(f"/proc/{pid}/task").iterdir())) > 3:
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)  # between two looks
