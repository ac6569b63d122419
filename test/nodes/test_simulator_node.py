# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mujoco", reason="the simulation needs mujoco")
pytest.importorskip("rclpy", reason="the node needs ROS 2")

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu, LaserScan
from std_msgs.msg import String

from obstacle_classifier import simulation
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.nodes.simulator_node import SimulatorNode
from obstacle_classifier.simulation import Scenario, Simulation

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "obstacle_classifier.nodes.simulator_node"]


START = 1_700_000_000 * 10**9


def nanoseconds(message: Clock) -> int:
    return int(message.clock.sec * 10**9 + message.clock.nanosec)


def overrides(**values: object) -> list[Parameter]:
    return [Parameter(name, value=value) for name, value in values.items()]


class Listener(Node):
    """Collects raw messages by topic."""

    def __init__(self, context: Context) -> None:
        super().__init__("listener", context=context)
        self.received: dict[str, list[bytes]] = {"/scan": [], "/imu/data": [], "/ground_truth": []}
        for topic, kind in (("/scan", LaserScan), ("/imu/data", Imu), ("/ground_truth", String)):
            self.create_subscription(kind, topic, self.received[topic].append, 5000, raw=True)


def test_live_messages_are_byte_for_byte_those_of_a_bag() -> None:
    context = Context()
    rclpy.init(context=context)
    executor = SingleThreadedExecutor(context=context)
    watcher = Node("watcher", context=context)
    clock: list[int] = []
    watcher.create_subscription(Clock, "/clock", lambda message: clock.append(nanoseconds(message)), 200)
    executor.add_node(watcher)
    expected: dict[str, list[bytes]] = {"/scan": [], "/imu/data": [], "/ground_truth": []}
    for message in Simulation(Scenario(duration=12.0, seed=3)).messages():
        if message.topic in expected:
            expected[message.topic].append(message.data)
    node = SimulatorNode(
        context, overrides(seed=3, duration=12.0, publish_clock=True, rate=4.0, wait_for=" ".join(expected))
    )
    executor.add_node(node)
    deadline = time.monotonic() + 60

    def spin_until(condition: Callable[[], bool]) -> None:
        while not condition():
            assert time.monotonic() < deadline
            executor.spin_once(timeout_sec=0.1)

    listener = None
    try:
        spin_until(lambda: len(clock) >= 20)
        assert set(clock) == {START}, "/clock stands while nobody listens"
        assert node.published == 0
        listener = Listener(context)
        executor.add_node(listener)
        received = listener.received
        spin_until(lambda: node.done and all(len(received[topic]) >= len(expected[topic]) for topic in expected))
    finally:
        executor.shutdown()
        for each in filter(None, (node, listener, watcher)):
            each.destroy_node()
        rclpy.shutdown(context=context)
    assert received == expected, "from the first message on"
    assert clock == sorted(clock)
    assert START + 11 * 10**9 < clock[-1] <= START + 12 * 10**9


def test_without_a_clock_the_drive_begins_at_the_wall_clock_time_once_it_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[int] = []

    class Timed(Simulation):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            built.append(time.time_ns())

    monkeypatch.setattr(simulation, "Simulation", Timed, raising=False)
    context = Context()
    rclpy.init(context=context)
    try:
        node = SimulatorNode(context, overrides(duration=2.0))
        assert built[0] <= node._simulation.start <= time.time_ns(), "building must not delay the stamps"
        assert node._next.time == node._simulation.start
        assert node._clock_publisher is None
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 2.0}, "parameter 'rate': found 2, expected 1 without publish_clock"),
        ({"rate": -1.0, "publish_clock": True}, "parameter 'rate': found -1, expected more than 0"),
        ({"rate": math.nan, "publish_clock": True}, "parameter 'rate': found nan, expected a finite number"),
        ({"duration": "long"}, "parameter 'duration': found 'long', expected a finite number"),
        ({"seed": "abc"}, "parameter 'seed': .*of type 'STRING', expecting type 'INTEGER'"),
        ({"wait_for": "/scan"}, "parameter 'wait_for': found '/scan', expected none without publish_clock"),
        (
            {"wait_for": "/scan odom", "publish_clock": True},
            "parameter 'wait_for': found 'odom', expected an absolute topic name such as /scan",
        ),
        ({"seed": -7}, "key 'seed': found -7, expected at least 0"),
        ({"scenario": "/nowhere.yaml"}, "/nowhere.yaml: cannot be read"),
    ],
)
def test_a_wrong_parameter_is_refused(values: dict[str, object], message: str) -> None:
    context = Context()
    rclpy.init(context=context)
    try:
        with pytest.raises(ConfigError, match=message):
            SimulatorNode(context, overrides(**values))
    finally:
        rclpy.shutdown(context=context)


def test_a_drive_that_is_over_ends_the_process() -> None:
    arguments = ["--ros-args", "-p", "duration:=1", "-p", "rate:=5.0", "-p", "publish_clock:=true"]
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, timeout=60, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_cleanly(number: int) -> None:
    context = Context()
    rclpy.init(context=context)
    listener = Listener(context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(listener)
    process = subprocess.Popen(COMMAND, cwd=ROOT, env=dict(os.environ), stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while not listener.received["/scan"]:
            assert time.monotonic() < deadline
            assert process.poll() is None
            executor.spin_once(timeout_sec=0.1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        executor.shutdown()
        listener.destroy_node()
        rclpy.shutdown(context=context)
    assert process.returncode == 0
    assert "Traceback" not in errors
