# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node that simulates: a drive along the sidewalk, published as it happens, the labels among it."""

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
from obstacle_classifier.nodes.classifier.subscriptions import message_class
from obstacle_classifier.nodes.executor import SPIN_PERIOD, StopSignal, leave

__all__ = ["SimulatorNode", "main"]

_TICK = 0.01  # s between two looks at what is due
_LATE = 1.0  # s of delay from which the log complains
_COMPLAINTS = 10.0  # s between two complaints of one kind

_PARAMETERS: tuple[tuple[str, str | int | float | bool, str], ...] = (
    ("scenario", "", "scenario file; empty: the default sidewalk"),
    ("seed", -1, "instead of the scenario's; -1: the scenario's"),
    ("duration", 0.0, "s of driving, instead of the scenario's; 0: the scenario's"),
    ("rate", 1.0, "simulated seconds a second; other than 1 only with publish_clock"),
    ("publish_clock", False, "publish /clock from the scenario's start time on; else everything bears the wall's time"),
    (
        "wait_for",
        "",
        "with publish_clock: topics, separated by spaces, that must have a subscriber before the drive begins; "
        "until then /clock stands at its start",
    ),
)


class SimulatorNode(Node):
    """Publishes one drive, message for message what `simulate` would record.

    Attributes:
        done: Whether the drive is over.
        published: Messages so far, without those on /clock.
    """

    def __init__(self, context: Context | None = None, parameter_overrides: Sequence[Parameter] = ()) -> None:
        super().__init__("sidewalk_simulator", context=context, parameter_overrides=list(parameter_overrides))
        for name, default, description in _PARAMETERS:
            try:
                # An integer will do for a double: `-p duration:=60`.
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
        self._drive = simulation.Simulation(self._scenario())
        reliable = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
        self._outlets = {
            topic: self.create_publisher(message_class(kind), topic, reliable)
            for topic, kind in self._drive.topics.items()
        }
        self._clock_outlet = self.create_publisher(ClockMessage, "/clock", reliable) if clocked else None
        self._messages = self._drive.messages()
        self._awaited = awaited
        # Now, because building the street takes about a second.
        self._began = self._complained = time.monotonic()
        if not clocked:
            # The system's clock, even if use_sim_time is true: this node must not wait for a clock of its own.
            self._drive.start = Clock(clock_type=ClockType.SYSTEM_TIME).now().nanoseconds
        self._clock = self._drive.start
        self._next: Any = next(self._messages)
        if not awaited:
            self._say_begun()
        self.create_timer(_TICK, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _value(self, name: str) -> Any:
        return self.get_parameter(name).value

    def _scenario(self) -> simulation.Scenario:
        path, seed, duration = self._value("scenario"), self._value("seed"), self._value("duration")
        scenario = simulation.load_scenario(path) if path else simulation.Scenario()
        return scenario.override(float(duration) or None, None if seed == -1 else seed)

    def _tick(self) -> None:
        """Publish whatever is due by now."""
        if self._awaited:
            self._wait()
            return
        due = self._drive.start + round((time.monotonic() - self._began) * self._rate * 1e9)
        pause = time.monotonic() + SPIN_PERIOD  # a late simulation must not keep a signal waiting
        while self._next is not None and self._next.time <= due and time.monotonic() < pause:
            message = self._next
            self._tell_time(message.time)
            self._outlets[message.topic].publish(message.data)
            self.published += 1
            self._next = next(self._messages, None)
        if self._next is None:
            self.done = True
            return
        self._tell_time(min(due, self._next.time))
        self._complain_if_late()

    def _say_begun(self) -> None:
        self.get_logger().info("the drive begins")

    def _wait(self) -> None:
        """Begin once everybody listens who is to, and everybody who listens to this node is matched with it."""
        self._publish_time(self._clock)  # a recorder on this time subscribes to nothing before it
        missing = [topic for topic in self._awaited if not self.count_subscribers(topic)]
        missing += [
            topic
            for topic, outlet in self._outlets.items()
            if outlet.get_subscription_count() < self.count_subscribers(topic)
        ]
        self._began = time.monotonic()
        if not missing:
            self._awaited = []
            self._say_begun()
        elif self._began > self._complained + _COMPLAINTS:
            self._complained = self._began
            self.get_logger().warning(f"the drive waits for a matching subscriber of {', '.join(missing)}")

    def _tell_time(self, now: int) -> None:
        if now > self._clock:
            self._clock = now
            self._publish_time(now)

    def _publish_time(self, now: int) -> None:
        if self._clock_outlet is not None:
            message = ClockMessage()
            message.clock.sec, message.clock.nanosec = divmod(now, 10**9)
            self._clock_outlet.publish(message)

    def _complain_if_late(self) -> None:
        now = time.monotonic()
        late = (now - self._began) - (self._next.time - self._drive.start) * 1e-9 / self._rate
        if late > _LATE and now > self._complained + _COMPLAINTS:
            self._complained = now
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
