# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""MCAP files put together record by record, as writers other than rosbags make them."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import pack, unpack_from

import lz4.frame  # type: ignore[import-untyped]

__all__ = ["MAGIC", "Record", "chunk", "joined", "plain_records", "save", "text"]

MAGIC = b"\x89MCAP0\r\n"
Record = tuple[int, bytes]
"""Operation code and body."""


def _records(content: bytes) -> Iterator[Record]:
    """The records of a part of an MCAP file."""
    position = 0
    while position < len(content):
        operation, length = unpack_from("<BQ", content, position)
        yield operation, content[position + 9 : position + 9 + length]
        position += 9 + length


def joined(parts: Iterable[Record]) -> bytes:
    """Records as bytes."""
    return b"".join(pack("<BQ", operation, len(body)) + body for operation, body in parts)


def plain_records(path: Path) -> list[Record]:
    """The schemas, channels and messages of a bag that rosbags wrote, out of their chunks."""
    content = (path / f"{path.name}.mcap").read_bytes()[len(MAGIC) : -len(MAGIC)]
    return [record for operation, body in _records(content) if operation == 6 for record in _records(body[40:])]


def text(value: str) -> bytes:
    """A string with its length before it."""
    return pack("<I", len(value)) + value.encode()


def chunk(parts: list[Record], checksum: bool = True) -> Record:
    """A chunk compressed with lz4."""
    times = [unpack_from("<Q", body, 6)[0] for operation, body in parts if operation == 5]
    plain = joined(parts)
    packed = lz4.frame.compress(plain)
    head = pack("<QQQI", min(times), max(times), len(plain), crc32(plain) if checksum else 0)
    return 6, head + text("lz4") + pack("<Q", len(packed)) + packed


def save(path: Path, parts: list[Record], profile: str = "ros2") -> Path:
    """An MCAP file of these records, with a footer but no summary."""
    whole = [(1, text(profile) + text("test")), *parts, (15, bytes(4)), (2, bytes(20))]
    path.write_bytes(MAGIC + joined(whole) + MAGIC)
    return path
