# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The publishers of `classifier_node`."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.publisher import Publisher
from rclpy.qos import QoSPolicyKind, QoSProfile
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions
from std_msgs.msg import Float32MultiArray, Float64MultiArray, MultiArrayDimension, String
from visualization_msgs.msg import MarkerArray

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.markers import BarChart
from obstacle_classifier.nodes.classifier.subscriptions import security_hint
from obstacle_classifier.nodes.classifier.vision import CLASSIFICATION, classification
from obstacle_classifier.pipeline import Prediction

__all__ = ["UNKNOWN", "OutputOptions", "Outputs", "array_end", "array_names", "create_output"]

UNKNOWN = "unknown"
_DEPTH = 10  # messages kept for a slow subscriber
_OVERRIDABLE = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY, QoSPolicyKind.DURABILITY)


@dataclass(frozen=True)
class OutputOptions:
    """The optional outputs.

    Attributes:
        spread: Publish the spread of the model's members.
        features: Publish the feature vectors.
        markers: Publish the bar charts.
        frame_id: Frame of the classifications and bar charts.
    """

    spread: bool = False
    features: bool = False
    markers: bool = False
    frame_id: str = "base_link"


class Outputs:
    """The publishers of the node; they publish while the node is active.

    Attributes:
        options: Optional outputs from the next interval on.

    Raises:
        ConfigError: A publisher cannot be created, or a QoS override is not allowed.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self.options = OutputOptions()
        self._node = node
        self._publishers: list[LifecyclePublisher] = []
        try:
            self._probabilities = self._create(Float32MultiArray, "~/probabilities")
            self._obstacles = self._create(String, "~/obstacles")
            self._spread = self._create(Float32MultiArray, "~/spread")
            self._features = self._create(Float64MultiArray, "~/features")
            self._markers = self._create(MarkerArray, "~/markers")
            self._classification = None if CLASSIFICATION is None else self._create(CLASSIFICATION, "~/classification")
        except ConfigError:
            self.destroy()
            raise

    def serve(self, model: Model) -> None:
        """Publish intervals of this model from now on."""
        self._labels = model.labels
        self._probabilities_row = _Row(Float32MultiArray(), "f", model.labels)
        self._spread_row = _Row(Float32MultiArray(), "f", model.labels)
        self._no_spread = np.full(len(model.labels), np.nan, np.float32)
        self._features_row = _Row(Float64MultiArray(), "d", model.columns)
        self._chart = BarChart(model.labels, model.sensors.interval)

    def destroy(self) -> None:
        """Take the publishers off the graph."""
        while self._publishers:
            self._node.destroy_lifecycle_publisher(self._publishers.pop())

    def publish(self, interval: Prediction) -> None:
        """Publish one interval."""
        if self.options.features:
            self._features.publish(self._features_row.fill(interval.end, interval.x))
        self._probabilities.publish(self._probabilities_row.fill(interval.end, interval.p))
        self._obstacles.publish(String(data=UNKNOWN if interval.obstacles is None else ",".join(interval.obstacles)))
        if self.options.spread:
            spread = self._no_spread if interval.spread is None else interval.spread
            self._spread.publish(self._spread_row.fill(interval.end, spread))
        if self._classification is not None:
            self._classification.publish(classification(interval, self._labels, self.options.frame_id))
        if self.options.markers:
            self._markers.publish(self._chart.update(interval, self.options.frame_id))

    def _create(self, message_class: type, topic: str) -> LifecyclePublisher:
        publisher = create_output(self._node, message_class, topic, lifecycle=True)
        self._publishers.append(publisher)
        return publisher


class _Row:
    """A message with one row of values: `dim[0].label` is the interval's end in ns, `dim[1].label` the names."""

    def __init__(self, message: Float32MultiArray | Float64MultiArray, typecode: str, names: Sequence[str]) -> None:
        size = len(names)
        message.layout.dim = [
            MultiArrayDimension(size=1, stride=size),
            MultiArrayDimension(label=",".join(names), size=size, stride=size),
        ]
        self._message, self._typecode = message, typecode
        self._end = message.layout.dim[0]

    def fill(
        self, end: int, values: NDArray[np.float32] | NDArray[np.float64]
    ) -> Float32MultiArray | Float64MultiArray:
        """The message of one interval, valid until the next call."""
        self._end.label = str(end)
        self._message.data = array(self._typecode, values.tobytes())
        return self._message


def create_output(
    node: LifecycleNode, message_class: type, topic: str, *, lifecycle: bool
) -> Publisher | LifecyclePublisher:
    """A publisher whose QoS the parameters `qos_overrides.<topic>.publisher.<policy>` can change at start-up.

    Raises:
        ConfigError: The publisher cannot be created, or an override is not allowed.
    """
    create = node.create_lifecycle_publisher if lifecycle else node.create_publisher
    name = node.resolve_topic_name(topic)
    profile = QoSProfile(depth=_DEPTH)
    try:
        return create(
            message_class,
            topic,
            profile,
            event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),  # see _Subscription
            qos_overriding_options=QoSOverridingOptions(_OVERRIDABLE, callback=_check_qos),
        )
    except rclpy_implementation.RCLError as error:
        raise ConfigError(f"{name}: cannot publish: {' '.join(str(error).split())}{security_hint()}") from None
    except (InvalidParameterTypeException, InvalidQosOverridesError, RuntimeError) as error:
        raise ConfigError(f"qos_overrides.{name}.publisher: {error}") from None


def _check_qos(profile: QoSProfile) -> SetParametersResult:
    """Refuse a depth that holds nothing."""
    return SetParametersResult(
        successful=profile.depth >= 1, reason=f"depth: found {profile.depth}, expected 1 or more"
    )


def array_end(message: Float32MultiArray | Float64MultiArray) -> int:
    """The interval end in ns that a message of `~/probabilities`, `~/spread` or `~/features` carries."""
    return int(message.layout.dim[0].label)


def array_names(message: Float32MultiArray | Float64MultiArray) -> list[str]:
    """The names of the values that such a message carries."""
    return str(message.layout.dim[1].label).split(",")
