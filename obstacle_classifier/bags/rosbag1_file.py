# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""ROS 1 bag files (version 2.0), read chunk by chunk, whole or damaged.

`rosbags` keeps an index entry in memory for every message of a ROS 1 bag; this reader keeps the chunks only, and scans
a bag without an index, as a killed recorder leaves it. `rosbags` parses message definitions and converts to CDR.

Format: http://wiki.ros.org/Bags/Format/2.0. A record is a header and data, each preceded by its length (uint32). The
header is a list of `name=value` fields.
"""

from __future__ import annotations

import re
import struct
from itertools import chain, repeat
from os import SEEK_END
from struct import Struct
from typing import TYPE_CHECKING

from rosbags.typesys.msg import normalize_msgtype

from obstacle_classifier.bags.blocks import Block, BlockStorage
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.decompression import decompress_chunk
from obstacle_classifier.bags.storage import MAX_READ, Channel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = ["Rosbag1File"]

MAGIC = b"#ROSBAG V2.0\n"
MESSAGE, BAG_HEADER, CHUNK, CHUNK_INFO, CONNECTION = 2, 3, 5, 6, 7
UNKNOWN_SIZE = 1
"""Size of every chunk as rosbags before 0.9.22 declares it; no record fits into one byte."""
RUN = 2**20
"""Most bytes of consecutive messages outside chunks that form one block."""

_U32, _U64, _TIME, _PAIR = Struct("<I"), Struct("<Q"), Struct("<II"), Struct("<II")

Fields = dict[bytes, bytes]


class Rosbag1File(BlockStorage):
    """A ROS 1 bag, whole or damaged.

    The chunk list at the end of the file is used; without it, the file is scanned. A chunk that does not decompress is
    skipped. If the end of the file cuts a chunk off, the beginning of the chunk is read.

    Args:
        path: The file.
        name: The name of the file in problems; by default its path.

    Raises:
        DamageError: It is not a ROS 1 bag.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        super().__init__(path if name is None else name)
        self._file = path.open("rb")
        try:
            self._size = self._file.seek(0, SEEK_END)
            if self._at(0, len(MAGIC)) != MAGIC:
                raise DamageError(_other_magic(self._at(0, 2 * len(MAGIC))))
            try:
                self._read_index()
            except (DamageError, struct.error, ValueError, LookupError) as reason:
                self.damage(f"no usable index ({_text(reason)}), so the file was scanned")
                self.channels.clear()
                self.counts.clear()
                self.blocks.clear()
                self._scan()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def load(self, block: Block, wanted: Collection[int]) -> list[tuple[int, int, bytes]]:
        """The readable messages of a chunk, or of a run of messages outside chunks."""
        messages: list[tuple[int, int, bytes]] = []
        try:
            for operation, fields, data in self._open_block(block):
                if operation == MESSAGE and (key := _number(fields, b"conn")) in wanted:
                    messages.append((key, _time(fields[b"time"]), data))
        except (DamageError, struct.error, ValueError, LookupError, OSError) as reason:
            self.damage(f"from offset {block.start}: {_text(reason)}")
        return messages

    def _at(self, position: int, size: int) -> bytes:
        self._file.seek(position)
        return self._file.read(max(0, min(size, self._size - position, MAX_READ)))

    def _head(self, position: int) -> tuple[Fields, int, int]:
        """The header fields of the record at a position, and the begin and end of its data."""
        (length,) = _U32.unpack(self._at(position, 4))
        if position + 8 + length > self._size:
            raise DamageError("cut off")
        begin = position + 8 + length
        header = self._at(position + 4, length + 4)
        return _fields(header[:length]), begin, begin + int(_U32.unpack_from(header, length)[0])

    def _open_block(self, block: Block) -> Iterator[tuple[int, Fields, bytes]]:
        """The records of a chunk, or of a run of messages outside chunks."""
        fields, begin, end = self._head(block.start)
        if _operation(fields) != CHUNK:
            if block.end <= block.start:
                raise DamageError("the index points to another place than a chunk")
            return _records(self._at(block.start, block.end - block.start))
        data = self._at(begin, end - begin)
        kind, size = fields[b"compression"].decode(), _number(fields, b"size")
        known = None if size == UNKNOWN_SIZE else size
        return _records(decompress_chunk(kind, data, known, whole=len(data) == end - begin))

    def _connect(self, fields: Fields, data: bytes) -> None:
        """Add a connection record."""
        description = _fields(data)
        topic = fields[b"topic"].decode()
        self.channels[_number(fields, b"conn")] = Channel(
            "/" * topic.startswith("/") + "/".join(part for part in topic.split("/") if part),
            normalize_msgtype(description[b"type"].decode()),
            "ros1",
            description[b"message_definition"].decode(errors="replace"),
            "ros1msg",
        )

    def _read_index(self) -> None:
        """Fill `channels`, `counts` and `blocks` from the connections and chunk list at the end of the file."""
        fields, _, _ = self._head(len(MAGIC))
        if _operation(fields) != BAG_HEADER:
            raise DamageError("no bag header")
        if fields.get(b"encryptor"):
            raise DamageError("encrypted")
        position = _U64.unpack(fields[b"index_pos"])[0]
        if not position:
            raise DamageError("the recorder did not finish it")
        connections, chunks = _number(fields, b"conn_count"), _number(fields, b"chunk_count")
        for expected in chain(repeat(CONNECTION, connections), repeat(CHUNK_INFO, chunks)):
            fields, begin, end = self._head(position)
            if end > self._size:
                raise DamageError("cut off")
            if _operation(fields) != expected:
                raise DamageError("its index holds other records than declared")
            data = self._at(begin, end - begin)
            position = end
            if expected == CONNECTION:
                self._connect(fields, data)
                continue
            counts = [_PAIR.unpack_from(data, 8 * i) for i in range(_number(fields, b"count"))]
            for key, count in counts:
                self.counts[key] += count
            if counts:
                start = _U64.unpack(fields[b"chunk_pos"])[0]
                if not len(MAGIC) < start < self._size:
                    raise DamageError("its index points outside the file")
                self.blocks.append(Block(_time(fields[b"start_time"]), _time(fields[b"end_time"]), start, start))

    def _scan(self) -> None:
        """Fill `channels`, `counts` and `blocks` from the records, up to the first damage."""
        position = len(MAGIC)
        run: Block | None = None
        try:
            while position < self._size:
                fields, begin, end = self._head(position)
                operation = _operation(fields)
                if run is not None and (operation not in (MESSAGE, CONNECTION) or end - run.start > RUN):
                    self.blocks.append(run)
                    run = None
                if operation == CHUNK:
                    self._scan_chunk(position)
                if end > self._size:
                    raise DamageError("cut off")
                if operation == CONNECTION:
                    self._connect(fields, self._at(begin, end - begin))
                    run = run and run._replace(end=end)
                elif operation == MESSAGE:
                    time = _time(fields[b"time"])
                    self.counts[_number(fields, b"conn")] += 1
                    run = run or Block(time, time, position, end)
                    run = Block(min(run.first, time), max(run.last, time), run.start, end)
                position = end
        except (DamageError, struct.error, ValueError, LookupError, OSError) as reason:
            self.headless |= not self.blocks and run is None
            self.damage(f"from offset {position}: {_text(reason)}")
        if run is not None:
            self.blocks.append(run)

    def _scan_chunk(self, start: int) -> None:
        """Add the connections, counts and times of one chunk, up to the first damage."""
        times: list[int] = []
        try:
            for operation, fields, data in self._open_block(Block(0, 0, start, start)):
                if operation == CONNECTION:
                    self._connect(fields, data)
                elif operation == MESSAGE:
                    time = _time(fields[b"time"])
                    self.counts[_number(fields, b"conn")] += 1
                    times.append(time)
        except (DamageError, struct.error, ValueError, LookupError, OSError) as reason:
            self.headless |= not self.blocks and not times
            self.damage(f"from offset {start}: {_text(reason)}")
        if times:
            self.blocks.append(Block(min(times), max(times), start, start))


def _other_magic(beginning: bytes) -> str:
    """The reason why a file with this beginning is not read."""
    if not beginning:
        return "empty, 0 bytes"
    version = re.match(rb"#ROS(?:RECORD|BAG) V[0-9.]+", beginning)
    if version is None:
        return "not a ROS 1 bag of version 2.0: it begins with other bytes"
    return f"a bag of an old version, {version[0][1:].decode()}, expected ROSBAG V2.0: `rosbag migrate` converts it"


def _records(buffer: bytes) -> Iterator[tuple[int, Fields, bytes]]:
    """Operation, header fields and data of each record.

    Raises:
        DamageError: The last record is cut off.
    """
    position, size = 0, len(buffer)
    while position < size:
        if position + 8 > size:
            raise DamageError("cut off")
        begin = position + 8 + _U32.unpack_from(buffer, position)[0]
        if begin > size:
            raise DamageError("cut off")
        fields = _fields(buffer[position + 4 : begin - 4])
        position = begin + _U32.unpack_from(buffer, begin - 4)[0]
        if position > size:
            raise DamageError("cut off")
        yield _operation(fields), fields, buffer[begin:position]


def _fields(header: bytes) -> Fields:
    """The fields of a record header."""
    fields: Fields = {}
    position, size = 0, len(header)
    while position < size:
        (length,) = _U32.unpack_from(header, position)
        name, equals, value = header[position + 4 : position + 4 + length].partition(b"=")
        position += 4 + length
        if position > size or not equals:
            raise DamageError("a record header is damaged")
        fields[name] = value
    return fields


def _operation(fields: Fields) -> int:
    (value,) = fields[b"op"]
    return value


def _number(fields: Fields, name: bytes) -> int:
    return int(_U32.unpack(fields[name])[0])


def _time(value: bytes) -> int:
    """Nanoseconds of a ROS 1 time."""
    seconds, nanoseconds = _TIME.unpack(value)
    return int(seconds) * 10**9 + int(nanoseconds)


def _text(reason: Exception) -> str:
    return f"a record header lacks {reason}" if isinstance(reason, LookupError) else str(reason)
