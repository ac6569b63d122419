# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Time per message of each decoder, compared with deserialisation of the same bytes by rosbags and rclpy.

Run `python -m benchmarks.decoding` from the top of the source tree. rosbags and rclpy only build a message object; the
decoder also reduces the message to its channels.
"""

from __future__ import annotations

import argparse
import math
import sys
import timeit
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from obstacle_classifier.sensing import MESSAGE_TYPES, make_decoder
from test.helpers.messages import JOINTS, make_cloud, make_scan, random_message


def messages(type_name: str, count: int, beams: int) -> list[bytes]:
    """`count` messages of one layout; scans and clouds have `beams` beams or points."""
    rng = np.random.default_rng(0)
    if type_name.endswith("LaserScan"):
        return [make_scan(rng.uniform(0, 12, beams)) for _ in range(count)]
    if type_name.endswith("PointCloud2"):
        return [make_cloud(rng.standard_normal((beams, 3)), gap=4) for _ in range(count)]
    candidates = [random_message(type_name, rng) for _ in range(10 * count)]
    longest = max(map(len, candidates))
    return [data for data in candidates if len(data) == longest][:count]


def microseconds(read: Callable[[list[bytes]], object] | None, data: list[bytes]) -> float:
    """Time per message, the best of seven rounds; NaN without a reader."""
    if read is None:
        return math.nan
    timer = timeit.Timer(lambda: read(data))
    loops = max(1, timer.autorange()[0] // 4)
    return min(timer.repeat(7, loops)) / loops / len(data) * 1e6


def rosbags_reader(type_name: str) -> Callable[[list[bytes]], object] | None:
    """Deserialisation by rosbags, if it is installed."""
    try:
        from rosbags.typesys import Stores, get_typestore
    except ImportError:
        return None
    store = get_typestore(Stores.ROS2_JAZZY)
    return lambda data: [store.deserialize_cdr(message, type_name) for message in data]


def rclpy_reader(type_name: str) -> Callable[[list[bytes]], object] | None:
    """Deserialisation by rclpy, if it is installed."""
    package, _, name = type_name.split("/")
    try:
        from rclpy.serialization import deserialize_message

        message_class = getattr(import_module(f"{package}.msg"), name)
    except ImportError:
        return None
    return lambda data: [deserialize_message(message, message_class) for message in data]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=20, metavar="N", help="messages per call (default 20)")
    parser.add_argument("--beams", type=int, default=1080, metavar="N", help="beams of a scan, points of a cloud")
    options = parser.parse_args(arguments)
    if options.batch < 1 or options.beams < 1:
        parser.error("--batch and --beams must be at least 1")
    print(
        f"microseconds per message, {options.batch} per call, {options.beams} beams or points, NumPy {np.__version__}"
    )
    print(f"{'type':32}{'decoder':>9}{'rosbags':>9}{'rclpy':>9}{'rosbags/decoder':>17}{'rclpy/decoder':>15}")
    for type_name in MESSAGE_TYPES:
        data = messages(type_name, options.batch, options.beams)
        joints = {"channels": [f"velocity.{joint}" for joint in JOINTS]} if type_name.endswith("JointState") else {}
        ours = microseconds(make_decoder(type_name, joints).decode, data)
        rosbags, rclpy = (microseconds(reader(type_name), data) for reader in (rosbags_reader, rclpy_reader))
        print(f"{type_name:32}{ours:9.2f}{rosbags:9.2f}{rclpy:9.2f}{rosbags / ours:17.1f}{rclpy / ours:15.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
