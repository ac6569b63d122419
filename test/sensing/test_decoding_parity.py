# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Every message type is decoded to the same values as by rosbags and rclpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obstacle_classifier.sensing import MESSAGE_TYPES, Decoder, make_decoder, parse_message, parse_string
from obstacle_classifier.sensing.string import STRING_NAME
from test.helpers import reference
from test.helpers.messages import SCHEMAS, cloud_fields, encode, message_fields

pytest.importorskip("rosbags")

TYPES = sorted(SCHEMAS)
FIELD_TYPES = sorted(
    name for name in MESSAGE_TYPES if name.rsplit("/", 1)[1] not in {"LaserScan", "PointCloud2", "Range"}
)
EXAMPLES = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_JOINT_CHANNELS = ["position.left", "velocity.left", "effort.left", "effort.right", "position.a.b", "velocity.absent"]


def _decoder(type_name: str) -> Decoder:
    return make_decoder(type_name, {"channels": _JOINT_CHANNELS} if type_name.endswith("JointState") else {})


def _check_row(
    type_name: str, decoder: Decoder, data: bytes, message: Any, options: dict[str, Any] | None = None
) -> None:
    samples = decoder.decode([data])
    assert not samples.errors
    expected = reference.plain_row(type_name, message, decoder.channels, options or {})
    # Sums may be rounded in another order; everything else is exact.
    np.testing.assert_allclose(samples.values[0], expected, rtol=1e-12, atol=1e-12)
    if samples.stamps is not None:
        assert samples.stamps[0] == message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


@pytest.mark.parametrize("type_name", TYPES)
def test_fields_equal_rosbags(type_name: str) -> None:
    @EXAMPLES
    @given(message_fields(type_name), st.booleans(), st.booleans())
    def check(fields: dict[str, Any], little_endian: bool, old: bool) -> None:
        if old and "variance" in fields and type_name.endswith("/Range"):
            fields = {**fields, "variance": None}
        data = reference.rosbags_serialise(type_name, fields, little_endian=little_endian)
        assert data == encode(type_name, fields, little_endian=little_endian)
        parsed = parse_message(type_name, data)
        message = reference.rosbags_deserialise(type_name, data)
        assert reference.same_message(type_name, parsed, message)
        if type_name in FIELD_TYPES:
            _check_row(type_name, decoder, data, message)

    decoder = _decoder(type_name) if type_name in FIELD_TYPES else _decoder("std_msgs/msg/Bool")
    check()


@pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")  # of a parser that rclpy imports on first use
@pytest.mark.parametrize("type_name", TYPES)
def test_fields_equal_rclpy(type_name: str) -> None:
    serialization = pytest.importorskip("rclpy.serialization")
    message_class = reference.rclpy_class(type_name)

    @EXAMPLES
    @given(message_fields(type_name), st.booleans())
    def check(fields: dict[str, Any], little_endian: bool) -> None:
        sent = reference.rclpy_message(type_name, fields)
        data = serialization.serialize_message(sent)
        # It rounds up what it allocates for an empty float64[] and hands that out too. The wire never carries the
        # excess, and rosbags refuses more than 3 bytes of it.
        data = data[: len(encode(type_name, fields))]
        assert reference.same_message(type_name, parse_message(type_name, data), sent)
        ours = encode(type_name, fields, little_endian=little_endian)
        received = serialization.deserialize_message(ours, message_class)
        assert reference.same_message(type_name, parse_message(type_name, ours), received)
        if type_name in FIELD_TYPES:
            _check_row(type_name, decoder, data, sent)

    decoder = _decoder(type_name) if type_name in FIELD_TYPES else _decoder("std_msgs/msg/Bool")
    check()


@EXAMPLES
@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_string_equals_rosbags(text: str, little_endian: bool) -> None:
    data = reference.rosbags_serialise(STRING_NAME, {"data": text}, little_endian=little_endian)
    assert parse_string(data) == text


_REDUCE = st.lists(st.sampled_from(["min", "max", "mean", "std", "count"]), min_size=1, unique=True)
_SECTOR_OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "sectors": st.integers(1, 15),
    "reduce": _REDUCE,
    "field_of_view": st.sampled_from([(-math.pi, math.pi), (-1.57, 1.57), (0.5, 0.75), (1.0, 5.0), (3.0, 4.0)]),
}
_SENSIBLE = st.sampled_from([0.0, 0.05, 0.1, 1.0, 5.6, 8.0, 30.0, math.inf, -math.inf, math.nan]) | st.floats(
    0, 12, width=32
)


@EXAMPLES
@given(
    message_fields("sensor_msgs/msg/LaserScan"),
    st.lists(_SENSIBLE, max_size=40),
    st.tuples(st.floats(-7, 7, width=32), st.floats(-0.5, 0.5, width=32)),
    st.sampled_from([(0.0, 0.0), (0.05, 10.0), (0.1, math.inf), (math.nan, math.nan), (5.0, 5.0)]),
    st.fixed_dictionaries(
        _SECTOR_OPTIONS,
        optional={"max_range": st.sampled_from([5.6, 8.0]), "zero": st.sampled_from(["drop", "no_return"])},
    ),
    st.booleans(),
)
def test_scan_rows_equal_plain_rules(
    fields: dict[str, Any],
    ranges: list[float],
    angles: tuple[float, float],
    limits: tuple[float, float],
    options: dict[str, Any],
    little_endian: bool,
) -> None:
    name = "sensor_msgs/msg/LaserScan"
    fields = {
        **fields,
        "ranges": np.asarray(ranges, np.float32),
        "angle_min": angles[0],
        "angle_increment": angles[1],
        "range_min": limits[0],
        "range_max": limits[1],
    }
    data = reference.rosbags_serialise(name, fields, little_endian=little_endian)
    _check_row(name, make_decoder(name, options), data, reference.rosbags_deserialise(name, data), options)


@EXAMPLES
@given(
    st.lists(st.tuples(*[st.floats(-20, 20, width=32) | st.sampled_from([0.0, math.nan, math.inf])] * 3), max_size=30),
    st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["<f4", ">f4", "<f8", ">f8"]),
            "offset": st.integers(0, 5),
            "gap": st.integers(0, 5),
            "row_gap": st.integers(0, 5),
        }
    ),
    st.integers(1, 3),
    st.fixed_dictionaries(
        _SECTOR_OPTIONS,
        optional={"max_range": st.sampled_from([5.6, 8.0]), "height": st.sampled_from([(-1.0, 2.0), (0.0, 5.0)])},
    ),
    st.booleans(),
)
def test_cloud_rows_equal_plain_rules(
    points: list[tuple[float, ...]], layout: dict[str, Any], height: int, options: dict[str, Any], little_endian: bool
) -> None:
    name = "sensor_msgs/msg/PointCloud2"
    fields = cloud_fields(np.array(points * height).reshape(-1, 3), height=height, **layout)
    data = reference.rosbags_serialise(name, fields, little_endian=little_endian)
    message = reference.rosbags_deserialise(name, data)
    _check_row(name, make_decoder(name, options), data, message, options)
