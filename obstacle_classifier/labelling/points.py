# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages seen from above: points in centimetres, x ahead and y to the left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing import DecodeError, parse_message

__all__ = ["POINT_TYPES", "Points", "points"]

Points = NDArray[np.int16]
"""(n, 2) x and y in cm."""

MAX_POINTS = 6000
"""Most points of a message that are shown; of larger clouds every k-th point."""
_FARTHEST = 320.0  # m that fit into 16 bits of cm
_ARC_STEPS = 12
_FLOATS: Mapping[int, np.dtype[Any]] = {7: np.dtype("<f4"), 8: np.dtype("<f8")}  # PointField.FLOAT32 and FLOAT64


def points(type_name: str, data: bytes) -> Points:
    """The points of a message; none if it does not decode.

    Args:
        type_name: A key of `POINT_TYPES`.
        data: The message as CDR.
    """
    try:
        xy = POINT_TYPES[type_name](parse_message(type_name, data))
    except DecodeError:
        return np.empty((0, 2), np.int16)
    with np.errstate(invalid="ignore"):
        xy = xy[(np.abs(xy) < _FARTHEST).all(axis=1)]
    step = -(-len(xy) // MAX_POINTS) or 1
    found: Points = np.round(xy[::step] * 100.0).astype(np.int16)
    return found


def _scan(message: Mapping[str, Any]) -> NDArray[np.float64]:
    """The returns of a LaserScan."""
    ranges = np.asarray(message["ranges"], np.float64)
    angles = message["angle_min"] + message["angle_increment"] * np.arange(len(ranges))
    with np.errstate(invalid="ignore"):
        hit = (ranges >= message["range_min"]) & (ranges > 0.0)
        hit &= (ranges < message["range_max"]) | (message["range_max"] <= 0.0)
    ranges, angles = ranges[hit], angles[hit]
    return np.stack([ranges * np.cos(angles), ranges * np.sin(angles)], axis=1)


def _cloud(message: Mapping[str, Any]) -> NDArray[np.float64]:
    """The points of a PointCloud2; none if x or y is absent or not a float."""
    fields = {field["name"]: field for field in message["fields"]}
    count, step = message["width"] * message["height"], message["point_step"]
    raw = np.asarray(message["data"], np.uint8)
    usable = all(name in fields and fields[name]["datatype"] in _FLOATS for name in "xy")
    if not usable or not step or message["row_step"] < message["width"] * step:
        return np.empty((0, 2))
    if len(raw) != message["row_step"] * message["height"]:
        return np.empty((0, 2))
    rows = raw.reshape(message["height"], message["row_step"])[:, : message["width"] * step].reshape(count, step)
    columns = []
    for name in "xy":
        dtype = _FLOATS[fields[name]["datatype"]].newbyteorder(">" if message["is_bigendian"] else "<")
        offset = fields[name]["offset"]
        if offset + dtype.itemsize > step:
            return np.empty((0, 2))
        columns.append(np.ascontiguousarray(rows[:, offset : offset + dtype.itemsize]).view(dtype)[:, 0])
    return np.stack(columns, axis=1).astype(np.float64)


def _range(message: Mapping[str, Any]) -> NDArray[np.float64]:
    """A Range as an arc over its field of view; the message does not say which way it looks, so it is ahead."""
    distance = message["range"]
    if not message["min_range"] <= distance < message["max_range"]:
        return np.empty((0, 2))
    half = min(math.pi, max(0.02, abs(message["field_of_view"]) / 2))
    angles = np.linspace(-half, half, _ARC_STEPS)
    arc: NDArray[np.float64] = distance * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return arc


POINT_TYPES: Mapping[str, Callable[[Mapping[str, Any]], NDArray[np.float64]]] = {
    "sensor_msgs/msg/LaserScan": _scan,
    "sensor_msgs/msg/PointCloud2": _cloud,
    "sensor_msgs/msg/Range": _range,
}
"""The message types that are shown from above."""
