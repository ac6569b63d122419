# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""First settings of a sensor from a message of it: channels, sectors and statistics, with the reasons."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from obstacle_classifier.sensing import OptionError, ScanGeometry, make_decoder

__all__ = ["Suggestion", "suggest"]

Message = Mapping[str, Any]

MAX_SECTORS = 12
MIN_BEAMS = 4
"""Fewest beams of a sector."""
MAX_JOINTS = 12
_FULL_CIRCLE = 2 * math.pi


@dataclass(frozen=True)
class Suggestion:
    """First settings of a sensor.

    Attributes:
        options: The type's own keys.
        few: Statistics where an interval has about one message.
        many: Statistics where a window has many messages.
        comment: The reason, one line.
    """

    options: Mapping[str, Any]
    few: tuple[str, ...]
    many: tuple[str, ...]
    comment: str = ""


def suggest(type_name: str, messages: Sequence[Message], samples: Sequence[bytes]) -> Suggestion | str:
    """First settings of a sensor, or the reason why it has none.

    Args:
        type_name: A key of `MESSAGE_TYPES`.
        messages: The first message of each recording, parsed.
        samples: The same messages as CDR.
    """
    found = _SUGGESTIONS[type_name](messages)
    if isinstance(found, str):
        return found
    try:
        decoder = make_decoder(type_name, found.options)
    except OptionError as error:
        return str(error)
    errors = decoder.decode(samples).errors
    return f"a message does not decode: {errors[0][1]}" if errors else found


def _scan(messages: Sequence[Message]) -> Suggestion | str:
    geometries = [
        ScanGeometry("", len(each["ranges"]), float(each["angle_min"]), float(each["angle_increment"]))
        for each in messages
    ]
    widest = max(abs(geometry.increment) for geometry in geometries)
    low = max(geometry.span[0] for geometry in geometries)
    high = min(geometry.span[1] for geometry in geometries)
    if not (math.isfinite(widest) and widest > 0 and high > low):
        return "its scans have no common field of view"
    options: dict[str, Any] = {}
    span = high - low
    # A full circle lacks one increment from its last beam to its first.
    if span + 1.5 * widest < _FULL_CIRCLE:
        # To four digits, inwards unless the difference is rounding of float32.
        low, high = math.ceil(low * 1e4 - 0.01) / 1e4, math.floor(high * 1e4 + 0.01) / 1e4
        options["field_of_view"] = [low, high]
        span = high - low
    else:
        span = _FULL_CIRCLE
    sectors = max(1, min(MAX_SECTORS, int(span / (MIN_BEAMS * widest))))
    options = {"sectors": sectors, "reduce": ["min", "mean"], **options}
    if any(not 0 < float(each["range_max"]) < math.inf for each in messages):
        options["max_range"] = 10.0
    few, many = ("last",), ("last", "min")
    return Suggestion(options, few, many, "nearest and mean distance in each direction")


def _cloud(messages: Sequence[Message]) -> Suggestion | str:
    names = {field["name"] for field in messages[0]["fields"]}
    if not {"x", "y", "z"} <= names:
        return "its points have no x, y and z"
    options = {"sectors": MAX_SECTORS, "reduce": ["min"], "max_range": 20.0}
    return Suggestion(options, ("last",), ("last", "min"), "add height: [low, high] to leave the ground out")


def _range(messages: Sequence[Message]) -> Suggestion:
    del messages
    return Suggestion({}, ("last",), ("last", "min"))


def _imu(messages: Sequence[Message]) -> Suggestion | str:
    quantities = [
        name
        for name in ("linear_acceleration", "angular_velocity")
        if all(each[f"{name}_covariance"][0] != -1 for each in messages)
    ]
    if not quantities:
        return "its covariances say that it measures neither acceleration nor angular velocity"
    channels = [f"{name}.{axis}" for name in quantities for axis in "xyz"]
    return Suggestion({"channels": channels}, ("last",), ("std",), "vibration; a heading would tell the place")


def _odometry(messages: Sequence[Message]) -> Suggestion:
    del messages
    channels = ["twist.linear.x", "twist.angular.z"]
    return Suggestion({"channels": channels}, ("last",), ("mean", "std"), "speed; a pose would tell the place")


def _twist(messages: Sequence[Message]) -> Suggestion:
    del messages
    return Suggestion({"channels": ["linear.x", "angular.z"]}, ("last",), ("mean", "std"))


def _joints(messages: Sequence[Message]) -> Suggestion | str:
    common = set.intersection(*(set(each["name"]) for each in messages))
    joints = [name for name in messages[0]["name"] if name in common and name and "," not in name]
    if not joints:
        return "its messages have no common joints with usable names"

    def complete(quantity: str) -> bool:
        return all(len(each[quantity]) >= len(each["name"]) for each in messages)

    quantities = [quantity for quantity in ("velocity", "effort") if complete(quantity)]
    quantities = quantities or [quantity for quantity in ("position",) if complete(quantity)]
    if not quantities:
        return "its messages have no position, velocity or effort of every joint"
    channels = [f"{quantity}.{joint}" for quantity in quantities for joint in joints[:MAX_JOINTS]]
    comment = f"the first {MAX_JOINTS} of {len(joints)} joints" if len(joints) > MAX_JOINTS else ""
    return Suggestion({"channels": channels}, ("last",), ("mean", "std"), comment)


def _level(messages: Sequence[Message]) -> Suggestion:
    del messages
    return Suggestion({}, ("last",), ("mean", "max"))


def _temperature(messages: Sequence[Message]) -> Suggestion:
    del messages
    return Suggestion({}, ("last",), ("mean",), "leave it out if it tells the day rather than the obstacle")


def _switch(messages: Sequence[Message]) -> Suggestion:
    del messages
    return Suggestion({}, ("last",), ("last", "max"))


def _fields(messages: Sequence[Message]) -> Suggestion:
    del messages
    return Suggestion({}, ("last",), ("mean", "std"))


def _place(messages: Sequence[Message]) -> str:
    del messages
    return "it tells the place rather than the obstacle"


_SUGGESTIONS: Mapping[str, Callable[[Sequence[Message]], Suggestion | str]] = {
    "sensor_msgs/msg/LaserScan": _scan,
    "sensor_msgs/msg/PointCloud2": _cloud,
    "sensor_msgs/msg/Range": _range,
    "sensor_msgs/msg/Imu": _imu,
    "nav_msgs/msg/Odometry": _odometry,
    "sensor_msgs/msg/JointState": _joints,
    "geometry_msgs/msg/TwistStamped": _twist,
    "sensor_msgs/msg/Temperature": _temperature,
    "sensor_msgs/msg/Illuminance": _level,
    "std_msgs/msg/Float32": _level,
    "std_msgs/msg/Float64": _level,
    "std_msgs/msg/Bool": _switch,
    "geometry_msgs/msg/Twist": _twist,
    "geometry_msgs/msg/Vector3": _fields,
    "geometry_msgs/msg/Vector3Stamped": _fields,
    "geometry_msgs/msg/Pose": _place,
    "geometry_msgs/msg/PoseStamped": _place,
    "geometry_msgs/msg/PoseWithCovarianceStamped": _place,
    "sensor_msgs/msg/NavSatFix": _place,
    "sensor_msgs/msg/MagneticField": _fields,
    "sensor_msgs/msg/FluidPressure": _temperature,
    "sensor_msgs/msg/BatteryState": _fields,
    **{f"std_msgs/msg/{sign}Int{bits}": _level for sign in ("", "U") for bits in (8, 16, 32, 64)},
}
