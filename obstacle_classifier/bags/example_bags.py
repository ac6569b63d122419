# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small synthetic bags with labels, for examples and tests: a lidar, a microphone, pedestrians and bicycles."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from obstacle_classifier.bags.label_file import origin_comment

__all__ = ["SENSORS", "write_example_bags"]

SENSORS: dict[str, Any] = {
    "interval": 0.1,
    "labels": ["pedestrian", "bicycle"],
    "sensors": {
        "scan": {
            "type": "sensor_msgs/msg/LaserScan",
            "topic": "/scan",
            "sectors": 8,
            "reduce": ["min", "mean"],
            "field_of_view": [-1.57, 1.57],
            "statistics": ["last", "min"],
            "timeout": 0.5,
            "required": True,
        },
        "noise": {
            "type": "std_msgs/msg/Float32",
            "topic": "/noise_level",
            "window": 0.5,
            "statistics": ["mean", "max"],
            "timeout": 1.0,
        },
    },
}
_START = 1_700_000_000 * 10**9
_BEAMS = 91
_Event: TypeAlias = tuple[str, float, float, float]
"""Label, start and end in s, bearing in rad."""


def write_example_bags(folder: Path, count: int = 6, seconds: int = 40, seed: int = 0) -> list[Path]:
    """Write labelled bags and return their paths.

    A pedestrian is a cluster of near beams. A bicycle is a smaller cluster with noise. Both come and go.

    Args:
        folder: The folder to hold the bags; it is created.
        count: Number of bags.
        seconds: Length of each bag.
        seed: Seed of the random generator; the same seed gives the same bags.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    rng = np.random.default_rng(seed)
    paths = []
    for number in range(count):
        path = folder / f"street_{number}"
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        events = _events(rng, seconds)
        with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            scan = writer.add_connection("/scan", "sensor_msgs/msg/LaserScan", typestore=store)
            noise = writer.add_connection("/noise_level", "std_msgs/msg/Float32", typestore=store)
            for step in range(seconds * 20):
                now, stamp = step / 20, _START + step * 50_000_000
                present = [(label, bearing) for label, start, end, bearing in events if start <= now < end]
                writer.write(scan, stamp, store.serialize_cdr(_scan(store, stamp, present, rng), scan.msgtype))
                level = 45 + 8 * any(label == "bicycle" for label, _ in present) + 4 * rng.standard_normal()
                sound = store.types["std_msgs/msg/Float32"](data=float(level))
                writer.write(noise, stamp, store.serialize_cdr(sound, noise.msgtype))
        rows = [f"{start:.3f},{end:.3f},{label}\n" for label, start, end, _ in events]
        (path / "labels.csv").write_text("start,end,label\n" + origin_comment(_START) + "".join(rows), encoding="utf-8")
        paths.append(path)
    return paths


def _events(rng: np.random.Generator, seconds: int) -> list[_Event]:
    events: list[_Event] = []
    for label in ("pedestrian", "bicycle"):
        start = float(rng.uniform(0, 6))
        while start < seconds - 3:
            end = min(start + float(rng.uniform(2, 7)), float(seconds))
            events.append((label, round(start, 3), round(end, 3), float(rng.uniform(-1.2, 1.2))))
            start = end + float(rng.uniform(2, 8))
    return sorted(events, key=lambda event: event[1])


def _scan(store: Any, stamp: int, present: list[tuple[str, float]], rng: np.random.Generator) -> Any:
    angles = np.linspace(-1.57, 1.57, _BEAMS)
    ranges = 6 + 0.5 * rng.standard_normal(_BEAMS)
    for label, bearing in present:
        width, distance = (0.12, 1.8) if label == "pedestrian" else (0.06, 2.8)
        ranges[np.abs(angles - bearing) < width] = distance + 0.2 * rng.standard_normal()
    types = store.types
    time = types["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9)
    return types["sensor_msgs/msg/LaserScan"](
        header=types["std_msgs/msg/Header"](stamp=time, frame_id="laser"),
        angle_min=-1.57,
        angle_max=1.57,
        angle_increment=3.14 / (_BEAMS - 1),
        time_increment=0.0,
        scan_time=0.05,
        range_min=0.1,
        range_max=10.0,
        ranges=ranges.astype(np.float32),
        intensities=np.array([], np.float32),
    )
