# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""MCAP files as other writers make them: without chunks, with lz4 and checksums, without a summary, unordered."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from struct import pack, unpack_from

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.rosbag2 import Reader

from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.rosbag1_file import Rosbag1File
from test.helpers.bags import START, cdr, corrupt, drives, string, write_bag
from test.helpers.mcap import MAGIC, Record, chunk, joined, plain_records, save, text


def read(path: Path) -> tuple[list[tuple[str, int, bytes]], list[str]]:
    with Bag(path) as bag:
        return list(bag.messages()), bag.problems


@pytest.fixture
def parts(tmp_path: Path) -> list[Record]:
    return plain_records(write_bag(tmp_path / "source", drives(300)))


@pytest.fixture
def expected(tmp_path: Path, parts: list[Record]) -> list[tuple[str, int, bytes]]:
    with Bag(tmp_path / "source") as bag:
        return list(bag.messages())


def test_without_chunks(tmp_path: Path, parts: list[Record], expected: list[tuple[str, int, bytes]]) -> None:
    assert read(save(tmp_path / "flat.mcap", parts)) == (expected, [])


def test_without_chunks_and_out_of_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rosbags` refuses such a file. Several runs of messages overlap in time."""
    monkeypatch.setattr("obstacle_classifier.bags.recovery.mcap_file.RUN", 2000)
    messages = [("/a", "std_msgs/msg/String", START + 1000 * i, string(str(i))) for i in range(300)]
    parts = plain_records(write_bag(tmp_path / "source", messages))
    random.Random(1).shuffle(parts[2:])
    head, tail = parts[:2], parts[2:]
    random.Random(1).shuffle(tail)
    path = save(tmp_path / "flat.mcap", head + tail)
    with Reader(path) as reader, pytest.raises(Exception, match="not in timestamp order"):
        list(reader.messages())
    assert read(path) == ([(topic, time, data) for topic, _, time, data in messages], [])


@pytest.mark.parametrize("channels", [True, False], ids=["channels", "no channels"])
def test_a_summary_that_lists_chunks_but_not_their_messages(
    tmp_path: Path, parts: list[Record], expected: list[tuple[str, int, bytes]], channels: bool
) -> None:
    """Any part of a summary is optional; `rosbags` finds no messages then."""
    chunks = [chunk(parts[i : i + 50]) for i in range(0, len(parts), 50)]
    content = MAGIC + joined([(1, text("ros2") + text("test"))])
    index = []
    for one in chunks:
        first, last = unpack_from("<QQ", one[1])
        head = pack("<QQQQ", first, last, len(content), 9 + len(one[1])) + pack("<IQ", 0, 0)
        index.append((8, head + text("lz4") + bytes(16)))
        content += joined([one])
    content += joined([(15, bytes(4))])
    summary = [part for part in parts if part[0] != 5] * channels + index
    footer = (2, pack("<QQI", len(content), 0, 0))
    path = tmp_path / "x.mcap"
    path.write_bytes(content + joined([*summary, footer]) + MAGIC)
    with Reader(path) as reader:
        assert list(reader.messages()) == []
    assert read(path) == (expected, [])


@pytest.mark.parametrize("profile", ["ros2", "", "x-other"])
def test_lz4_chunks_without_summary(
    tmp_path: Path, parts: list[Record], expected: list[tuple[str, int, bytes]], profile: str
) -> None:
    chunks = [chunk(parts[i : i + 50]) for i in range(0, len(parts), 50)]
    assert read(save(tmp_path / "x.mcap", chunks, profile)) == (expected, [])


def test_a_chunk_that_fails_its_checksum_is_left_out(
    tmp_path: Path, parts: list[Record], expected: list[tuple[str, int, bytes]]
) -> None:
    chunks = [chunk(parts[i : i + 50]) for i in range(0, len(parts), 50)]
    operation, body = chunks[2]
    chunks[2] = (operation, body[:24] + bytes(4 * [body[24] ^ 1]) + body[28:])
    got, problems = read(save(tmp_path / "x.mcap", chunks))
    lost = [message for message in expected if message not in got]
    assert len(lost) == 50
    assert got == [message for message in expected if message not in lost]
    assert len(problems) == 1
    assert problems[0].startswith(f"{tmp_path}/x.mcap: from offset ")
    assert problems[0].endswith("a chunk fails its checksum")


def test_the_beginning_lost_with_the_first_chunk_is_told(tmp_path: Path, parts: list[Record]) -> None:
    chunks = [chunk(parts[:6]), chunk(parts)]
    path = save(tmp_path / "x.mcap", chunks)
    corrupt(path, 100, 110)
    with Bag(path) as bag:
        assert bag.start_problem == "the beginning of x.mcap cannot be read"


def test_private_records_are_stepped_over(
    tmp_path: Path, parts: list[Record], expected: list[tuple[str, int, bytes]]
) -> None:
    path = save(tmp_path / "x.mcap", [chunk(parts[:-1]), (200, b"private"), *parts[-1:]])
    assert read(path) == (expected, [])


def test_an_impossible_time(tmp_path: Path, parts: list[Record], expected: list[tuple[str, int, bytes]]) -> None:
    operation, body = parts[-1]
    parts[-1] = (operation, body[:6] + pack("<QQ", 2**64 - 1, 0) + body[22:])
    got, problems = read(save(tmp_path / "x.mcap", parts))
    assert len(got) == len(expected) - 1
    assert problems == [f"{tmp_path}/x.mcap: a message has an impossible time, {2**64 - 1} ns"]


def test_ros1_messages_in_mcap(tmp_path: Path) -> None:
    source = write_bag(tmp_path / "run.bag", drives(30), "ros1")
    bag1 = Rosbag1File(source)
    ids = {key: number for number, key in enumerate(bag1.channels, 1)}
    parts: list[Record] = []
    for key, channel in bag1.channels.items():
        name = channel.type.replace("/msg/", "/")
        parts.append((3, pack("<H", ids[key]) + text(name) + text("ros1msg") + text(channel.definition)))
        parts.append((4, pack("<HH", ids[key], ids[key]) + text(channel.topic) + text("ros1") + pack("<I", 0)))
    for key, time, raw in bag1.load(bag1.blocks[0], bag1.channels):
        parts.append((5, pack("<HIQQ", ids[key], 0, time, time) + raw))
    bag1.close()
    with Bag(source) as bag:
        assert read(save(tmp_path / "x.mcap", parts, "ros1")) == (list(bag.messages()), [])


def test_an_encoding_that_cannot_be_read(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", [("/x", "std_msgs/msg/Bool", START, cdr("std_msgs/msg/Bool", data=True))])
    patch: Callable[[bytes], bytes] = lambda body: body.replace(text("cdr"), text("xml"))  # noqa: E731
    parts = [(operation, patch(body) if operation == 4 else body) for operation, body in plain_records(path)]
    with Bag(save(tmp_path / "x.mcap", parts)) as bag:
        assert list(bag.messages()) == []
        with pytest.raises(
            Exception, match="cannot be read: its messages are encoded as 'xml', expected 'cdr' or 'ros1'"
        ):
            bag.messages(["/x"])
