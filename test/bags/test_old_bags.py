# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""ROS 1 bags of old recorders and old versions of rosbags."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.highlevel import AnyReader
from rosbags.rosbag1 import Writer

from obstacle_classifier.bags import Bag
from obstacle_classifier.errors import BagError
from test.helpers.bags import START, cdr, drives, truncate, write_bag

OLD_DEFINITION = """Header header
float64 temperature
float64 variance
================================================================================
MSG: {name}
uint32 seq
time stamp
string frame_id
"""


def declare_size(path: Path, size: int) -> None:
    """Overwrite the declared size of every chunk."""
    content = path.read_bytes()
    field = b"size="
    position = content.find(field)
    while position >= 0:
        start = position + len(field)
        content = content[:start] + struct.pack("<I", size) + content[start + 4 :]
        position = content.find(field, start + 4)
    path.write_bytes(content)


@pytest.mark.parametrize("compression", [None, "bz2", "lz4"])
@pytest.mark.parametrize("indexed", [True, False])
def test_chunks_that_declare_a_size_of_1_are_read(tmp_path: Path, compression: str | None, indexed: bool) -> None:
    path = write_bag(tmp_path / "run.bag", drives(60), "ros1", compression)
    declare_size(path, 1)
    with AnyReader([path]) as reader:
        expected = sorted((time, connection.topic) for connection, time, _ in reader.messages())
    if not indexed:
        truncate(path, path.stat().st_size - 20)
    with Bag(path) as bag:
        assert [(time, topic) for topic, time, _ in bag.messages()] == expected
        assert bool(bag.problems) is not indexed


def test_any_other_wrong_size_is_damage(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run.bag", drives(60), "ros1")
    declare_size(path, 2)
    with Bag(path) as bag:
        assert list(bag.messages()) == []
        assert any("it declares 2" in problem for problem in bag.problems)


@pytest.mark.parametrize("name", ["roslib/Header", "std_msgs/Header"])
def test_a_definition_with_the_old_name_of_the_header_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.bag"
    with Writer(path) as writer:
        connection = writer.add_connection(
            "/heat", "sensor_msgs/msg/Temperature", msgdef=OLD_DEFINITION.format(name=name), md5sum="0" * 32
        )
        writer.write(connection, START, struct.pack("<IIII3sdd", 7, 5, 6, 3, b"map", 21.5, 0.25))
    with Bag(path) as bag:
        header = {"stamp": {"sec": 5, "nanosec": 6}, "frame_id": "map"}
        expected = cdr("sensor_msgs/msg/Temperature", header=header, temperature=21.5, variance=0.25)
        assert list(bag.messages()) == [("/heat", START, expected)]
        assert bag.problems == []


@pytest.mark.parametrize("version", ["ROSRECORD V1.1", "ROSRECORD V1.2", "ROSBAG V1.2"])
def test_an_old_version_is_named(tmp_path: Path, version: str) -> None:
    path = tmp_path / "run.bag"
    path.write_bytes(f"#{version}\n".encode() + bytes(200))
    with pytest.raises(BagError) as caught:
        Bag(path)
    expected = "expected ROSBAG V2.0: `rosbag migrate` converts it"
    assert str(caught.value) == f"{path}: a bag of an old version, {version}, {expected}"
