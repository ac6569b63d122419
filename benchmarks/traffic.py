# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The traffic of a busy robot: 400 Hz Imu, 40 Hz LaserScan of 1080 beams and six slow topics, from a separate process.

As a program, it reads a number of seconds from each line of stdin and publishes for that time. It answers with a line
of JSON: the number of messages on each topic, and the first and last instant in ns.
"""

from __future__ import annotations

import heapq
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from obstacle_classifier.features import parse_sensors
from test.helpers.messages import (
    make_float32,
    make_illuminance,
    make_imu,
    make_odometry,
    make_range,
    make_scan,
    make_temperature,
    make_twist_stamped,
)

ROOT = Path(__file__).parents[1]
BEAMS = 1080
DEPTH = 1000  # messages that the publishers keep and the nodes queue
RATES = {
    "/imu/data": 400.0,
    "/scan": 40.0,
    "/odom": 20.0,
    "/sonar": 10.0,
    "/twist": 10.0,
    "/noise_level": 5.0,
    "/illuminance": 2.0,
    "/temperature": 1.0,
}
"""Messages per second."""

SENSORS = parse_sensors(
    {
        "interval": 0.05,
        "labels": ["pedestrian", "bicycle", "trash_can"],
        "sensors": {
            "scan": {
                "type": "sensor_msgs/msg/LaserScan",
                "topic": "/scan",
                "sectors": 12,
                "reduce": ["min", "mean"],
                "max_range": 8.0,
                "statistics": ["last", "min", "mean"],
                "timeout": 0.5,
                "required": True,
            },
            "imu": {
                "type": "sensor_msgs/msg/Imu",
                "topic": "/imu/data",
                "channels": [
                    f"{quantity}.{axis}" for quantity in ("linear_acceleration", "angular_velocity") for axis in "xyz"
                ],
                "window": 1.0,
                "statistics": ["mean", "std", "peak_to_peak"],
                "timeout": 0.5,
                "required": True,
            },
            "odom": {
                "type": "nav_msgs/msg/Odometry",
                "topic": "/odom",
                "channels": ["twist.linear.x", "twist.angular.z"],
                "window": 0.5,
                "statistics": ["last", "mean"],
            },
            "sonar": {"type": "sensor_msgs/msg/Range", "topic": "/sonar", "window": 0.5, "statistics": ["last", "min"]},
            "twist": {
                "type": "geometry_msgs/msg/TwistStamped",
                "topic": "/twist",
                "channels": ["linear.x", "angular.z"],
                "window": 1.0,
                "statistics": ["last", "mean"],
            },
            "noise": {
                "type": "std_msgs/msg/Float32",
                "topic": "/noise_level",
                "window": 1.0,
                "statistics": ["mean", "max"],
            },
            "illuminance": {
                "type": "sensor_msgs/msg/Illuminance",
                "topic": "/illuminance",
                "channels": ["illuminance"],
                "timeout": 3.0,
            },
            "temperature": {
                "type": "sensor_msgs/msg/Temperature",
                "topic": "/temperature",
                "channels": ["temperature"],
                "timeout": 3.0,
            },
        },
    },
    "benchmarks/traffic.py",
)
"""The sensors of the nodes that receive this traffic."""


def make_message(topic: str, rng: np.random.Generator) -> bytes:
    """A message for `topic`, stamped 0."""
    n = rng.standard_normal
    if topic == "/imu/data":
        return make_imu(angular_velocity=n(3), linear_acceleration=n(3))
    if topic == "/scan":
        return make_scan(rng.uniform(0.2, 7.5, BEAMS))
    if topic == "/odom":
        return make_odometry(linear=n(3), angular=n(3))
    if topic == "/sonar":
        return make_range(float(rng.uniform(0.3, 3.9)))
    if topic == "/twist":
        return make_twist_stamped(n(3), n(3))
    if topic == "/noise_level":
        return make_float32(float(n()))
    return (make_illuminance if topic == "/illuminance" else make_temperature)(float(n()))


@contextmanager
def private_domain() -> Iterator[None]:
    """Keep DDS on this host, in a domain of its own; child processes inherit it."""
    from domain_coordinator import domain_id

    before = dict(os.environ)
    with domain_id() as domain:
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(ROOT / "test" / "data" / "fastdds_quick_discovery.xml")
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


class Traffic:
    """Starts and controls the publishing process."""

    def __init__(self, subscribers: int) -> None:
        """Start the process; it publishes nothing until every topic has that many subscribers."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(subscribers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Traffic:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def start(self, seconds: float) -> None:
        """Begin to publish for `seconds`."""
        assert self._process.stdin is not None
        print(seconds, file=self._process.stdin, flush=True)

    def finish(self) -> dict[str, Any]:
        """Wait until the publishing is done: `sent` by topic, `first` and `last` instant in ns."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # Fast DDS may write lines of its own
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError(f"the publishing process ended with {self._process.wait()}")

    def run(self, seconds: float) -> dict[str, Any]:
        """Publish for `seconds`, and wait until the messages are published. Returns the result of `finish`."""
        self.start(seconds)
        return self.finish()


def _publish(publishers: dict[str, Any], messages: dict[str, list[bytearray]], seconds: float) -> dict[str, Any]:
    sent = dict.fromkeys(publishers, 0)
    stamped = [topic for topic in publishers if topic != "/noise_level"]
    start = time.monotonic()
    first = time.time_ns()
    due = [(start + index * 1e-4, topic) for index, topic in enumerate(RATES)]
    heapq.heapify(due)
    while due:
        when, topic = heapq.heappop(due)
        wait = when - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        data = messages[topic][sent[topic] % len(messages[topic])]
        if topic in stamped:
            struct.pack_into("<iI", data, 4, *divmod(time.time_ns(), 10**9))
        publishers[topic].publish(bytes(data))
        sent[topic] += 1
        if when + 1 / RATES[topic] < start + seconds:
            heapq.heappush(due, (when + 1 / RATES[topic], topic))
    return {"sent": sent, "first": first, "last": time.time_ns()}


def main() -> int:
    """Publish for the times on stdin."""
    import rclpy
    from rclpy.node import Node
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    from obstacle_classifier.nodes.classifier.installed_types import message_class

    subscribers = int(sys.argv[1])
    rng = np.random.default_rng(0)
    messages = {topic: [bytearray(make_message(topic, rng)) for _ in range(16)] for topic in RATES}
    types = {spec.topic: spec.type for spec in SENSORS.sensors}
    rclpy.init()
    node = Node("traffic")
    qos = QoSProfile(depth=DEPTH, reliability=ReliabilityPolicy.RELIABLE)
    publishers = {topic: node.create_publisher(message_class(types[topic]), topic, qos) for topic in RATES}
    for line in sys.stdin:
        while any(publisher.get_subscription_count() < subscribers for publisher in publishers.values()):
            time.sleep(0.01)
        print(json.dumps(_publish(publishers, messages, float(line))), flush=True)
    node.destroy_node()
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
