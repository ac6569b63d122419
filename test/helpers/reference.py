# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The same messages as rosbags and rclpy see them, to compare with."""

from __future__ import annotations

import math
import re
import struct
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from obstacle_classifier.sensing import schema as s
from test.helpers.messages import SCHEMAS, Fields


@cache
def rosbags_store(*, with_variance: bool = True) -> Any:
    """The typestore of Jazzy, or that of Humble, where Range has no variance."""
    typesys = pytest.importorskip("rosbags.typesys")
    return typesys.get_typestore(typesys.Stores.ROS2_JAZZY if with_variance else typesys.Stores.ROS2_HUMBLE)


def rosbags_deserialise(type_name: str, data: bytes) -> Any:
    """The message as rosbags reads it, by the current definition or else by the older definition of Range.

    Raises:
        SerdeError: rosbags cannot read the bytes.
    """
    from rosbags.serde import SerdeError

    try:
        return rosbags_store().deserialize_cdr(data, type_name)
    except SerdeError:
        if not type_name.endswith("/Range"):
            raise
        return rosbags_store(with_variance=False).deserialize_cdr(data, type_name)


def rosbags_serialise(type_name: str, fields: Fields, *, little_endian: bool) -> bytes:
    """The bytes that rosbags writes for a message."""
    store = rosbags_store(with_variance=not type_name.endswith("/Range") or fields["variance"] is not None)

    def build(name: str, values: Fields) -> Any:
        arguments = {}
        for field, (kind, detail) in store.fielddefs[name][1]:
            value = values[field]
            if kind.name == "NAME":
                value = build(detail, value)
            elif kind.name in {"ARRAY", "SEQUENCE"}:
                (item_kind, item), _ = detail
                if item_kind.name == "NAME":
                    value = [build(item, element) for element in value]
                elif item[0] != "string":
                    value = np.asarray(value, item[0])
            arguments[field] = value
        return store.types[name](**arguments)

    return bytes(store.serialize_cdr(build(type_name, fields), type_name, little_endian=little_endian))


def rclpy_class(type_name: str) -> Any:
    """The message class."""
    package, _, name = type_name.split("/")
    return getattr(pytest.importorskip(f"{package}.msg"), name)


def rclpy_message(type_name: str, fields: Fields) -> Any:
    """The message as rclpy has it."""

    def fill(message: Any, values: Fields) -> Any:
        for name, value in values.items():
            current = getattr(message, name)
            if isinstance(value, dict):
                fill(current, value)
            elif name == "fields":
                point_field = rclpy_class("sensor_msgs/msg/PointField")
                message.fields = [fill(point_field(), item) for item in value]
            elif isinstance(current, np.ndarray):
                setattr(message, name, np.asarray(value, current.dtype))
            elif isinstance(value, np.ndarray):
                setattr(message, name, value.tolist())
            else:
                setattr(message, name, value)
        return message

    return fill(rclpy_class(type_name)(), fields)


def same(parsed: object, message: Any, schema: s.Schema) -> bool:
    """Whether a result of `parse_message` equals a message object of rosbags or rclpy, bit for bit."""
    if isinstance(schema, s.Optional):
        schema = schema.item
    if isinstance(schema, s.Struct):
        assert isinstance(parsed, dict)
        names = [name for name, child in schema.fields if hasattr(message, name) or not isinstance(child, s.Optional)]
        return list(parsed) == names and all(
            same(parsed[name], getattr(message, name), child) for name, child in schema.fields if name in names
        )
    if isinstance(schema, s.Primitive):
        if schema.code in "fd":
            return struct.pack("<d", parsed) == struct.pack("<d", message)
        return type(parsed) is type(message) and parsed == message
    if isinstance(schema, s.String):
        return type(parsed) is str and parsed == message
    assert isinstance(schema, s.Array | s.Sequence)
    if isinstance(schema.item, s.Primitive):
        assert isinstance(parsed, np.ndarray)
        expected = np.asarray(message, parsed.dtype)
        return (
            parsed.dtype == np.dtype(schema.item.code)
            and parsed.shape == expected.shape
            and parsed.tobytes() == expected.tobytes()
        )
    assert isinstance(parsed, list)
    return len(parsed) == len(message) and all(
        same(item, other, schema.item) for item, other in zip(parsed, message, strict=True)
    )


def same_message(type_name: str, parsed: object, message: Any) -> bool:
    """`same` for a whole message."""
    return same(parsed, message, SCHEMAS[type_name])


# --- Channels, written out plainly ------------------------------------------------------------------------------------


def plain_row(type_name: str, message: Any, channels: tuple[str, ...], options: Fields) -> list[float]:
    """The channels of one message object, one Python float at a time."""
    kind = type_name.rsplit("/", 1)[1]
    if kind == "JointState":
        return [_joint(message, channel) for channel in channels]
    if kind == "LaserScan":
        return _sector_row(_beams(message, options), options)
    if kind == "PointCloud2":
        return _sector_row(_points(message, options), options)
    return [_plain_channel(kind, message, channel) for channel in channels]


def _plain_channel(kind: str, message: Any, channel: str) -> float:
    if kind == "Imu" and getattr(message, channel.split(".", maxsplit=1)[0] + "_covariance")[0] == -1.0:
        return math.nan
    if kind == "Odometry":
        channel = f"{channel.split('.', maxsplit=1)[0]}.{channel}"
    if kind == "TwistStamped":
        channel = f"twist.{channel}"
    value = message
    for step in re.findall(r"\w+", channel):
        if not step.isdecimal():
            value = getattr(value, step)
        elif int(step) < len(value):
            value = value[int(step)]
        else:
            return math.nan
    return float(value)


def _joint(message: Any, channel: str) -> float:
    quantity, _, joint = channel.partition(".")
    for name, value in zip(message.name, getattr(message, quantity), strict=False):
        if name == joint:
            return float(value)
    return math.nan


def _beams(message: Any, options: Fields) -> list[tuple[float, float, bool]]:
    """Angle, distance and whether it is a return, of each beam that tells a distance."""
    high = float(options.get("max_range", message.range_max if message.range_max > 0 else math.inf))
    limit = float(np.float32(options["max_range"])) if "max_range" in options else high
    low = message.range_min if math.isfinite(message.range_min) else 0.0
    beams = []
    for i, value in enumerate(map(float, message.ranges)):
        angle = message.angle_min + i * message.angle_increment
        if value >= limit or (value == 0.0 and options.get("zero") == "no_return"):
            beams.append((angle, high, False))
        elif value == -math.inf:
            beams.append((angle, low, True))
        elif value >= low and value != 0.0:
            beams.append((angle, value, True))
    return [beam for beam in beams if math.isfinite(beam[0]) and math.isfinite(beam[1])]


def _points(message: Any, options: Fields) -> list[tuple[float, float, bool]]:
    order = ">" if message.is_bigendian else "<"
    places = {field.name: (field.offset, "f" if field.datatype == 7 else "d") for field in message.fields}
    data = bytes(np.asarray(message.data, np.uint8))
    high = options.get("max_range", math.inf)
    bottom, top = options.get("height", (-math.inf, math.inf))
    points = []
    for row in range(message.height):
        for column in range(message.width):
            start = row * message.row_step + column * message.point_step
            x, y, z = (struct.unpack_from(order + places[n][1], data, start + places[n][0])[0] for n in "xyz")
            if not all(map(math.isfinite, (x, y, z))) or not bottom <= z <= top or x == y == 0.0:
                continue
            distance = math.sqrt(x * x + y * y)
            points.append((math.atan2(y, x), min(distance, high), distance < high))
    return points


def _sector_row(beams: list[tuple[float, float, bool]], options: Fields) -> list[float]:
    count = options.get("sectors", 12)
    low, high = options.get("field_of_view", (-math.pi, math.pi))
    members: list[list[tuple[float, bool]]] = [[] for _ in range(count)]
    for angle, distance, returned in beams:
        above = (angle - low + 1e-6) % (2 * math.pi)  # the rounding of angles that are float32
        if above <= high - low + 2e-6:
            members[min(count - 1, int(above * (count / (high - low))))].append((distance, returned))
    row: list[float] = []
    for sector in members:
        values: NDArray[np.float64] = np.array([distance for distance, _ in sector])
        numbers = {"count": float(sum(returned for _, returned in sector))}
        for name in ("min", "max", "mean", "std"):
            numbers[name] = float(getattr(np, name)(values)) if len(values) else math.nan
        row += [numbers[name] for name in options.get("reduce", ["min"])]
    return row
