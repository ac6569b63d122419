# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Raw subscriptions to the sensors' topics, and who publishes there."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from obstacle_classifier.features import SensorSpec

__all__ = ["SensorSubscriptions", "TopicQoS", "TopicState", "message_class"]

_LATER = 0.01  # s until a topic is subscribed to with another type than before

OnMessage = Callable[[str, bytes], None]


@dataclass(frozen=True)
class TopicQoS:
    """What a subscription requests.

    Attributes:
        reliability: `best_effort` or `reliable`.
        depth: Messages queued for the node.
    """

    reliability: str = "best_effort"
    depth: int = 50

    def profile(self) -> QoSProfile:
        """The rclpy profile."""
        reliable = self.reliability == "reliable"
        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        return QoSProfile(depth=self.depth, reliability=reliability)


class _Key(NamedTuple):
    """What makes one subscription differ from another."""

    name: str
    topic: str
    type_name: str
    qos: TopicQoS


@dataclass(frozen=True)
class TopicState:
    """Who publishes on a sensor's topic.

    Attributes:
        topic: Its name after remapping.
        publishers: How many there are whose messages can arrive.
        mismatches: A line for each whose messages cannot.
    """

    topic: str
    publishers: int = 0
    mismatches: tuple[str, ...] = ()


class _Inlet:
    """A subscription and its callback, which an executor may still call once the subscription has been destroyed."""

    def __init__(self, name: str, on_message: OnMessage) -> None:
        self._name = name
        self._on_message = on_message
        self.subscription: Subscription | None = None

    def __call__(self, data: bytes) -> None:
        if self.subscription is not None:
            self._on_message(self._name, data)


class SensorSubscriptions:
    """One raw subscription per sensor: messages arrive as CDR bytes."""

    def __init__(self, node: Node, on_message: OnMessage) -> None:
        """Subscribe to nothing yet; `on_message` will be called with (sensor name, CDR bytes)."""
        self._node = node
        self._on_message = on_message
        self._subscriptions: dict[_Key, _Inlet] = {}
        self._waiting: set[_Key] = set()  # to be subscribed to soon
        self._held: set[tuple[str, str]] = set()  # topics and types of subscriptions destroyed lately
        self._later: Timer | None = None

    def update(self, sensors: Mapping[str, tuple[SensorSpec, TopicQoS]]) -> None:
        """Subscribe to what these sensors need and to nothing else; what is subscribed already stays untouched.

        Raises:
            ConfigError: A topic cannot be subscribed to; the subscriptions are as they were before.
        """
        wanted = {_Key(name, spec.topic, spec.type, qos) for name, (spec, qos) in sensors.items()}
        for key in wanted:
            message_class(key.type_name)
        gone = self._subscriptions.keys() - wanted
        waiting = self._waiting
        made: list[_Key] = []
        for key in gone:
            self._destroy(key)
        # One participant has one type on a topic, and the events executor holds on to a subscription that was destroyed
        # until callbacks have returned to it.
        self._held |= {(key.topic, key.type_name) for key in gone}
        self._waiting = (waiting & wanted) | {
            key for key in wanted if any(key.topic == topic and key.type_name != kind for topic, kind in self._held)
        }
        if self._held and self._later is None:
            self._later = self._node.create_timer(
                _LATER, self._subscribe_waiting, clock=Clock(clock_type=ClockType.STEADY_TIME)
            )
        try:
            for key in sorted(wanted - self._subscriptions.keys() - self._waiting, key=str):
                self._subscriptions[key] = self._subscribe(key)
                made.append(key)
        except ConfigError:
            for key in made:
                self._destroy(key)
            for key in gone:
                self._subscriptions[key] = self._subscribe(key)
            self._waiting = waiting
            raise

    def clear(self) -> None:
        """Drop all subscriptions."""
        self.update({})

    def states(self) -> dict[str, TopicState]:
        """For each sensor, who publishes on its topic now."""
        states = {key.name: self._inspect(key, inlet.subscription) for key, inlet in self._subscriptions.items()}
        return states | {key.name: TopicState(key.topic) for key in self._waiting}

    def _subscribe(self, key: _Key) -> _Inlet:
        # No event handlers: rclpy 7.1's events executor may crash when a subscription that has some is destroyed, and
        # Fast DDS reports no incompatible type. `states` asks the graph instead, which also names the publisher.
        inlet = _Inlet(key.name, self._on_message)
        try:
            inlet.subscription = self._node.create_subscription(
                message_class(key.type_name),
                key.topic,
                inlet,
                key.qos.profile(),
                event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
                raw=True,
            )
        except (rclpy_implementation.RCLError, NameValidationException) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"{key.topic}: cannot subscribe to {key.type_name}: {reason}") from None
        return inlet

    def _subscribe_waiting(self) -> None:
        self._held.clear()
        try:
            for key in sorted(self._waiting, key=str):
                self._subscriptions[key] = self._subscribe(key)
                self._waiting.discard(key)
        except ConfigError as error:
            self._node.get_logger().error(str(error), throttle_duration_sec=5.0)
            return
        self._node.destroy_timer(self._later)
        self._later = None

    def _destroy(self, key: _Key) -> None:
        inlet = self._subscriptions.pop(key)
        self._node.destroy_subscription(inlet.subscription)
        inlet.subscription = None

    def _inspect(self, key: _Key, subscription: Subscription) -> TopicState:
        topic = subscription.topic_name
        profile = key.qos.profile()
        publishers, lines = 0, []
        for info in self._node.get_publishers_info_by_topic(topic):
            publisher = f"{info.node_namespace.rstrip('/')}/{info.node_name}"
            if info.topic_type != key.type_name:
                lines.append(f"{topic}: publisher {publisher} has type {info.topic_type}, expected {key.type_name}")
            elif qos_check_compatible(info.qos_profile, profile)[0] == QoSCompatibility.ERROR:
                lines.append(
                    f"{topic}: publisher {publisher} offers {info.qos_profile.reliability.name.lower()} reliability, "
                    f"requested is {key.qos.reliability}: no message of it can arrive"
                )
            else:
                publishers += 1
        return TopicState(topic, publishers, tuple(lines))


def message_class(type_name: str) -> type:
    """The rclpy class of a message type such as `sensor_msgs/msg/Imu`.

    Raises:
        ConfigError: Its package is not installed.
    """
    package, _, name = type_name.split("/")
    try:
        message_class: type = getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"message type {type_name}: cannot be loaded: {error}") from None
    return message_class
