# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Truncated, mutated and random messages: decoded to the values of rosbags, or refused."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest

from obstacle_classifier.sensing import MESSAGE_TYPES, DecodeError, make_decoder, parse_message, parse_string
from obstacle_classifier.sensing.common_types import COMMON_TYPES
from obstacle_classifier.sensing.string import STRING_NAME
from test.helpers import reference
from test.helpers.messages import SCHEMAS, make_cloud, random_message

BUFFERS = 150_000
COMMON = {kind.name for kind in COMMON_TYPES}
TYPES = sorted(SCHEMAS)


def _mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One kind of damage, mostly near the beginning, where the lengths are."""
    damaged = bytearray(data)
    place = int(len(data) * rng.random() ** 2)
    kind = rng.integers(9)
    if kind == 0:
        return data[: rng.integers(len(data) + 1)]
    if kind == 1:
        return data + rng.bytes(int(rng.integers(1, 9)))
    if kind == 2:
        return data[: int(rng.integers(5))] + rng.bytes(int(rng.integers(0, 200)))
    if kind == 3:
        damaged[1] ^= 1
    elif kind == 4:
        damaged[place : place + 4] = rng.choice([b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x40"])
    elif kind == 5:
        place -= place % 4
        damaged[place : place + 4] = struct.pack(rng.choice(["<I", ">I"]), rng.integers(0, 70))
    elif kind == 6:
        for bit in rng.integers(0, 8 * len(data), rng.integers(1, 4)):
            damaged[bit // 8] ^= 1 << (bit % 8)
    elif kind == 7:
        del damaged[place : place + int(rng.integers(1, 9))]
    else:
        damaged[place:place] = rng.bytes(int(rng.integers(1, 9)))
    return bytes(damaged)


def _hostile_messages(type_name: str, count: int, rng: np.random.Generator) -> list[bytes]:
    stamps = rng.integers(0, 2**60, 20)
    pool = [
        random_message(type_name, rng, stamp_ns=int(stamp), little_endian=bool(stamp % 3), old_ranges=True)
        for stamp in stamps
    ]
    return [_mutated(pool[rng.integers(len(pool))], rng) for _ in range(count)]


@pytest.mark.parametrize("index", range(len(TYPES)), ids=TYPES)
def test_damaged_messages_read_as_rosbags_or_not_at_all(index: int) -> None:
    pytest.importorskip("rosbags")
    type_name = TYPES[index]
    count = BUFFERS // len(TYPES) + 1
    buffers = _hostile_messages(type_name, count, np.random.default_rng(index))
    readable = [position for position, data in enumerate(buffers) if _reads_as_rosbags(type_name, data)]
    assert 0.1 * count < len(readable) < 0.9 * count  # the damage is neither always fatal nor always harmless
    if type_name in MESSAGE_TYPES:
        _check_decoder(type_name, buffers, readable)


def _reads_as_rosbags(type_name: str, data: bytes) -> bool:
    """Whether the message can be read; the test fails if rosbags disagrees."""
    from rosbags.serde import SerdeError

    try:
        expected = reference.rosbags_deserialise(type_name, data)
    except SerdeError:
        with pytest.raises(DecodeError):
            parse_message(type_name, data)
        return False
    assert reference.same_message(type_name, parse_message(type_name, data), expected)
    return True


def _check_decoder(type_name: str, buffers: list[bytes], readable: list[int]) -> None:
    """A readable message has a row, equal to that of the message alone; every other message has an error."""
    options: dict[str, object] = {"channels": ["position.left", "effort.right"]} if "Joint" in type_name else {}
    if type_name.endswith(("LaserScan", "PointCloud2")):
        options = {"reduce": ["min", "max", "mean", "std", "count"], "max_range": 5.0}
    samples = make_decoder(type_name, options).decode(buffers)
    failed = [position for position, _ in samples.errors]
    assert sorted([*samples.kept, *failed]) == list(range(len(buffers)))
    if type_name.endswith("PointCloud2"):  # sizes that disagree are found in messages that parse
        assert set(samples.kept) <= set(readable)
    elif type_name in COMMON:  # strings are passed over unread
        not_text = {position for position, data in enumerate(buffers) if _is_not_text(type_name, data)}
        assert set(samples.kept) - not_text == set(readable)
    else:
        assert samples.kept.tolist() == readable
    alone = make_decoder(type_name, options)
    for row, position in enumerate(samples.kept[:300]):
        assert alone.decode([buffers[position]]).values.tobytes() == samples.values[row].tobytes()


def _is_not_text(type_name: str, data: bytes) -> bool:
    try:
        parse_message(type_name, data)
    except DecodeError as error:
        return "is not UTF-8" in str(error)
    return False


@pytest.mark.runtime
@pytest.mark.parametrize("type_name", TYPES)
def test_every_truncation_is_refused(type_name: str) -> None:
    data = random_message(type_name, np.random.default_rng(1), stamp_ns=5 * 10**9)
    read = parse_string if type_name == STRING_NAME else lambda part: parse_message(type_name, part)
    for size in range(len(data)):
        if type_name.endswith("/Range") and size >= len(data) - 4:
            continue  # it may end before its variance
        with pytest.raises(DecodeError):
            read(data[:size])


@pytest.mark.runtime
def test_declared_counts_allocate_nothing() -> None:
    scan = random_message("sensor_msgs/msg/LaserScan", np.random.default_rng(0))
    cloud = make_cloud(np.zeros((4, 3)))
    decoders = [make_decoder("sensor_msgs/msg/LaserScan", {}), make_decoder("sensor_msgs/msg/PointCloud2", {})]
    hostile = [
        [
            scan[:place] + struct.pack("<I", count) + scan[place + 4 :],
            cloud[:place] + struct.pack("<I", count) + cloud[place + 4 :],
        ]
        for count in (2**32 - 1, 2**31, 2**24)
        for place in range(12, 120, 4)
    ]
    tracemalloc.start()
    try:
        for messages in hostile:
            for decoder, message in zip(decoders, messages, strict=True):
                decoder.decode([message])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**20
