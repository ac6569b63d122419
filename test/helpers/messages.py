# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Serialised messages for tests, made with NumPy alone; `test_decoding_parity` compares the writer with rosbags."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from obstacle_classifier.sensing import MESSAGE_TYPES
from obstacle_classifier.sensing import schema as s
from obstacle_classifier.sensing.string import STRING_NAME, STRING_SCHEMA

Fields = Mapping[str, Any]
Numbers = Sequence[float] | NDArray[np.float64]

SCHEMAS: dict[str, s.Struct] = {name: kind.schema for name, kind in MESSAGE_TYPES.items()} | {
    STRING_NAME: STRING_SCHEMA
}
"""The fields of the known sensor types and of String."""


# --- Writing ----------------------------------------------------------------------------------------------------------


class _Writer:
    def __init__(self, *, little_endian: bool) -> None:
        self.order = "<" if little_endian else ">"
        self.body = bytearray()

    def align(self, size: int) -> None:
        self.body += bytes(-len(self.body) % size)

    def number(self, code: str, value: Any) -> None:
        self.align(struct.calcsize("<" + code))
        self.body += struct.pack(self.order + code, value)

    def string(self, text: str) -> None:
        data = text.encode() + b"\0"
        self.number("I", len(data))
        self.body += data

    def array(self, code: str, values: ArrayLike) -> None:
        array = np.asarray(values, np.dtype(self.order + code)).ravel()
        if array.size:
            self.align(array.dtype.itemsize)
        self.body += array.tobytes()

    def field(self, schema: s.Schema, value: Any) -> None:
        if isinstance(schema, s.Primitive):
            self.number(schema.code, value)
        elif isinstance(schema, s.String):
            self.string(value)
        elif isinstance(schema, s.Array):
            assert len(value) == schema.length
            self.items(schema.item, value)
        elif isinstance(schema, s.Struct):
            for name, child in schema.fields:
                if not isinstance(child, s.Optional):
                    self.field(child, value[name])
                elif value.get(name) is not None:
                    self.field(child.item, value[name])
        elif isinstance(schema, s.Sequence):
            self.number("I", len(value))
            self.items(schema.item, value)
        else:
            raise TypeError(schema)

    def items(self, item: s.Schema, values: Any) -> None:
        if isinstance(item, s.Primitive):
            self.array(item.code, values)
        else:
            for value in values:
                self.field(item, value)


def encode(type_name: str, fields: Fields, *, little_endian: bool = True) -> bytes:
    """Serialise nested fields; a Range without `variance` has the layout from before ROS 2 Iron."""
    return encode_schema(SCHEMAS[type_name], fields, little_endian=little_endian)


def encode_schema(schema: s.Struct, fields: Fields, *, little_endian: bool = True) -> bytes:
    """Serialise nested fields of any type."""
    writer = _Writer(little_endian=little_endian)
    writer.field(schema, fields)
    return bytes([0, little_endian, 0, 0]) + bytes(writer.body)


# --- One function per type --------------------------------------------------------------------------------------------


def header(stamp_ns: int, frame_id: str) -> dict[str, Any]:
    return {"stamp": {"sec": stamp_ns // 10**9, "nanosec": stamp_ns % 10**9}, "frame_id": frame_id}


def _xyz(values: Numbers) -> dict[str, float]:
    return dict(zip("xyzw", values, strict=False))


def make_scan(
    ranges: ArrayLike,
    *,
    stamp_ns: int = 0,
    frame_id: str = "laser",
    angle_min: float = -math.pi,
    angle_increment: float | None = None,
    range_min: float = 0.1,
    range_max: float = 10.0,
    intensities: ArrayLike = (),
    little_endian: bool = True,
) -> bytes:
    """A LaserScan; without `angle_increment` the beams fill the circle from `angle_min`."""
    beams = np.asarray(ranges, np.float32)
    step = 2 * math.pi / max(1, len(beams)) if angle_increment is None else angle_increment
    fields = {
        "header": header(stamp_ns, frame_id),
        "angle_min": angle_min,
        "angle_max": angle_min + step * max(0, len(beams) - 1),
        "angle_increment": step,
        "time_increment": 0.0,
        "scan_time": 0.1,
        "range_min": range_min,
        "range_max": range_max,
        "ranges": beams,
        "intensities": np.asarray(intensities, np.float32),
    }
    return encode("sensor_msgs/msg/LaserScan", fields, little_endian=little_endian)


def make_range(
    distance: float,
    *,
    min_range: float = 0.2,
    max_range: float = 4.0,
    variance: float | None = 0.0,
    stamp_ns: int = 0,
    frame_id: str = "sonar",
    little_endian: bool = True,
) -> bytes:
    """A Range; `variance=None` selects the older layout."""
    fields = {
        "header": header(stamp_ns, frame_id),
        "radiation_type": 0,
        "field_of_view": 0.5,
        "min_range": min_range,
        "max_range": max_range,
        "range": distance,
        "variance": variance,
    }
    return encode("sensor_msgs/msg/Range", fields, little_endian=little_endian)


def cloud_fields(
    points: ArrayLike,
    *,
    dtype: str = "<f4",
    height: int = 1,
    offset: int = 0,
    gap: int = 0,
    row_gap: int = 0,
    stamp_ns: int = 0,
    frame_id: str = "lidar",
) -> dict[str, Any]:
    """Fields of a PointCloud2 of points (n, 3), each at `offset` bytes into its step, with a gap after it."""
    coordinates = np.asarray(points, np.dtype(dtype)).reshape(-1, 3)
    size = coordinates.dtype.itemsize
    count, step = len(coordinates), offset + 3 * size + gap
    width = count // height
    cells = np.zeros((count, step), np.uint8)
    cells[:, offset : offset + 3 * size] = coordinates.view(np.uint8).reshape(count, 3 * size)
    lines = np.zeros((height, width * step + row_gap), np.uint8)
    lines[:, : width * step] = cells.reshape(height, width * step)
    return {
        "header": header(stamp_ns, frame_id),
        "height": height,
        "width": width,
        "fields": [
            {"name": name, "offset": offset + i * size, "datatype": 7 if size == 4 else 8, "count": 1}
            for i, name in enumerate("xyz")
        ],
        "is_bigendian": dtype.startswith(">"),
        "point_step": step,
        "row_step": lines.shape[1],
        "data": lines.ravel(),
        "is_dense": True,
    }


def make_cloud(points: ArrayLike, *, little_endian: bool = True, **layout: Any) -> bytes:
    """A PointCloud2; see `cloud_fields`."""
    return encode("sensor_msgs/msg/PointCloud2", cloud_fields(points, **layout), little_endian=little_endian)


def make_imu(
    *,
    orientation: Numbers = (0.0, 0.0, 0.0, 1.0),
    angular_velocity: Numbers = (0.0, 0.0, 0.0),
    linear_acceleration: Numbers = (0.0, 0.0, 9.81),
    orientation_covariance: Numbers = (0.0,) * 9,
    angular_velocity_covariance: Numbers = (0.0,) * 9,
    linear_acceleration_covariance: Numbers = (0.0,) * 9,
    stamp_ns: int = 0,
    frame_id: str = "imu",
    little_endian: bool = True,
) -> bytes:
    """An Imu; a covariance that starts with -1 marks a quantity without an estimate."""
    fields = {
        "header": header(stamp_ns, frame_id),
        "orientation": _xyz(orientation),
        "orientation_covariance": orientation_covariance,
        "angular_velocity": _xyz(angular_velocity),
        "angular_velocity_covariance": angular_velocity_covariance,
        "linear_acceleration": _xyz(linear_acceleration),
        "linear_acceleration_covariance": linear_acceleration_covariance,
    }
    return encode("sensor_msgs/msg/Imu", fields, little_endian=little_endian)


def make_odometry(
    *,
    position: Numbers = (0.0, 0.0, 0.0),
    orientation: Numbers = (0.0, 0.0, 0.0, 1.0),
    linear: Numbers = (0.0, 0.0, 0.0),
    angular: Numbers = (0.0, 0.0, 0.0),
    stamp_ns: int = 0,
    frame_id: str = "odom",
    child_frame_id: str = "base_link",
    little_endian: bool = True,
) -> bytes:
    """An Odometry with zero covariances."""
    fields = {
        "header": header(stamp_ns, frame_id),
        "child_frame_id": child_frame_id,
        "pose": {
            "pose": {"position": _xyz(position), "orientation": _xyz(orientation)},
            "covariance": np.zeros(36),
        },
        "twist": {"twist": {"linear": _xyz(linear), "angular": _xyz(angular)}, "covariance": np.zeros(36)},
    }
    return encode("nav_msgs/msg/Odometry", fields, little_endian=little_endian)


def make_joint_state(
    names: Sequence[str],
    position: Numbers = (),
    velocity: Numbers = (),
    effort: Numbers = (),
    *,
    stamp_ns: int = 0,
    frame_id: str = "",
    little_endian: bool = True,
) -> bytes:
    """A JointState."""
    fields = {
        "header": header(stamp_ns, frame_id),
        "name": names,
        "position": position,
        "velocity": velocity,
        "effort": effort,
    }
    return encode("sensor_msgs/msg/JointState", fields, little_endian=little_endian)


def make_twist_stamped(
    linear: Numbers = (0.0, 0.0, 0.0),
    angular: Numbers = (0.0, 0.0, 0.0),
    *,
    stamp_ns: int = 0,
    frame_id: str = "base_link",
    little_endian: bool = True,
) -> bytes:
    """A TwistStamped."""
    fields = {"header": header(stamp_ns, frame_id), "twist": {"linear": _xyz(linear), "angular": _xyz(angular)}}
    return encode("geometry_msgs/msg/TwistStamped", fields, little_endian=little_endian)


def make_temperature(celsius: float, *, variance: float = 0.0, stamp_ns: int = 0, little_endian: bool = True) -> bytes:
    """A Temperature."""
    fields = {"header": header(stamp_ns, "thermometer"), "temperature": celsius, "variance": variance}
    return encode("sensor_msgs/msg/Temperature", fields, little_endian=little_endian)


def make_illuminance(lux: float, *, variance: float = 0.0, stamp_ns: int = 0, little_endian: bool = True) -> bytes:
    """An Illuminance."""
    fields = {"header": header(stamp_ns, "light"), "illuminance": lux, "variance": variance}
    return encode("sensor_msgs/msg/Illuminance", fields, little_endian=little_endian)


def make_float32(value: float, *, little_endian: bool = True) -> bytes:
    """A Float32."""
    return encode("std_msgs/msg/Float32", {"data": value}, little_endian=little_endian)


def make_float64(value: float, *, little_endian: bool = True) -> bytes:
    """A Float64."""
    return encode("std_msgs/msg/Float64", {"data": value}, little_endian=little_endian)


def make_bool(value: bool, *, little_endian: bool = True) -> bytes:
    """A Bool."""
    return encode("std_msgs/msg/Bool", {"data": value}, little_endian=little_endian)


def make_string(text: str, *, little_endian: bool = True) -> bytes:
    """A String."""
    return encode(STRING_NAME, {"data": text}, little_endian=little_endian)


JOINTS = ("left", "right")
"""The joints of `random_message`."""


def random_message(
    type_name: str,
    rng: np.random.Generator,
    *,
    stamp_ns: int = 0,
    little_endian: bool = True,
    old_ranges: bool = False,
) -> bytes:
    """A plausible message of any type, with some special readings (Inf, NaN, 0) as in real messages.

    With `old_ranges`, half of the Range messages have the layout without variance.
    """
    n = rng.standard_normal
    end: dict[str, Any] = {"little_endian": little_endian}
    both: dict[str, Any] = {"stamp_ns": stamp_ns, **end}
    kind = type_name.rsplit("/", 1)[1]
    if kind == "LaserScan":
        ranges = rng.uniform(0.0, 12.0, rng.choice([90, 180]))
        odd = rng.random(len(ranges))
        ranges[odd < 0.1] = np.inf
        ranges[(odd >= 0.1) & (odd < 0.15)] = np.nan
        ranges[(odd >= 0.15) & (odd < 0.18)] = -np.inf
        ranges[(odd >= 0.18) & (odd < 0.2)] = 0.0
        return make_scan(ranges, **both)
    if kind == "Range":
        variance = None if old_ranges and rng.random() < 0.5 else 0.0
        return make_range(float(rng.choice([rng.uniform(0, 5), np.inf, -np.inf])), variance=variance, **both)
    if kind == "PointCloud2":
        points = n((int(rng.integers(0, 60)), 3)) * 3.0
        points[rng.random(len(points)) < 0.1] = np.nan
        return make_cloud(points, gap=4, **both)
    if kind == "Imu":
        withdrawn = (-1.0 if rng.random() < 0.2 else 0.0,) + (0.0,) * 8
        return make_imu(
            orientation=n(4),
            angular_velocity=n(3),
            linear_acceleration=n(3),
            orientation_covariance=withdrawn,
            **both,
        )
    if kind == "Odometry":
        return make_odometry(position=n(3), orientation=n(4), linear=n(3), angular=n(3), **both)
    if kind == "JointState":
        count = len(JOINTS)
        return make_joint_state(JOINTS, n(count), n(count), n(count) if rng.random() < 0.5 else (), **both)
    if kind == "TwistStamped":
        return make_twist_stamped(n(3), n(3), **both)
    if kind == "Temperature":
        return make_temperature(20 + n(), **both)
    if kind == "Illuminance":
        return make_illuminance(100 + n(), **both)
    if kind == "Float32":
        return make_float32(n(), **end)
    if kind == "Float64":
        return make_float64(n(), **end)
    if kind == "Bool":
        return make_bool(bool(rng.random() < 0.5), **end)
    if kind == "String":
        return make_string(
            ", ".join(rng.permutation(["pedestrian", "Fußgänger", "trash_can"])[: rng.integers(4)]), **end
        )
    return encode(type_name, random_fields(SCHEMAS[type_name], rng, stamp_ns), **end)


def random_fields(schema: s.Schema, rng: np.random.Generator, stamp_ns: int = 0) -> Any:
    """Plausible values of any type: small sequences, some numbers that are not finite, integers up to their limits."""
    if schema == s.HEADER:
        return header(stamp_ns, "frame")
    if isinstance(schema, s.Struct):
        return {name: random_fields(child, rng, stamp_ns) for name, child in schema.fields}
    if isinstance(schema, s.Array | s.Sequence):
        count = schema.length if isinstance(schema, s.Array) else int(rng.integers(4))
        return [random_fields(schema.item, rng, stamp_ns) for _ in range(count)]
    if isinstance(schema, s.String):
        return "x" * int(rng.integers(6))
    assert isinstance(schema, s.Primitive)
    if schema.code == "?":
        return bool(rng.random() < 0.5)
    if schema.code in "fd":
        return float(rng.choice([rng.standard_normal(), math.nan, math.inf], p=[0.9, 0.05, 0.05]))
    limits = np.iinfo(np.dtype(schema.code))
    if rng.random() < 0.2:
        return int(limits.min if rng.random() < 0.5 else limits.max)
    return int(rng.integers(max(limits.min, -100), min(limits.max, 100)))


# --- Hypothesis -------------------------------------------------------------------------------------------------------

# NUL ends a string in ROS's C structures; no publisher can send it.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "?": st.booleans(),
    **{code: st.integers(int(np.iinfo(np.dtype(code)).min), int(np.iinfo(np.dtype(code)).max)) for code in "bBhHiIqQ"},
    "f": st.floats(width=32),
    "d": st.floats(),
}


def values_of(schema: s.Schema) -> st.SearchStrategy[Any]:
    """Any values of a type."""
    if isinstance(schema, s.Primitive):
        return _PRIMITIVES[schema.code]
    if isinstance(schema, s.String):
        return _TEXT
    if isinstance(schema, s.Array):
        return st.lists(values_of(schema.item), min_size=schema.length, max_size=schema.length)
    if isinstance(schema, s.Sequence):
        return st.lists(values_of(schema.item), max_size=5)
    if isinstance(schema, s.Optional):
        return values_of(schema.item)
    assert isinstance(schema, s.Struct)
    return st.fixed_dictionaries({name: values_of(child) for name, child in schema.fields})


def message_fields(type_name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any fields that a message of this type can have, `variance` of a Range included."""
    strategy: st.SearchStrategy[dict[str, Any]] = values_of(SCHEMAS[type_name])
    return strategy
