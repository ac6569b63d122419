# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Raw subscriptions to the sensors' topics, and the publishers on these topics."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rclpy.clock import Clock, ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.exceptions import NameValidationException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.nodes.classifier.installed_types import check_installed, message_class
from obstacle_classifier.sensing import Struct

__all__ = ["SensorSubscriptions", "SensorTopic", "TopicState", "security_hint"]

_DELAY = 0.01  # s from the end of a topic's subscription to one of another type

OnMessage = Callable[[str, bytes], None]


@dataclass(frozen=True)
class SensorTopic:
    """The topic of one sensor and the quality of service to request.

    Attributes:
        topic: Absolute name, or a name relative to the node's namespace; before remapping.
        type_name: Message type, such as `sensor_msgs/msg/Imu`.
        reliability: `best_effort` or `reliable`.
        depth: Messages queued for the node.
        schema: The fields that the installed type must have; None if it may be any version.
    """

    topic: str
    type_name: str
    reliability: str
    depth: int
    schema: Struct | None = field(default=None, repr=False)

    def profile(self) -> QoSProfile:
        """The rclpy profile."""
        reliable = self.reliability == "reliable"
        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        return QoSProfile(depth=self.depth, reliability=reliability)


class _Key(NamedTuple):
    """One sensor and its subscription; `full_name` is the topic's name after remapping."""

    name: str
    full_name: str
    sensor: SensorTopic


@dataclass(frozen=True)
class TopicState:
    """The publishers on a sensor's topic.

    Attributes:
        topic: Its name after remapping.
        publishers: Number of publishers whose messages can arrive.
        mismatches: A line for each publisher whose messages cannot arrive.
    """

    topic: str
    publishers: int = 0
    mismatches: tuple[str, ...] = ()


class _Subscription:
    """A subscription with its callback. An executor may call it once more after `destroy`; that message is dropped."""

    def __init__(self, node: Node, key: _Key, on_message: OnMessage) -> None:
        self._node, self._key, self._on_message = node, key, on_message
        self._open = True
        # No event handlers: rclpy 7.1's events executor may crash when a subscription that has some is destroyed, and
        # Fast DDS reports no incompatible type. `state` asks the graph instead, which also names the publisher.
        self._subscription: Subscription = node.create_subscription(
            message_class(key.sensor.type_name),
            key.sensor.topic,
            self._call,
            key.sensor.profile(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=True,
        )

    def destroy(self) -> None:
        """Take the subscription off the graph."""
        self._open = False
        self._node.destroy_subscription(self._subscription)

    def state(self) -> TopicState:
        """The publishers on the topic now."""
        topic, sensor = self._key.full_name, self._key.sensor
        profile = sensor.profile()
        publishers, lines = 0, []
        for info in self._node.get_publishers_info_by_topic(topic):
            publisher = f"{info.node_namespace.rstrip('/')}/{info.node_name}"
            if info.topic_type != sensor.type_name:
                lines.append(f"{topic}: publisher {publisher} has type {info.topic_type}, expected {sensor.type_name}")
            elif qos_check_compatible(info.qos_profile, profile)[0] == QoSCompatibility.ERROR:
                lines.append(
                    f"{topic}: publisher {publisher} offers {info.qos_profile.reliability.name.lower()} reliability, "
                    f"requested is {sensor.reliability}: none of its messages can arrive"
                )
            else:
                publishers += 1
        return TopicState(topic, publishers, tuple(lines))

    def _call(self, data: bytes) -> None:
        if self._open:
            self._on_message(self._key.name, data)


class SensorSubscriptions:
    """One raw subscription per sensor: messages arrive as CDR bytes."""

    def __init__(self, node: Node, on_message: OnMessage) -> None:
        """Subscribe to nothing yet; `on_message` will be called with (sensor name, CDR bytes)."""
        self._node = node
        self._on_message = on_message
        self._subscriptions: dict[_Key, _Subscription] = {}
        self._waiting: set[_Key] = set()  # to be subscribed to after _DELAY
        self._ended: set[tuple[str, str]] = set()  # topics and types of subscriptions destroyed less than _DELAY ago
        self._timer: Timer | None = None

    def update(self, sensors: Mapping[str, SensorTopic]) -> None:
        """Subscribe to these sensors' topics and to nothing else; a subscription that stays is not touched.

        Raises:
            ConfigError: A topic cannot be subscribed to, or its installed type is not the model's; the subscriptions
                are as they were before.
        """
        wanted = {_Key(name, self._node.resolve_topic_name(sensor.topic), sensor) for name, sensor in sensors.items()}
        for key in wanted:
            check_installed(key.sensor.type_name, key.sensor.schema)
        gone = self._subscriptions.keys() - wanted
        waiting = self._waiting
        made: list[_Key] = []
        for key in gone:
            self._subscriptions.pop(key).destroy()
        # One participant has one type on a topic, and the events executor holds on to a subscription that was destroyed
        # until callbacks have returned to it.
        self._ended |= {(key.full_name, key.sensor.type_name) for key in gone}
        self._waiting = (waiting & wanted) | {
            key
            for key in wanted
            if any(key.full_name == topic and key.sensor.type_name != type_name for topic, type_name in self._ended)
        }
        if self._ended and self._timer is None:
            self._timer = self._node.create_timer(
                _DELAY, self._subscribe_waiting, clock=Clock(clock_type=ClockType.STEADY_TIME)
            )
        try:
            for key in sorted(wanted - self._subscriptions.keys() - self._waiting, key=str):
                self._subscriptions[key] = self._subscribe(key)
                made.append(key)
        except ConfigError:
            for key in made:
                self._subscriptions.pop(key).destroy()
            for key in gone:
                self._subscriptions[key] = self._subscribe(key)
            self._waiting = waiting
            raise

    def clear(self) -> None:
        """Drop all subscriptions."""
        self.update({})

    def states(self) -> dict[str, TopicState]:
        """The publishers on each sensor's topic now."""
        states = {key.name: subscription.state() for key, subscription in self._subscriptions.items()}
        return states | {key.name: TopicState(key.full_name) for key in self._waiting}

    def _subscribe(self, key: _Key) -> _Subscription:
        try:
            return _Subscription(self._node, key, self._on_message)
        except (rclpy_implementation.RCLError, NameValidationException) as error:
            reason = " ".join(str(error).split())
            line = f"{key.full_name}: cannot subscribe to {key.sensor.type_name}: {reason}{security_hint()}"
            raise ConfigError(line) from None

    def _subscribe_waiting(self) -> None:
        timer = self._timer
        if timer is None:  # an executor may call once more after the timer was destroyed
            return
        self._ended.clear()
        try:
            for key in sorted(self._waiting, key=str):
                self._subscriptions[key] = self._subscribe(key)
                self._waiting.discard(key)
        except ConfigError as error:
            self._node.get_logger().error(str(error), throttle_duration_sec=5.0)
            return
        self._timer = None
        self._node.destroy_timer(timer)


def security_hint() -> str:
    """What to look at if SROS 2 is enabled: DDS names no reason for a topic that its policy denies."""
    if os.environ.get("ROS_SECURITY_ENABLE", "").lower() != "true":
        return ""
    return "; SROS 2 is enabled: the policy of the node's enclave may deny this topic, see config/sros2/README.md"
