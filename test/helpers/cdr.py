"""Little-endian CDR of a few messages by hand, for tests that have neither ROS nor rosbags."""

from __future__ import annotations

import struct


def float32(value: float) -> bytes:
    """A std_msgs/msg/Float32."""
    return b"\x00\x01\x00\x00" + struct.pack("<f", value)


def float64(value: float) -> bytes:
    """A std_msgs/msg/Float64."""
    return b"\x00\x01\x00\x00" + struct.pack("<d", value)


def temperature(value: float, stamp: int = 0) -> bytes:
    """A sensor_msgs/msg/Temperature with an empty frame_id, stamped `stamp` ns."""
    header = struct.pack("<iII", stamp // 10**9, stamp % 10**9, 1) + b"\x00" + b"\x00" * 3
    return b"\x00\x01\x00\x00" + header + struct.pack("<dd", value, 0.0)
