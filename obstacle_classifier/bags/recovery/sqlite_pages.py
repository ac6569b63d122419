# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""rosbag2 sqlite3 files read page by page: databases whose inner pages are lost.

SQLite reaches the rows of a table through inner pages. This reader looks at every page of the file and takes the rows
of all leaf pages, as `.recover` of SQLite's shell does.

Format: https://www.sqlite.org/fileformat2.html, sections 1.6 (pages), 2.1 (records).
"""

from __future__ import annotations

from array import array
from collections import Counter
from os import SEEK_END
from typing import TYPE_CHECKING, NamedTuple

from obstacle_classifier.bags.blocks import Block, BlockStorage
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.decompression import MAX_UNPACKED
from obstacle_classifier.bags.storage import MAX_TIME, Channel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = ["SqlitePages"]

MAGIC = b"SQLite format 3\0"
LEAF = 0x0D
"""First byte of a leaf page of a table. The first byte of an overflow page is 0 in files below 64 GiB."""
BLOCK_BYTES = 2**20
_HEADER = 100  # bytes before the first page's content

_Value = int | str | bytes | None


class _Cell(NamedTuple):
    """One row of a leaf page."""

    row: int
    types: tuple[int, ...]
    """Serial type of each column."""
    body: int
    """Bytes from the beginning of the payload to the first column."""
    size: int
    """Bytes of the payload."""
    start: int
    """Offset of the payload in the page."""


class SqlitePages(BlockStorage):
    """A rosbag2 database by its leaf pages. Rows that a crash left on unused pages are read too.

    Args:
        path: The file; it is not changed.
        name: The name of the file in problems; by default its path.

    Raises:
        DamageError: It is not a database, or no leaf page lists topics.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        super().__init__(path if name is None else name)
        self._file = path.open("rb")
        try:
            size = self._file.seek(0, SEEK_END)
            self._file.seek(0)
            header = self._file.read(_HEADER)
            self._page_size = int.from_bytes(header[16:18], "big")
            self._page_size = 65536 if self._page_size == 1 else self._page_size
            if not header.startswith(MAGIC) or self._page_size < 512 or header[20] > self._page_size - 480:
                raise DamageError("not a database")
            self._usable = self._page_size - header[20]
            self._pages = size // self._page_size
            self._leaves = array("Q")
            """Numbers of the pages with messages, in the order of their first rows."""
            self._index()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def load(self, block: Block, wanted: Collection[int]) -> list[tuple[int, int, bytes]]:
        """The readable messages of a range of leaf pages."""
        messages = []
        for number in self._leaves[block.start : block.end]:
            page = self._page(number)
            for cell, key, time in self._messages(page, number):
                if key not in wanted:
                    continue
                try:
                    payload = self._payload(page, cell, cell.size)
                except DamageError as reason:
                    self.damage(f"messages cannot be read: {reason}")
                else:
                    messages.append((key, time, _columns(cell, payload)[3]))
        return [(key, time, data) for key, time, data in messages if isinstance(data, bytes)]

    def _index(self) -> None:
        """Fill `channels`, `counts` and `blocks` from all leaf pages."""
        found: list[tuple[int, int, int, int, int]] = []  # first row, page, earliest and latest time, bytes
        counts: Counter[int] = Counter()
        for number in range(1, self._pages + 1):
            page = self._page(number)
            self._read_topics(page, number)
            rows = list(self._messages(page, number))
            if rows:
                times = [time for _, _, time in rows]
                size = sum(cell.size for cell, _, _ in rows)
                found.append((min(cell.row for cell, _, _ in rows), number, min(times), max(times), size))
                counts.update(key for _, key, _ in rows)
        if not self.channels:
            raise DamageError("no page of the file lists its topics")
        self.counts.update({key: count for key, count in counts.items() if key in self.channels})
        found.sort()
        self._leaves = array("Q", (number for _, number, _, _, _ in found))
        block: Block | None = None
        held = 0
        for place, (_, _, first, last, size) in enumerate(found):
            if block is not None and held > BLOCK_BYTES:
                self.blocks.append(block)
                block, held = None, 0
            block = block or Block(first, last, place, place + 1)
            block = Block(min(block.first, first), max(block.last, last), block.start, place + 1)
            held += size
        if block is not None:
            self.blocks.append(block)
        self.headless = not found or found[0][0] > 1
        self.damage("SQLite does not reach all rows, so all pages were searched")

    def _page(self, number: int) -> bytes:
        self._file.seek((number - 1) * self._page_size)
        return self._file.read(self._page_size)

    def _read_topics(self, page: bytes, number: int) -> None:
        """Add the topics that a page lists: rows of an id and the texts name, type and encoding."""
        for cell in self._cells(page, number):
            if len(cell.types) < 5 or cell.types[0] != 0 or not all(_is_text(kind) for kind in cell.types[1:4]):
                continue
            try:
                topic, kind, encoding = _columns(cell, self._payload(page, cell, cell.size))[1:4]
            except DamageError:
                continue
            # The table of message definitions has the type where this table has the name.
            if isinstance(topic, str) and isinstance(kind, str) and "/" in kind:
                self.channels[cell.row] = Channel(topic, kind, str(encoding), "")

    def _messages(self, page: bytes, number: int) -> Iterator[tuple[_Cell, int, int]]:
        """The messages that a page lists, with topic id and time in ns."""
        for cell in self._cells(page, number):
            if len(cell.types) != 4 or cell.types[0] != 0 or not _is_blob(cell.types[3]):
                continue
            if not (_is_integer(cell.types[1]) and _is_integer(cell.types[2])):
                continue
            head = cell.body + _width(cell.types[1]) + _width(cell.types[2])
            if head > min(cell.size, _local_size(cell.size, self._usable)):
                continue
            key, time = _columns(cell, page[cell.start : cell.start + head])[1:3]
            if isinstance(key, int) and isinstance(time, int) and 0 <= time <= MAX_TIME:
                yield cell, key, time

    def _cells(self, page: bytes, number: int) -> Iterator[_Cell]:
        """The rows of a page; none if it is not the leaf page of a table."""
        head = _HEADER if number == 1 else 0
        if len(page) < self._page_size or page[head] != LEAF:
            return
        count = int.from_bytes(page[head + 3 : head + 5], "big")
        for position in range(head + 8, head + 8 + 2 * count, 2):
            place = int.from_bytes(page[position : position + 2], "big")
            if position + 2 > self._usable or not head + 8 + 2 * count <= place < self._usable:
                return
            size, at = _varint(page, place)
            row, start = _varint(page, at)
            length, at = _varint(page, start)
            types: list[int] = []
            while at < start + length <= self._usable and len(types) < 16:
                kind, at = _varint(page, at)
                types.append(kind)
            if at == start + length and size <= MAX_UNPACKED and length + sum(map(_width, types)) == size:
                yield _Cell(row, tuple(types), length, size, start)

    def _payload(self, page: bytes, cell: _Cell, size: int) -> bytes:
        """The payload of a row, from its page and its chain of overflow pages.

        Raises:
            DamageError: The chain leaves the file.
        """
        local = _local_size(size, self._usable)
        parts = [page[cell.start : cell.start + local]]
        left = size - local
        following = int.from_bytes(page[cell.start + local : cell.start + local + 4], "big") if left else 0
        while left > 0:
            if not 1 < following <= self._pages:
                raise DamageError("parts of their data are beyond the end of the file")
            more = self._page(following)
            parts.append(more[4 : 4 + min(left, self._usable - 4)])
            left -= self._usable - 4
            following = int.from_bytes(more[:4], "big")
        return b"".join(parts)


def _local_size(size: int, usable: int) -> int:
    """Bytes of a payload on its leaf page, for a page of `usable` bytes."""
    if size <= usable - 35:
        return size
    smallest = (usable - 12) * 32 // 255 - 23
    local = smallest + (size - smallest) % (usable - 4)
    return local if local <= usable - 35 else smallest


def _columns(cell: _Cell, payload: bytes) -> list[_Value]:
    """The columns of a row as far as the payload reaches; real numbers are None."""
    values: list[_Value] = []
    position = cell.body
    for kind in cell.types:
        end = position + _width(kind)
        if end > len(payload):
            break
        data = payload[position:end]
        if _is_integer(kind):
            values.append(kind - 8 if kind in (8, 9) else int.from_bytes(data, "big", signed=True))
        elif _is_text(kind):
            values.append(data.decode(errors="replace"))
        else:
            values.append(data if _is_blob(kind) else None)
        position = end
    return values


def _width(kind: int) -> int:
    """Bytes of a column of a serial type."""
    return (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind]


def _is_integer(kind: int) -> bool:
    return 1 <= kind <= 6 or kind in (8, 9)


def _is_blob(kind: int) -> bool:
    return kind >= 12 and kind % 2 == 0


def _is_text(kind: int) -> bool:
    return kind >= 13 and kind % 2 == 1


def _varint(page: bytes, position: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and the position after it; 0 beyond the end of the page."""
    value = 0
    for index, byte in enumerate(page[position : position + 9], start=position + 1):
        if index == position + 9:
            return value << 8 | byte, index
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index
    return 0, len(page)
