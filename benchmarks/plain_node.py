# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A simple classifier node, written as in the rclpy tutorials and NumPy's manual, for comparison.

It subscribes to typed messages and spins the single-threaded executor. It keeps a deque of decoded samples per sensor
and computes the statistics at every interval. It has the columns, the network and the outputs of `classifier_node`, for
the sensor types of `benchmarks.traffic`. It has no health checks, time rules or parameters.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Float32MultiArray, MultiArrayDimension, String

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.traffic import DEPTH
from obstacle_classifier.features import SensorSpec
from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.installed_types import message_class

NAME = "plain_classifier"
Floats = NDArray[np.float64]

STATISTICS: dict[str, Callable[[Floats], Floats]] = {
    "min": lambda values: np.min(values, axis=0),
    "max": lambda values: np.max(values, axis=0),
    "mean": lambda values: np.mean(values, axis=0),
    "std": lambda values: np.std(values, axis=0),
    "peak_to_peak": lambda values: np.ptp(values, axis=0),
}


def read_scan(message: Any) -> list[float]:
    """Shortest and mean distance in each of 12 sectors, without NaN and readings below the minimum."""
    ranges = np.array(message.ranges)
    angles = message.angle_min + np.arange(len(ranges)) * message.angle_increment
    sectors = ((angles + np.pi + 1e-6) / (2 * np.pi) * 12).astype(int) % 12
    valid = (ranges >= message.range_min) & (ranges != 0.0)
    ranges = np.minimum(ranges, 8.0)
    values = []
    for sector in range(12):
        inside = ranges[valid & (sectors == sector)]
        values += [inside.min(), inside.mean()] if len(inside) else [np.nan, np.nan]
    return values


def read_imu(message: Any) -> list[float]:
    """Acceleration and angular velocity."""
    a, w = message.linear_acceleration, message.angular_velocity
    return [a.x, a.y, a.z, w.x, w.y, w.z]


READ: dict[str, Callable[[Any], list[float]]] = {
    "scan": read_scan,
    "imu": read_imu,
    "odom": lambda message: [message.twist.twist.linear.x, message.twist.twist.angular.z],
    "sonar": lambda message: [message.range],
    "twist": lambda message: [message.twist.linear.x, message.twist.angular.z],
    "noise": lambda message: [message.data],
    "illuminance": lambda message: [message.illuminance],
    "temperature": lambda message: [message.temperature],
}
"""The channels of each sensor of `benchmarks.traffic`, from a message."""


class PlainFeatures:
    """Feature vectors from decoded samples."""

    def __init__(self, sensors: tuple[SensorSpec, ...]) -> None:
        self._sensors = sensors
        self._samples: dict[str, deque[tuple[int, list[float]]]] = {spec.name: deque() for spec in sensors}

    def add(self, spec: SensorSpec, time: int, message: Any) -> None:
        """Keep the values of a message received at `time` (ns)."""
        self._samples[spec.name].append((time, READ[spec.name](message)))

    def vector(self, end: int) -> Floats:
        """Features of the interval that ends at `end` (ns), NaN where unknown."""
        columns: list[float] = []
        for spec in self._sensors:
            samples = self._samples[spec.name]
            while len(samples) > 1 and samples[1][0] < end - max(spec.window, spec.timeout):
                samples.popleft()
            before = [sample for sample in samples if sample[0] < end]
            if not before or before[-1][0] < end - spec.timeout:
                columns += [np.nan] * (len(spec.columns) - 1) + [1.0]
                continue
            window = np.array([values for time, values in before if time >= end - spec.window])
            if not len(window):
                window = np.full((1, len(spec.channels)), np.nan)
            table: list[Any] = [
                before[-1][1] if name == "last" else STATISTICS[name](window) for name in spec.statistics
            ]
            columns += np.transpose(table).ravel().tolist()
            columns.append(0.0)
        return np.array(columns)


class PlainClassifier(Node):
    """Publishes probabilities and obstacles at every interval."""

    def __init__(self, model: Model) -> None:
        super().__init__(NAME)
        self.model = model
        self.features = PlainFeatures(model.sensors.sensors)
        qos = QoSProfile(depth=DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        for spec in model.sensors.sensors:
            self.create_subscription(message_class(spec.type), spec.topic, partial(self.on_message, spec), qos)
        self.probabilities = self.create_publisher(Float32MultiArray, "~/probabilities", 10)
        self.obstacles = self.create_publisher(String, "~/obstacles", 10)
        self.create_timer(model.sensors.interval * 1e-9, self.on_timer)

    def on_message(self, spec: SensorSpec, message: Any) -> None:
        """Keep one message."""
        self.features.add(spec, self.get_clock().now().nanoseconds, message)

    def on_timer(self) -> None:
        """Classify the newest complete interval."""
        interval = self.model.sensors.interval
        end = self.get_clock().now().nanoseconds // interval * interval
        p = self.classify(self.features.vector(end))
        dim = [
            MultiArrayDimension(label=str(end), size=1, stride=len(p)),
            MultiArrayDimension(label=",".join(self.model.labels), size=len(p), stride=len(p)),
        ]
        message = Float32MultiArray()
        message.layout.dim = dim
        message.data = p.tolist()
        self.probabilities.publish(message)
        present = [label for label, value in zip(self.model.labels, p, strict=True) if value >= 0.5]
        self.obstacles.publish(String(data=",".join(present)))

    def classify(self, x: Floats) -> NDArray[np.float32]:
        """Probabilities (c,) of the features x (d,)."""
        numbers = self.model.network.numbers
        z: NDArray[Any] = np.nan_to_num((x - numbers["mean"]) / numbers["scale"]).astype(np.float32)
        *hidden, last = [(numbers[f"W{i}"], numbers[f"b{i}"]) for i in range(3)]
        for W, b in hidden:
            z = z @ W + b
            z = np.where(z <= 1, 0, 2 * z)
        W, b = last
        p: NDArray[np.float32] = 1 / (1 + np.exp(-(z @ W + b)))
        return p


def main() -> int:
    """Run until Ctrl-C or SIGTERM."""
    rclpy.init()
    with contextlib.suppress(KeyboardInterrupt, rclpy.executors.ExternalShutdownException):
        rclpy.spin(PlainClassifier(Model.load(sys.argv[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
