# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Whole rosbag2 files, MCAP and sqlite3, through `rosbags`."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from rosbags.interfaces import ConnectionExtRosbag2, MessageDefinitionFormat
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.storage_mcap import DECOMPRESSORS
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Reader

from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.decompression import MAX_UNPACKED, ZSTD_MAGIC, decompress_chunk, decompress_message
from obstacle_classifier.bags.recovery import recover
from obstacle_classifier.bags.storage import BATCH_BYTES, BATCH_MESSAGES, MAX_TIME, Channel, Messages, Span, Storage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from rosbags.interfaces import Connection

    from obstacle_classifier.bags.blocks import BlockStorage

__all__ = ["RosbagsFile"]

_LIMIT_LENGTH = 0  # SQLITE_LIMIT_LENGTH of https://www.sqlite.org/c3ref/c_limit_attached.html

# rosbags unpacks a whole chunk before it compares the size with the declared size. Its decompressors get the
# declared size as an argument; these use it as a limit.
DECOMPRESSORS.update({kind: partial(decompress_chunk, kind) for kind in ("lz4", "zstd")})


class RosbagsFile(Storage):
    """A file that `rosbags` opens. If `rosbags` then fails on a message, `recovery` reads the rest.

    Args:
        path: The file.
        name: The name of the file in problems; by default its path.

    Raises:
        DamageError: `rosbags` does not open the file.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self._path = path
        self._name = str(path) if name is None else name
        self._recovery: BlockStorage | None = None
        self._stack = ExitStack()
        self._closed = False
        self._own_problems: list[str] = []
        self.headless = False
        self.channels: dict[int, Channel]
        self.counts: dict[int, int]
        try:
            self._reader = self._stack.enter_context(Reader(path))
            storage = self._reader.storage
            if isinstance(storage, Sqlite3Reader) and storage.dbconn is not None:
                storage.dbconn.limit(_LIMIT_LENGTH, MAX_UNPACKED)  # an expression can declare any length
            self.channels = {c.id: _channel(c) for c in self._reader.connections}
            self.counts = {c.id: c.msgcount for c in self._reader.connections}
            count = self._reader.message_count
            # rosbags reports 0 for an MCAP file with a partial index.
            if not count or count != sum(self.counts.values()):
                raise DamageError("no messages in its index, or not all")
            self._span = (self._reader.start_time, self._reader.end_time - 1)
            if not 0 <= self._span[0] <= self._span[1] <= MAX_TIME:
                raise DamageError("impossible times")
        except Exception as error:  # rosbags raises AssertionError, KeyError, apsw.Error and others on damaged files
            self._stack.close()
            raise DamageError(str(error)) from None

    @property
    def span(self) -> tuple[int, int]:
        """Earliest and latest receive time in ns over all channels."""
        return self._span

    @property
    def problems(self) -> list[str]:
        """Parts that could not be read, one line each."""
        return self._own_problems + (self._recovery.problems if self._recovery else [])

    def batches(self, wanted: Collection[tuple[str, str]], span: Span | None = None) -> Iterator[Messages[bytes]]:
        """Messages of the wanted (topic, type) pairs in a span of time, a bounded number of bytes at a time."""
        first, stop = (-1, MAX_TIME + 1) if span is None else span
        if self._recovery is None:
            left = sum(self.counts[key] for key, channel in self.channels.items() if channel[:2] in wanted)
            try:
                for messages in self._read(wanted, span):
                    yield messages
                    left -= len(messages.times)
                    first = messages.times[-1] + 1
                if left <= 0 or span is not None:
                    return
                raise DamageError(f"{left} messages fewer than its index declares")
            except Exception as error:  # as above; no message of the failing time was yielded yet
                if self._closed:
                    return
                try:
                    self._recovery = recover(self._path, self._name)
                except (DamageError, OSError):
                    self._own_problems = [f"{self._name}: {' '.join(str(error).split())}"]
                    return
        yield from self._recovery.batches(wanted, (first, stop))

    def _read(self, wanted: Collection[tuple[str, str]], span: Span | None) -> Iterator[Messages[bytes]]:
        """The messages that `rosbags` gives; on an error, those before the time at which it happens."""
        connections = [c for c in self._reader.connections if (c.topic, c.msgtype) in wanted]
        if not connections:
            return
        topics: list[str] = []
        times: list[int] = []
        data: list[bytes] = []
        latest = -1
        size = ties = 0  # ties: size of the batch before the first message of the latest time
        try:
            for connection, time, recorded in self._reader.messages(connections, *(span or ())):
                topic, place = connection.topic, len(times)
                message = decompress_message(recorded) if recorded.startswith(ZSTD_MAGIC) else recorded
                if time != latest:
                    if not 0 <= time <= MAX_TIME:
                        raise DamageError(f"a message has an impossible time, {time} ns")
                    if size >= BATCH_BYTES or place >= BATCH_MESSAGES:
                        yield Messages(topics, times, data)
                        topics, times, data, size, place = [], [], [], 0, 0
                    latest, ties = time, size
                else:
                    if size + len(message) - ties > MAX_UNPACKED:
                        raise DamageError(f"the messages at {time} ns unpack to more than {MAX_UNPACKED} bytes")
                    while place and times[place - 1] == time and topics[place - 1] > topic:
                        place -= 1
                size += len(message)
                topics.insert(place, topic)
                times.insert(place, time)
                data.insert(place, message)
        except Exception:
            stop = bisect_left(times, latest)
            if stop:
                yield Messages(topics[:stop], times[:stop], data[:stop])
            raise
        if times:
            yield Messages(topics, times, data)

    def close(self) -> None:
        """Release the file."""
        self._closed = True
        self._stack.close()
        if self._recovery is not None:
            self._recovery.close()


def _channel(connection: Connection) -> Channel:
    """A connection as a channel.

    Raises:
        DamageError: It has no topic or type, or its messages are ROS 1 messages.
    """
    extension = connection.ext
    if not isinstance(connection.topic, str) or not isinstance(connection.msgtype, str):
        raise DamageError("a topic without name or type")
    if not isinstance(extension, ConnectionExtRosbag2) or extension.serialization_format == "ros1":
        raise DamageError("ROS 1 messages in a rosbag2 file")
    form = "ros2idl" if connection.msgdef.format == MessageDefinitionFormat.IDL else "ros2msg"
    encoding = str(extension.serialization_format)
    return Channel(connection.topic, connection.msgtype, encoding, connection.msgdef.data, form)
