# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""rosbag2 sqlite3 files read row by row: damaged databases.

Rows are read in the order of their ids. At damage, reading goes on at the next readable row.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

from obstacle_classifier.bags.blocks import Block, BlockStorage
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.decompression import MAX_UNPACKED
from obstacle_classifier.bags.storage import Channel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from typing import Any

__all__ = ["ForeignDatabaseError", "SqliteFile"]

BLOCK_BYTES = 2**20
BLOCK_ROWS = 4096
_LAST_ROW = 2**63 - 1
_FAULTS = (sqlite3.Error, UnicodeError)  # UnicodeError: SQLite's own message quotes damaged text


class ForeignDatabaseError(DamageError):
    """A database that no recorder wrote."""


class SqliteFile(BlockStorage):
    """A rosbag2 database, whole or damaged.

    The file must end with a whole page; SQLite reads the missing part of a page as zeros.

    Args:
        path: The file; it is not changed.
        name: The name of the file in problems; by default its path.

    Raises:
        DamageError: It is not a rosbag2 database, or nothing in it can be read.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        super().__init__(path if name is None else name)
        if not path.stat().st_size:
            raise DamageError("empty, 0 bytes")
        try:
            self._database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
        except _FAULTS as error:
            raise DamageError(f"cannot be opened ({error})") from None
        if sys.version_info >= (3, 11):
            self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_UNPACKED)  # an expression can declare any length
        try:
            self._read_channels()
            self._index()
        except _FAULTS as error:
            self._database.close()
            raise DamageError(f"cannot be read ({error})") from None
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def load(self, block: Block, wanted: Collection[int]) -> list[tuple[int, int, bytes]]:
        """The readable messages of a range of rows."""
        messages: list[tuple[int, int, bytes]] = []
        keys = ",".join(str(int(key)) for key in wanted)
        columns = (
            f"topic_id, timestamp, CASE WHEN topic_id IN ({keys}) THEN data END"  # skips large data of other topics
        )
        for _, key, time, data in self._rows(columns, block.start, block.end - 1):
            if key in wanted and isinstance(time, int):
                if isinstance(data, bytes):
                    messages.append((key, time, data))
                else:
                    self.damage(f"the message at {time} ns has no data")
        return messages

    def _read_channels(self) -> None:
        try:
            views = self._database.execute("SELECT count(*) FROM sqlite_master WHERE type = 'view'").fetchone()[0]
        except _FAULTS as error:
            self.damage(f"{error}")
            # SQLite then opens a file that is shorter than its header says. SQLite's own recovery tool does the same.
            self._database.execute("PRAGMA writable_schema = ON")
            views = 0
        if views:  # a view can have rows without end
            raise ForeignDatabaseError(f"found {views} views, expected tables only")
        definitions = self._definitions()
        rows = self._database.execute("SELECT id, name, type, serialization_format FROM topics ORDER BY id")
        for key, topic, type_name, encoding in rows:
            if isinstance(key, int) and isinstance(topic, str) and isinstance(type_name, str):
                self.channels[key] = Channel(
                    topic, type_name, str(encoding), *definitions.get(type_name, ("", "ros2msg"))
                )

    def _definitions(self) -> dict[str, tuple[str, str]]:
        """Text and form of the definition of each type; none in files of older versions."""
        try:
            rows = self._database.execute(
                "SELECT topic_type, encoded_message_definition, encoding FROM message_definitions"
            ).fetchall()
        except _FAULTS:
            return {}
        return {kind: (text, form) for kind, text, form in rows if all(isinstance(x, str) for x in (kind, text, form))}

    def _index(self) -> None:
        """Group all rows into blocks without reading their data."""
        block: Block | None = None
        size = rows = 0
        for row, key, time, length in self._rows("topic_id, timestamp, length(data)", 0, _LAST_ROW):
            if key not in self.channels or not isinstance(time, int):
                self.damage(f"row {row} of its messages is damaged")
                continue
            if block is not None and (size > BLOCK_BYTES or rows >= BLOCK_ROWS):
                self.blocks.append(block)
                block = None
            if block is None:
                block, size, rows = Block(time, time, row, row + 1), 0, 0
            block = Block(min(block.first, time), max(block.last, time), block.start, row + 1)
            size, rows = size + (length or 0), rows + 1
            self.counts[key] += 1
        if block is not None:
            self.blocks.append(block)

    def _rows(self, columns: str, first: int, last: int) -> Iterator[tuple[Any, ...]]:
        """Id and columns of each readable row from `first` to `last`; other rows are reported and skipped."""
        while first <= last:
            try:
                for row in self._select(columns, first, last):
                    if row[0] < first:
                        raise sqlite3.DatabaseError("its rows are out of order")
                    first = row[0] + 1
                    yield row
                return
            except _FAULTS as error:  # noqa: PERF203
                self.headless |= not self.blocks and not self.counts
                following = self._next_readable(columns, first, last)
                part = "the end" if following > last else f"row {following}"
                self.damage(f"messages from row {first} to {part} cannot be read ({error})")
                first = following

    def _select(self, columns: str, first: int, last: int) -> sqlite3.Cursor:
        query = f"SELECT rowid, {columns} FROM messages WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
        return self._database.execute(query, (first, last))

    def _next_readable(self, columns: str, broken: int, last: int) -> int:
        """The first readable row after a broken one; `last` + 1 if there is none."""

        def readable(row: int) -> bool:
            try:
                found = self._select(columns, row, last).fetchone()
            except _FAULTS:
                return False
            return found is None or found[0] >= row

        if broken >= last:
            return last + 1
        step = 1
        while not readable(broken + step):
            step *= 2
            if broken + step > last:
                return last + 1
        low, high = broken + step // 2, broken + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if readable(middle) else (middle, high)
        return high
