# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""MCAP files read record by record: files without an index, out of order, or damaged.

Format: https://mcap.dev/spec. A record is an operation code (1 byte), a length (uint64) and that many bytes.
"""

from __future__ import annotations

import struct
from binascii import crc32
from os import SEEK_END
from struct import Struct
from typing import TYPE_CHECKING

from rosbags.typesys.msg import normalize_msgtype

from obstacle_classifier.bags.blocks import Block, BlockStorage
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.decompression import decompress_chunk
from obstacle_classifier.bags.storage import MAX_READ, MAX_TIME, Channel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = ["McapFile"]

MAGIC = b"\x89MCAP0\r\n"
FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, CHUNK_INDEX, STATISTICS, DATA_END = 2, 3, 4, 5, 6, 8, 11, 15
FORMS = ("ros1msg", "ros2msg", "ros2idl")
RUN = 2**20
"""Most bytes of consecutive messages outside chunks that form one block."""

_RECORD = Struct("<BQ")
_MESSAGE = Struct("<HIQQ")
_CHUNK = Struct("<QQQI")
_FOOTER = Struct("<BQQQI")
_U16, _U32, _U64 = Struct("<H"), Struct("<I"), Struct("<Q")


class McapFile(BlockStorage):
    """An MCAP file, whole or damaged.

    A complete chunk index in the summary is used; otherwise the file is scanned. A chunk that fails its checksum or
    does not decompress is skipped. If the end of the file cuts a chunk off, the beginning of the chunk is read.

    Args:
        path: The file.
        name: The name of the file in problems; by default its path.

    Raises:
        DamageError: It is not an MCAP file.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        super().__init__(path if name is None else name)
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._file = path.open("rb")
        try:
            self._size = self._file.seek(0, SEEK_END)
            if self._at(0, len(MAGIC)) != MAGIC:
                raise DamageError("not an MCAP file: it begins with other bytes" if self._size else "empty, 0 bytes")
            try:
                indexed = self._read_summary()
            except (DamageError, struct.error, ValueError) as reason:
                self.damage(f"no usable index ({reason}), so the file was scanned")
                indexed = False
            if not indexed:
                self._clear()
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
            records = self._at(block.start, block.end - block.start)
            if records[:1] == bytes([CHUNK]):
                _, length = _RECORD.unpack_from(records)
                if _RECORD.size + length < len(records):
                    raise DamageError("the index points to another place than a chunk")
                records = _open_chunk(records[_RECORD.size :])
            elif records[:1] not in (bytes([MESSAGE]), bytes([SCHEMA]), bytes([CHANNEL])):
                raise DamageError("the index points to another place than a chunk")
            for operation, start, end in _records(records):
                if operation == MESSAGE:
                    key, _, time, _ = _MESSAGE.unpack_from(records, start)
                    if self._possible(time) and key in wanted:
                        messages.append((key, time, records[start + _MESSAGE.size : end]))
        except (DamageError, struct.error, ValueError, OSError) as reason:
            self.damage(f"from offset {block.start}: {reason}")
        return messages

    def _at(self, position: int, size: int) -> bytes:
        self._file.seek(position)
        return self._file.read(max(0, min(size, self._size - position, MAX_READ)))

    def _clear(self) -> None:
        self._schemas.clear()
        self.channels.clear()
        self.counts.clear()
        self.blocks.clear()

    def _possible(self, time: int) -> bool:
        if time > MAX_TIME:
            self.damage(f"a message has an impossible time, {time} ns")
        return time <= MAX_TIME

    def _define(self, operation: int, body: bytes) -> None:
        """Add a schema or channel record."""
        if operation == SCHEMA:
            name, position = _string(body, 2)
            encoding, position = _string(body, position)
            (length,) = _U32.unpack_from(body, position)
            text = body[position + 4 : position + 4 + length].decode(errors="replace") if encoding in FORMS else ""
            self._schemas[_U16.unpack_from(body)[0]] = (normalize_msgtype(name) if name else "", text, encoding)
        elif operation == CHANNEL:
            key, schema = _U16.unpack_from(body)[0], _U16.unpack_from(body, 2)[0]
            topic, position = _string(body, 4)
            encoding, _ = _string(body, position)
            type_name, text, form = self._schemas.get(schema, ("", "", ""))
            self.channels[key] = Channel(topic, type_name, encoding, text, form)

    def _read_summary(self) -> bool:
        """Fill `channels`, `counts` and `blocks` from the summary; False if it is incomplete.

        Raises:
            DamageError: The file is cut off, or its summary is damaged.
        """
        tail = self._at(max(0, self._size - _FOOTER.size - len(MAGIC)), _FOOTER.size + len(MAGIC))
        if tail[_FOOTER.size :] != MAGIC or tail[0] != FOOTER:
            raise DamageError("cut off: no footer at its end")
        _, _, start, _, checksum = _FOOTER.unpack_from(tail)
        footer = self._size - len(tail)
        if not start:
            return False
        if not len(MAGIC) < start <= footer:
            raise DamageError("its footer points outside the file")
        summary = self._at(start, footer - start)
        if checksum and crc32(summary + tail[: _FOOTER.size - 4]) != checksum:
            raise DamageError("its summary fails the checksum")
        declared: tuple[int, int, int] | None = None
        chunks = 0
        for operation, begin, end in _records(summary):
            body = summary[begin:end]
            self._define(operation, body)
            if operation == CHUNK_INDEX:
                chunks += 1
                first, last, offset, length = Struct("<QQQQ").unpack_from(body)
                if offset + length > start:
                    raise DamageError("its index points outside the file's data")
                if first <= last <= MAX_TIME and last:
                    self.blocks.append(Block(first, last, offset, offset + length))
            elif operation == STATISTICS:
                messages, _, channels, _, _, chunk_count = Struct("<QHIIII").unpack_from(body)
                declared = (messages, channels, chunk_count)
                for position in range(46, 46 + _U32.unpack_from(body, 42)[0], 10):
                    self.counts[_U16.unpack_from(body, position)[0]] += _U64.unpack_from(body, position + 2)[0]
        # Messages may be outside chunks, and every part of the summary is optional.
        return declared == (sum(self.counts.values()), len(self.channels), chunks) and bool(chunks or not declared[0])

    def _scan(self) -> None:
        """Fill `channels`, `counts` and `blocks` from the records, up to the first damage."""
        position = len(MAGIC)
        run: Block | None = None
        try:
            while position < self._size:
                head = self._at(position, _RECORD.size)
                if len(head) < _RECORD.size:
                    raise DamageError("cut off")
                operation, length = _RECORD.unpack(head)
                begin, end = position + _RECORD.size, position + _RECORD.size + length
                if operation in (FOOTER, DATA_END):
                    break
                if operation == 0:
                    raise DamageError("no record where one should begin")
                if run is not None and operation not in (MESSAGE, SCHEMA, CHANNEL):
                    self.blocks.append(run)
                    run = None
                if operation == CHUNK:
                    self._scan_chunk(position, min(end, self._size))
                if end > self._size:
                    raise DamageError("cut off")
                if operation == MESSAGE:
                    key, _, time, _ = _MESSAGE.unpack(self._at(begin, _MESSAGE.size))
                    if self._possible(time):
                        self.counts[key] += 1
                        if run is not None and end - run.start <= RUN:
                            run = Block(min(run.first, time), max(run.last, time), run.start, end)
                        else:
                            if run is not None:
                                self.blocks.append(run)
                            run = Block(time, time, position, end)
                elif operation in (SCHEMA, CHANNEL):
                    self._define(operation, self._at(begin, length))
                    if run is not None:
                        run = run._replace(end=end)
                position = end
        except (DamageError, struct.error, ValueError, OSError) as reason:
            self.headless |= not self.blocks and run is None
            self.damage(f"from offset {position}: {reason}")
        if run is not None:
            self.blocks.append(run)

    def _scan_chunk(self, start: int, end: int) -> None:
        """Add the channels, counts and times of one chunk, up to the first damage."""
        times: list[int] = []
        try:
            body = self._at(start + _RECORD.size, end - start - _RECORD.size)
            records = _open_chunk(body)
            for operation, begin, stop in _records(records):
                if operation == MESSAGE:
                    key, _, time, _ = _MESSAGE.unpack_from(records, begin)
                    if self._possible(time):
                        self.counts[key] += 1
                        times.append(time)
                else:
                    self._define(operation, records[begin:stop])
        except (DamageError, struct.error, ValueError, OSError) as reason:
            self.headless |= not self.blocks and not times
            self.damage(f"from offset {start}: {reason}")
        if times:
            self.blocks.append(Block(min(times), max(times), start, end))


def _records(buffer: bytes) -> Iterator[tuple[int, int, int]]:
    """Operation, begin and end in the buffer of each record.

    Raises:
        DamageError: The last record is cut off.
    """
    position, size = 0, len(buffer)
    while position < size:
        if position + _RECORD.size > size:
            raise DamageError("cut off")
        operation, length = _RECORD.unpack_from(buffer, position)
        if operation == 0:
            raise DamageError("no record where one should begin")
        begin = position + _RECORD.size
        position = begin + length
        if position > size:
            raise DamageError("cut off")
        if operation == MESSAGE and length < _MESSAGE.size:
            raise DamageError("a message record is too short")
        yield operation, begin, position


def _string(body: bytes, position: int) -> tuple[str, int]:
    """A string and the position after it."""
    (length,) = _U32.unpack_from(body, position)
    text = body[position + 4 : position + 4 + length]
    if len(text) != length:
        raise DamageError("a record is cut off")
    return text.decode(), position + 4 + length


def _open_chunk(body: bytes) -> bytes:
    """The records of a chunk; the beginning if the chunk is cut off.

    Raises:
        DamageError: It does not decompress, or fails its checksum.
    """
    _, _, size, checksum = _CHUNK.unpack_from(body)
    kind, position = _string(body, _CHUNK.size)
    (length,) = _U64.unpack_from(body, position)
    data = body[position + 8 : position + 8 + length]
    whole = len(data) == length
    records = decompress_chunk(kind, data, size, whole=whole)
    if whole and checksum and crc32(records) != checksum:
        raise DamageError("a chunk fails its checksum")
    return records
