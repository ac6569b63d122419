# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A node that simulates one drive along a sidewalk and publishes its sensor messages and labels."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Sequence
from typing import Any

import rclpy
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context
from rosgraph_msgs.msg import Clock as ClockMessage

from obstacle_classifier import simulation
from obstacle_classifier.errors import ConfigError, ObstacleClassifierError
from obstacle_classifier.names import TOPIC_NAME
from obstacle_classifier.nodes.classifier.installed_types import message_class
from obstacle_classifier.nodes.executor import SPIN_PERIOD, StopSignal, leave

__all__ = ["SimulatorNode", "main"]

_TICK = 0.01  # s; period of the timer that publishes due messages
_LATE = 1.0  # s; delay of the simulation at which the log warns
_WARNING_PERIOD = 10.0  # s between two warnings

_PARAMETERS: tuple[tuple[str, str | int | float | bool, str], ...] = (
    ("scenario", "", "scenario file; empty: the default sidewalk"),
    ("seed", -1, "seed of street, traffic and noise; -1: the scenario's"),
    ("duration", 0.0, "s of driving; 0: the scenario's"),
    ("rate", 1.0, "simulated seconds per second; must be 1 without publish_clock"),
    ("publish_clock", False, "publish /clock, from the scenario's start time on; false: stamps are the system's time"),
    (
        "wait_for",
        "",
        "topics, separated by spaces, that must have a subscriber before the drive begins; until then /clock stays at "
        "the start time; needs publish_clock",
    ),
)


class SimulatorNode(Node):
    """Publishes one drive: the same messages that `simulate` records.

    Attributes:
        done: Whether the drive is over.
        published: Number of messages so far, without those on /clock.

    Raises:
        ConfigError: A parameter is wrong.
    """

    def __init__(self, context: Context | None = None, parameter_overrides: Sequence[Parameter] = ()) -> None:
        super().__init__("sidewalk_simulator", context=context, parameter_overrides=list(parameter_overrides))
        for name, default, description in _PARAMETERS:
            try:
                # Accept an integer for a double: `-p duration:=60`.
                own = ParameterDescriptor(
                    description=description, read_only=True, dynamic_typing=isinstance(default, float)
                )
                self.declare_parameter(name, default, own)
            except InvalidParameterTypeException as error:
                raise ConfigError(f"parameter '{name}': {error}") from None
            value = self._value(name)
            if isinstance(default, float) and (type(value) not in (int, float) or not math.isfinite(value)):
                raise ConfigError(f"parameter '{name}': found {value!r}, expected a finite number")
        self.done, self.published = False, 0
        self._rate = float(self._value("rate"))
        clocked = bool(self._value("publish_clock"))
        awaited = str(self._value("wait_for")).split()
        if awaited and not clocked:
            found = " ".join(awaited)
            raise ConfigError(f"parameter 'wait_for': found {found!r}, expected none without publish_clock")
        for topic in awaited:
            if not re.fullmatch(TOPIC_NAME["pattern"], topic):
                raise ConfigError(f"parameter 'wait_for': found {topic!r}, expected {TOPIC_NAME['description']}")
        if self._rate <= 0 or (self._rate != 1.0 and not clocked):
            expected = "more than 0" if clocked else "1 without publish_clock"
            raise ConfigError(f"parameter 'rate': found {self._rate:g}, expected {expected}")
        self._simulation = simulation.Simulation(self._scenario())
        reliable = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
        self._topic_publishers = {
            topic: self.create_publisher(message_class(kind), topic, reliable)
            for topic, kind in self._simulation.topics.items()
        }
        self._clock_publisher = self.create_publisher(ClockMessage, "/clock", reliable) if clocked else None
        self._messages = self._simulation.messages()
        self._awaited = awaited
        # Now, because building the street takes about a second.
        self._start_time = self._warned = time.monotonic()
        if not clocked:
            # The system's clock, even if use_sim_time is true: this node must not wait for a clock of its own.
            self._simulation.start = Clock(clock_type=ClockType.SYSTEM_TIME).now().nanoseconds
        self._published_time = self._simulation.start
        self._next: Any = next(self._messages)
        if not awaited:
            self._log_start()
        self.create_timer(_TICK, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _value(self, name: str) -> Any:
        return self.get_parameter(name).value

    def _scenario(self) -> simulation.Scenario:
        path, seed, duration = self._value("scenario"), self._value("seed"), self._value("duration")
        scenario = simulation.load_scenario(path) if path else simulation.Scenario()
        return scenario.override(float(duration) or None, None if seed == -1 else seed)

    def _tick(self) -> None:
        """Publish the messages that are due."""
        if self._awaited:
            self._wait()
            return
        due = self._simulation.start + round((time.monotonic() - self._start_time) * self._rate * 1e9)
        pause = time.monotonic() + SPIN_PERIOD  # a late simulation must not delay the reaction to a signal
        while self._next is not None and self._next.time <= due and time.monotonic() < pause:
            message = self._next
            self._advance_clock(message.time)
            self._topic_publishers[message.topic].publish(message.data)
            self.published += 1
            self._next = next(self._messages, None)
        if self._next is None:
            self.done = True
            return
        self._advance_clock(min(due, self._next.time))
        self._warn_if_late()

    def _log_start(self) -> None:
        self.get_logger().info("the drive begins")

    def _wait(self) -> None:
        """Begin once the awaited topics have subscribers, and DDS has matched every subscriber with this node."""
        self._publish_time(self._published_time)  # a recorder with use_sim_time subscribes only after the first /clock
        missing = [topic for topic in self._awaited if not self.count_subscribers(topic)]
        missing += [
            topic
            for topic, publisher in self._topic_publishers.items()
            if publisher.get_subscription_count() < self.count_subscribers(topic)
        ]
        self._start_time = time.monotonic()
        if not missing:
            self._awaited = []
            self._log_start()
        elif self._start_time > self._warned + _WARNING_PERIOD:
            self._warned = self._start_time
            self.get_logger().warning(f"the drive waits for a matching subscriber of {', '.join(missing)}")

    def _advance_clock(self, now: int) -> None:
        if now > self._published_time:
            self._published_time = now
            self._publish_time(now)

    def _publish_time(self, now: int) -> None:
        if self._clock_publisher is not None:
            message = ClockMessage()
            message.clock.sec, message.clock.nanosec = divmod(now, 10**9)
            self._clock_publisher.publish(message)

    def _warn_if_late(self) -> None:
        now = time.monotonic()
        late = (now - self._start_time) - (self._next.time - self._simulation.start) * 1e-9 / self._rate
        if late > _LATE and now > self._warned + _WARNING_PERIOD:
            self._warned = now
            self.get_logger().warning(f"the simulation is {late:.1f} s late: this machine is too slow for it")


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate one drive; returns 0 at its end or after SIGINT or SIGTERM, 1 if a parameter is wrong."""
    stop = StopSignal()
    context = get_default_context()
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
        node = SimulatorNode()
    except (ObstacleClassifierError, RuntimeError) as error:  # rclpy's are RuntimeErrors
        print(f"simulator_node: {' '.join(str(error).split())}", file=sys.stderr)
        rclpy.try_shutdown()
        return 1
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    while not node.done and not stop.received and context.ok():
        executor.spin_once(timeout_sec=SPIN_PERIOD)
    executor.shutdown()
    leave(node)
    return 0


if __name__ == "__main__":
    sys.exit(main())
