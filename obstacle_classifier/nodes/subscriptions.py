"""Raw subscriptions to the sensors' topics, and who publishes there."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from rclpy.subscription import Subscription

from obstacle_classifier.features import SensorSpec

__all__ = ["SensorSubscriptions", "TopicQoS", "message_class"]

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


class SensorSubscriptions:
    """One raw subscription per sensor: messages arrive as CDR bytes."""

    def __init__(self, node: Node, on_message: OnMessage) -> None:
        """Subscribe to nothing yet; `on_message` will be called with (sensor name, CDR bytes)."""
        self._node = node
        self._on_message = on_message
        self._subscriptions: dict[tuple[str, str, str, TopicQoS], Subscription] = {}

    def update(self, sensors: Mapping[str, tuple[SensorSpec, TopicQoS]]) -> None:
        """Subscribe to what these sensors need and to nothing else; what is subscribed already stays untouched."""
        wanted = {(name, spec.topic, spec.type, qos) for name, (spec, qos) in sensors.items()}
        for key in self._subscriptions.keys() - wanted:
            self._node.destroy_subscription(self._subscriptions.pop(key))
        for key in sorted(wanted - self._subscriptions.keys(), key=str):
            self._subscriptions[key] = self._subscribe(*key)

    def clear(self) -> None:
        """Drop all subscriptions."""
        self.update({})

    def mismatches(self) -> dict[str, list[str]]:
        """For each sensor, a line for each present publisher on its topic whose messages cannot arrive."""
        return {
            name: self._inspect(subscription, type_name, qos)
            for (name, _, type_name, qos), subscription in self._subscriptions.items()
        }

    def _subscribe(self, name: str, topic: str, type_name: str, qos: TopicQoS) -> Subscription:
        # No event handlers: rclpy 7.1's events executor may crash when a subscription that has some is destroyed, and
        # Fast DDS reports no incompatible type. `mismatches` asks the graph instead, which also names the publisher.
        return self._node.create_subscription(
            message_class(type_name),
            topic,
            partial(self._on_message, name),
            qos.profile(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=True,
        )

    def _inspect(self, subscription: Subscription, type_name: str, qos: TopicQoS) -> list[str]:
        lines = []
        topic = subscription.topic_name
        for info in self._node.get_publishers_info_by_topic(topic):
            publisher = f"{info.node_namespace.rstrip('/')}/{info.node_name}"
            if info.topic_type != type_name:
                lines.append(f"{topic}: publisher {publisher} has type {info.topic_type}, expected {type_name}")
                continue
            compatibility, _ = qos_check_compatible(info.qos_profile, qos.profile())
            if compatibility == QoSCompatibility.ERROR:
                offered = info.qos_profile
                lines.append(
                    f"{topic}: publisher {publisher} offers {offered.reliability.name.lower()} reliability, "
                    f"requested is {qos.reliability}: no message of it can arrive"
                )
        return lines


def message_class(type_name: str) -> type:
    """The rclpy class of a message type such as `sensor_msgs/msg/Imu`."""
    package, _, name = type_name.split("/")
    message_class: type = getattr(importlib.import_module(f"{package}.msg"), name)
    return message_class
