# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Batches: each row equals that of its message alone; none is lost or reordered."""

from __future__ import annotations

import math
import struct
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obstacle_classifier.sensing import MESSAGE_TYPES, Decoder, make_decoder
from test.helpers.messages import (
    SCHEMAS,
    make_bool,
    make_float32,
    make_imu,
    make_joint_state,
    make_odometry,
    make_scan,
    make_temperature,
    make_twist_stamped,
    random_message,
)

pytestmark = pytest.mark.runtime

SECTOR_OPTIONS: dict[str, object] = {"reduce": ["min", "max", "mean", "std", "count"], "max_range": 8.0}


def _decoder(type_name: str) -> Decoder:
    options: dict[str, object] = {}
    if type_name.endswith("JointState"):
        options = {"channels": ["position.left", "velocity.right", "effort.left", "effort.absent"]}
    elif type_name.endswith(("LaserScan", "PointCloud2")):
        options = SECTOR_OPTIONS
    elif type_name.endswith("Range"):
        options = {"channels": ["range", "returned"]}
    return make_decoder(type_name, options)


def _messages(type_name: str, seed: int, count: int) -> list[bytes]:
    """Messages in both byte orders, of mixed layouts, some damaged."""
    rng = np.random.default_rng(seed)
    messages = []
    for _ in range(count):
        stamp, little = int(rng.integers(2**60)), bool(rng.random() < 0.7)
        data = random_message(type_name, rng, stamp_ns=stamp, little_endian=little, old_ranges=True)
        messages.append(data[: rng.integers(len(data))] if rng.random() < 0.1 else data)
    return messages


@pytest.mark.parametrize("type_name", sorted(MESSAGE_TYPES))
def test_rows_do_not_depend_on_the_grouping(type_name: str) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2**32), st.lists(st.integers(0, 40), max_size=6))
    def check(seed: int, cuts: list[int]) -> None:
        messages = _messages(type_name, seed, 40)
        whole = _decoder(type_name).decode(messages)
        grouped = _decoder(type_name)
        edges = [0, *sorted(cuts), len(messages)]
        parts = [(start, grouped.decode(messages[start:stop])) for start, stop in pairwise(edges)]
        assert np.concatenate([part.values for _, part in parts]).tobytes() == whole.values.tobytes()
        assert np.concatenate([part.kept + start for start, part in parts]).tolist() == whole.kept.tolist()
        assert [position + start for start, part in parts for position, _ in part.errors] == [
            position for position, _ in whole.errors
        ]
        if whole.stamps is not None:
            stamps = np.concatenate([part.stamps for _, part in parts if part.stamps is not None])
            assert stamps.tolist() == whole.stamps.tolist()

    check()


@pytest.mark.parametrize("reverse", [False, True])
def test_more_messages_than_a_matrix_holds(reverse: bool) -> None:
    messages = [make_float32(i) for i in range(1000)]
    messages[500] = b"bad"
    samples = make_decoder("std_msgs/msg/Float32", {}).decode(messages[::-1] if reverse else messages)
    expected = [i for i in range(1000) if i != 500]
    assert samples.values[:, 0].tolist() == (expected[::-1] if reverse else expected)
    assert samples.kept.tolist() == [i for i in range(1000) if i != (499 if reverse else 500)]
    assert [position for position, _ in samples.errors] == [499 if reverse else 500]


def test_more_layouts_than_are_remembered() -> None:
    messages = [make_joint_state(["a", f"j{i % 37}"], [float(i), 0.5]) for i in range(200)]
    samples = make_decoder("sensor_msgs/msg/JointState", {"channels": ["position.a", "position.j3"]}).decode(messages)
    assert samples.values[:, 0].tolist() == list(range(200))
    assert np.flatnonzero(samples.values[:, 1] == 0.5).tolist() == list(range(3, 200, 37))


def test_nothing_to_decode() -> None:
    for type_name in MESSAGE_TYPES:
        decoder = _decoder(type_name)
        for buffers in ([], [b""], [b"", b"\x00\x01"]):
            samples = decoder.decode(buffers)
            assert samples.values.shape == (0, len(decoder.channels))
            assert samples.values.dtype == np.float64
            assert len(samples.errors) == len(buffers)
            assert len(samples.kept) == 0
            assert (samples.stamps is None) == (SCHEMAS[type_name].fields[0][0] != "header")


def test_errors_are_in_order() -> None:
    samples = make_decoder("std_msgs/msg/Float32", {}).decode([b"abc", b"", make_float32(1), b"abc", b""])
    assert [position for position, _ in samples.errors] == [0, 1, 3, 4]
    assert samples.kept.tolist() == [2]


def test_types_without_header_have_no_stamps() -> None:
    samples = make_decoder("std_msgs/msg/Bool", {}).decode([make_bool(True), make_bool(False), b"\x00\x01\x00\x00\x80"])
    assert samples.stamps is None
    assert samples.values.tolist() == [[1.0], [0.0], [1.0]]


def test_stamps_are_whole_nanoseconds() -> None:
    stamps = [0, 1, 1_700_000_000_123_456_789, -(10**9) + 5, (2**31 - 1) * 10**9 + 999_999_999]
    samples = make_decoder("sensor_msgs/msg/Temperature", {}).decode([make_temperature(1, stamp_ns=s) for s in stamps])
    assert samples.stamps is not None
    assert samples.stamps.dtype == np.int64
    assert samples.stamps.tolist() == stamps


def test_buffers_may_be_views() -> None:
    messages = [memoryview(make_float32(i)) for i in range(3)]
    assert make_decoder("std_msgs/msg/Float32", {}).decode(messages).values.ravel().tolist() == [0.0, 1.0, 2.0]


def test_signalling_nan_warns_of_nothing() -> None:
    signalling = struct.pack("<I", 0x7F800001)
    scan = make_scan(np.ones(8))
    data = np.frombuffer(signalling, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = make_decoder("std_msgs/msg/Float32", {}).decode([b"\x00\x01\x00\x00" + signalling]).values
        assert math.isnan(values[0, 0])
        for place in range(24, len(scan) - 3, 4):
            damaged = scan[:place] + data.tobytes() + scan[place + 4 :]
            make_decoder("sensor_msgs/msg/LaserScan", SECTOR_OPTIONS).decode([damaged])


def test_imu_channels_and_withdrawn_quantities() -> None:
    known, absent = (0.0,) * 9, (-1.0,) + (0.0,) * 8
    messages = [
        make_imu(
            orientation=(1, 2, 3, 4),
            angular_velocity=(5, 6, 7),
            linear_acceleration=(8, 9, 10),
            orientation_covariance=absent if i == 1 else known,
            angular_velocity_covariance=absent if i == 2 else known,
            linear_acceleration_covariance=absent if i == 3 else known,
        )
        for i in range(4)
    ]
    decoder = make_decoder("sensor_msgs/msg/Imu", {})
    assert decoder.channels == tuple(
        f"{quantity}.{axis}"
        for quantity, axes in (("orientation", "xyzw"), ("angular_velocity", "xyz"), ("linear_acceleration", "xyz"))
        for axis in axes
    )
    expected = np.tile(np.arange(1.0, 11.0), (4, 1))
    expected[1, :4] = expected[2, 4:7] = expected[3, 7:] = math.nan
    np.testing.assert_array_equal(decoder.decode(messages).values, expected)

    chosen = make_decoder("sensor_msgs/msg/Imu", {"channels": ["linear_acceleration.z", "orientation.x"]})
    np.testing.assert_array_equal(chosen.decode(messages).values, expected[:, [9, 0]])


def test_odometry_and_twist_channels() -> None:
    odometry = make_decoder("nav_msgs/msg/Odometry", {})
    message = make_odometry(position=(1, 2, 3), orientation=(4, 5, 6, 7), linear=(8, 9, 10), angular=(11, 12, 13))
    assert dict(zip(odometry.channels, odometry.decode([message]).values[0], strict=True)) == {
        **{f"pose.position.{axis}": i for i, axis in enumerate("xyz", 1)},
        **{f"pose.orientation.{axis}": i for i, axis in enumerate("xyzw", 4)},
        **{f"twist.linear.{axis}": i for i, axis in enumerate("xyz", 8)},
        **{f"twist.angular.{axis}": i for i, axis in enumerate("xyz", 11)},
    }
    twist = make_decoder("geometry_msgs/msg/TwistStamped", {})
    assert twist.channels == ("linear.x", "linear.y", "linear.z", "angular.x", "angular.y", "angular.z")
    assert twist.decode([make_twist_stamped((1, 2, 3), (4, 5, 6))]).values.tolist() == [[1, 2, 3, 4, 5, 6]]


def test_joints_are_found_by_name() -> None:
    decoder = make_decoder(
        "sensor_msgs/msg/JointState",
        {"channels": ["velocity.left", "position.left", "effort.left", "position.arm.elbow"]},
    )
    samples = decoder.decode(
        [
            make_joint_state(["left", "right"], [1, 2], [3, 4], [5, 6]),
            make_joint_state(["right", "left"], [1, 2], [3, 4]),
            make_joint_state(["right", "left"], [1], [3, 4], [5]),
            make_joint_state(["arm.elbow"], [9]),
            make_joint_state([]),
        ]
    )
    nan = math.nan
    expected = [[3, 1, 5, nan], [4, 2, nan, nan], [4, nan, nan, nan], [nan, nan, nan, 9], [nan] * 4]
    np.testing.assert_array_equal(samples.values, expected)
