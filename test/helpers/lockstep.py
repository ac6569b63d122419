# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A classifier node fed recorded bytes over DDS, one message and one clock step at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float32MultiArray, Float64MultiArray

from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.nodes.classifier.installed_types import message_class
from obstacle_classifier.nodes.classifier_node import ClassifierNode
from obstacle_classifier.pipeline import MAX_SILENCE
from test.helpers.ros import destroy

DEADLINE = 30.0  # s
CLOCK_REPEAT = 0.2  # s after which a clock step is sent again: /clock is best effort


class Lockstep:
    """The node under simulated time and a harness node, each with a context of its own, in one process.

    DDS does not order /clock against data: after every step the harness waits for the node's clock, for its count of
    the sensor's messages, or for its outputs of an interval.
    """

    def __init__(self, model_path: Path, sensors: SensorsConfig) -> None:
        self.features: list[Float64MultiArray] = []
        self.probabilities: list[Float32MultiArray] = []
        self.spreads: list[Float32MultiArray] = []
        self._sensors = sensors
        self._contexts = Context(), Context()
        for context in self._contexts:
            rclpy.init(context=context)
        reliable = [Parameter(f"sensors.{spec.name}.reliability", value="reliable") for spec in sensors.sensors]
        self.node = ClassifierNode(
            context=self._contexts[0],
            parameter_overrides=[
                Parameter("use_sim_time", value=True),
                Parameter("model_path", value=str(model_path)),
                Parameter("publish_features", value=True),
                Parameter("publish_spread", value=True),
                *reliable,
            ],
        )
        assert self.node.trigger_configure() == TransitionCallbackReturn.SUCCESS, self.node.failure
        assert self.node.trigger_activate() == TransitionCallbackReturn.SUCCESS, self.node.failure
        self._harness = Node("harness", context=self._contexts[1])
        self._executors = []
        for context, node in zip(self._contexts, (self.node, self._harness), strict=True):
            executor = SingleThreadedExecutor(context=context)
            executor.add_node(node)
            self._executors.append(executor)
        depth = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
        self._clock = self._harness.create_publisher(Clock, "/clock", depth)
        self._publishers: dict[str, Publisher] = {
            spec.name: self._harness.create_publisher(message_class(spec.type), spec.topic, depth)
            for spec in sensors.sensors
        }
        name = "/obstacle_classifier"
        self._harness.create_subscription(Float64MultiArray, f"{name}/features", self.features.append, depth)
        self._harness.create_subscription(Float32MultiArray, f"{name}/probabilities", self.probabilities.append, depth)
        self._harness.create_subscription(Float32MultiArray, f"{name}/spread", self.spreads.append, depth)
        publishers = [self._clock, *self._publishers.values()]
        self._wait("subscriptions of the node", lambda: all(p.get_subscription_count() for p in publishers))
        self._wait(
            "publishers of the node",
            lambda: all(
                self._harness.count_publishers(f"{name}/{out}") for out in ("features", "probabilities", "spread")
            ),
        )

    def __enter__(self) -> Lockstep:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.node.trigger_shutdown()
        for executor in self._executors:
            executor.shutdown()
        destroy(self.node, self._harness)

    def play(self, messages: Iterable[tuple[str, int, bytes]]) -> None:
        """Step through (sensor, time in ns, bytes) and every end of an interval on the way."""
        interval = self._sensors.interval
        end: int | None = None
        for sensor, now, data in messages:
            while end is not None and end <= now < end + MAX_SILENCE:
                self._step_clock(end)
                self._wait_for_outputs(end)
                end += interval
            if end is None or now >= end:
                end = (now // interval + 1) * interval
            self._step_clock(now)
            expected = self.node.session.pipeline.received(sensor) + 1
            self._publishers[sensor].publish(data)
            self._wait(f"message of {sensor}", lambda: self.node.session.pipeline.received(sensor) == expected)  # noqa: B023

    def _step_clock(self, now: int) -> None:
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(now, 10**9)
        clock = self.node.get_clock()
        deadline = time.monotonic() + DEADLINE
        while clock.now().nanoseconds != now:
            self._clock.publish(message)
            again = time.monotonic() + CLOCK_REPEAT
            while clock.now().nanoseconds != now and time.monotonic() < again:
                self._executors[0].spin_once(timeout_sec=0.01)
            assert time.monotonic() < deadline, f"the node's clock did not come to {now}"

    def _wait_for_outputs(self, end: int) -> None:
        text = str(end)
        self._wait(
            f"outputs of {end}",
            lambda: all(
                out and out[-1].layout.dim[0].label == text for out in (self.features, self.probabilities, self.spreads)
            ),
            executor=1,
        )

    def _wait(self, what: str, condition: Callable[[], Any], executor: int = 0) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self._executors[executor].spin_once(timeout_sec=0.01)
            assert time.monotonic() < deadline, f"waited {DEADLINE} s for {what}"
