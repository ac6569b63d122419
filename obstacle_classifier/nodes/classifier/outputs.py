# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What `classifier_node` publishes, an interval at a time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from std_msgs.msg import Float32MultiArray, Float64MultiArray, MultiArrayDimension, String
from visualization_msgs.msg import MarkerArray

from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.markers import BarChart
from obstacle_classifier.nodes.classifier.vision import CLASSIFICATION, classification
from obstacle_classifier.pipeline import Prediction

__all__ = ["UNKNOWN", "OutputOptions", "Outputs", "array_end", "array_names"]

UNKNOWN = "unknown"
_DEPTH = 10  # intervals kept for a slow subscriber


@dataclass(frozen=True)
class OutputOptions:
    """What is published beside probabilities, obstacles and classification.

    Attributes:
        features: Whether the feature vectors are.
        markers: Whether the bar chart is.
        frame_id: Frame of the classification and the chart.
    """

    features: bool = False
    markers: bool = False
    frame_id: str = "base_link"


class Outputs:
    """The publishers of the node; they publish while the node is active.

    Attributes:
        options: What is published from the next interval on.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self.options = OutputOptions()
        self._node = node
        self._probabilities = self._create(Float32MultiArray, "~/probabilities")
        self._obstacles = self._create(String, "~/obstacles")
        self._features = self._create(Float64MultiArray, "~/features")
        self._markers = self._create(MarkerArray, "~/markers")
        self._classification = None if CLASSIFICATION is None else self._create(CLASSIFICATION, "~/classification")

    def serve(self, model: Model) -> None:
        """Publish under the names of this model from the next interval on."""
        self._labels = model.labels
        self._probabilities_row = _Row(Float32MultiArray(), "f", model.labels)
        self._features_row = _Row(Float64MultiArray(), "d", model.columns)
        self._chart = BarChart(model.labels, model.sensors.interval)

    def destroy(self) -> None:
        """Take the publishers off the graph."""
        for publisher in (
            self._probabilities,
            self._obstacles,
            self._features,
            self._markers,
            self._classification,
        ):
            if publisher is not None:
                self._node.destroy_lifecycle_publisher(publisher)

    def publish(self, interval: Prediction) -> None:
        """Publish one interval."""
        if self.options.features:
            self._features.publish(self._features_row.fill(interval.end, interval.x))
        self._probabilities.publish(self._probabilities_row.fill(interval.end, interval.p))
        self._obstacles.publish(String(data=UNKNOWN if interval.obstacles is None else ",".join(interval.obstacles)))
        if self._classification is not None:
            self._classification.publish(classification(interval, self._labels, self.options.frame_id))
        if self.options.markers:
            self._markers.publish(self._chart.update(interval, self.options.frame_id))

    def _create(self, message_class: type, topic: str) -> LifecyclePublisher:
        # No event handlers: see SensorSubscriptions.
        silent = PublisherEventCallbacks(use_default_callbacks=False)
        return self._node.create_lifecycle_publisher(message_class, topic, _DEPTH, event_callbacks=silent)


class _Row:
    """One row: `dim[0]` carries the interval's end in ns as text, `dim[1]` the names of the values."""

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
        """The message of one interval; the next call overwrites it."""
        self._end.label = str(end)
        self._message.data = array(self._typecode, values.tobytes())
        return self._message


def array_end(message: Float32MultiArray | Float64MultiArray) -> int:
    """The interval end in ns that a message of `~/probabilities` or `~/features` carries."""
    return int(message.layout.dim[0].label)


def array_names(message: Float32MultiArray | Float64MultiArray) -> list[str]:
    """The names of the values that such a message carries."""
    return str(message.layout.dim[1].label).split(",")
