# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Layouts and values of messages written byte by byte."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from obstacle_classifier.sensing import DecodeError, parse_message, parse_string
from obstacle_classifier.sensing.cdr import parse_layout, read_message
from obstacle_classifier.sensing.schema import BOOL, FLOAT32, FLOAT64, STRING, UINT8, UINT32, Optional, Sequence, Struct
from obstacle_classifier.sensing.schema import structural as fixed

pytestmark = pytest.mark.runtime

LITTLE, BIG = b"\x00\x01\x00\x00", b"\x00\x00\x00\x00"


def _temperature(order: str) -> bytes:
    """Header of 4 + 4 + 4 + 3 bytes, 1 of padding, then two doubles, counted from the end of the encapsulation."""
    header = struct.pack(f"{order}iII", -7, 500, 3) + b"ab\0" + b"\xee"
    return (LITTLE if order == "<" else BIG) + header + struct.pack(f"{order}dd", 21.5, 0.25)


@pytest.mark.parametrize("order", ["<", ">"])
def test_hand_written_message(order: str) -> None:
    assert parse_message("sensor_msgs/msg/Temperature", _temperature(order)) == {
        "header": {"stamp": {"sec": -7, "nanosec": 500}, "frame_id": "ab"},
        "temperature": 21.5,
        "variance": 0.25,
    }


def test_memoryview_and_bytearray_read_alike() -> None:
    data = _temperature("<")
    name = "sensor_msgs/msg/Temperature"
    assert parse_message(name, memoryview(data)) == parse_message(name, bytearray(data)) == parse_message(name, data)


@pytest.mark.parametrize(
    ("head", "valid"), [(b"\x00\x00", True), (b"\x00\x01", True), (b"\x00\x03", False), (b"\x01\x01", False)]
)
def test_encapsulation(head: bytes, valid: bool) -> None:
    data = head + b"\x12\x34" + b"\x01"  # the options say nothing
    if valid:
        assert parse_message("std_msgs/msg/Bool", data) == {"data": True}
    else:
        with pytest.raises(DecodeError, match=r"encapsulation header: found '0. 0. 12 34'"):
            parse_message("std_msgs/msg/Bool", data)


@pytest.mark.parametrize("excess", range(6))
def test_at_most_three_bytes_may_follow(excess: int) -> None:
    data = LITTLE + struct.pack("<f", 1.5) + b"\xaa" * excess
    if excess <= 3:
        assert parse_message("std_msgs/msg/Float32", data) == {"data": 1.5}
    else:
        with pytest.raises(DecodeError, match="message ends at 8"):
            parse_message("std_msgs/msg/Float32", data)


def test_any_non_zero_byte_is_true() -> None:
    assert parse_message("std_msgs/msg/Bool", LITTLE + b"\x07") == {"data": True}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (struct.pack("<I", 0), "without its terminating zero"),
        (struct.pack("<I", 3) + b"abc", "without its terminating zero"),
        (struct.pack("<I", 4) + b"ab\0", "4 bytes needed at 8, 3 left"),
        (struct.pack("<I", 2**32 - 1) + b"ab\0", "4294967295 bytes needed at 8, 3 left"),
        (struct.pack("<I", 3) + b"\xc3\x28\0", "not UTF-8"),
        (b"\x01\x00", "4 bytes needed at 4, 2 left"),
    ],
)
def test_bad_strings(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=f"data: .*{reason}"):
        parse_string(LITTLE + payload)


def test_strings_keep_inner_zeros_and_umlauts() -> None:
    text = "Fußgänger\0,trash_can"
    data = text.encode() + b"\0"
    assert parse_string(LITTLE + struct.pack("<I", len(data)) + data) == text


def test_error_names_the_field() -> None:
    with pytest.raises(DecodeError, match=r"^header\.stamp\.nanosec: 4 bytes needed at 8, 2 left$"):
        parse_message("sensor_msgs/msg/Imu", LITTLE + bytes(6))


def test_empty_sequence_is_not_followed_by_padding() -> None:
    schema = Struct((("numbers", Sequence(FLOAT64)), ("flag", UINT8)))
    assert parse_layout(schema, LITTLE + struct.pack("<IB", 0, 9)).field("flag").offset == 8
    data = LITTLE + struct.pack("<I4xdB", 1, 2.5, 9)
    assert parse_layout(schema, data).field("flag").offset == 20
    assert read_message(schema, data)["flag"] == 9


def test_sequence_of_structs_aligns_each_item() -> None:
    schema = Struct((("items", Sequence(Struct((("name", STRING), ("value", UINT8))))),))
    data = (
        LITTLE
        + struct.pack("<I", 2)
        + struct.pack("<I2sB", 2, b"a\0", 1)
        + b"\xee"
        + struct.pack("<I2sB", 2, b"b\0", 2)
    )
    assert read_message(schema, data) == {"items": [{"name": "a", "value": 1}, {"name": "b", "value": 2}]}


def test_arrays_are_native_whatever_the_sender() -> None:
    schema = Struct((("numbers", Sequence(FLOAT32)),))
    for order, head in (("<", LITTLE), (">", BIG)):
        numbers = read_message(schema, head + struct.pack(f"{order}I2f", 2, 1.0, -2.0))["numbers"]
        assert isinstance(numbers, np.ndarray)
        assert numbers.dtype == np.dtype(np.float32)
        assert numbers.dtype.isnative
        assert numbers.tolist() == [1.0, -2.0]


@pytest.mark.parametrize(("excess", "present"), [(0, False), (3, False), (4, True), (7, True)])
def test_optional_field_is_there_if_the_bytes_reach(excess: int, present: bool) -> None:
    schema = Struct((("value", FLOAT32), ("variance", Optional(FLOAT32))))
    assert ("variance" in read_message(schema, LITTLE + bytes(4 + excess))) is present


def test_layout_is_decided_by_lengths_strings_and_structural_values() -> None:
    schema = Struct((("name", STRING), ("flag", BOOL), ("step", fixed(UINT32)), ("value", FLOAT32)))

    def message(name: bytes, step: int, value: float, padding: bytes = b"\0") -> bytes:
        head = struct.pack("<I", len(name)) + name + b"\x01"
        return LITTLE + head + padding * (-len(head) % 4) + struct.pack("<If", step, value)

    layout = parse_layout(schema, message(b"a\0", 5, 1.0))
    assert layout.field("step").value == 5
    others = [
        message(b"a\0", 5, 2.0),
        message(b"a\0", 5, 1.0, b"\xff"),
        message(b"b\0", 5, 1.0),
        message(b"a\0", 6, 1.0),
    ]
    rows = np.frombuffer(b"".join(others), np.uint8).reshape(len(others), -1)
    fits = layout.fits(rows)
    assert fits is not None
    assert fits.tolist() == [True, True, False, False]
    assert layout.fits(rows[:2]) is None
    with pytest.raises(KeyError):
        layout.field("name")
    assert "name" in layout
    assert "other" not in layout
