# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The offsets of chosen numbers in a message of any type.

A schema and paths are compiled once into a walk along the message. Runs of fields whose size depends on the alignment
only are skipped at once, however long they are. What is left to do for each message are its strings and sequences.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, Union

import numpy as np

from obstacle_classifier.sensing.cdr import Bytes, DecodeError, Field, Layout
from obstacle_classifier.sensing.field_path import FieldPath, PathError
from obstacle_classifier.sensing.schema import Array, Primitive, Schema, Sequence, String, Struct, WString

__all__ = ["FieldLayout", "Walk", "minimum_size", "plain_sizes", "repeat"]

_Wanted: TypeAlias = Union["dict[str | int, _Wanted]", "list[int]"]
_Step: TypeAlias = "Callable[[_Cursor], None]"

_HEAD = 4  # bytes of the encapsulation header; alignment counts from its end
_ORDERS = {b"\x00\x00": ">", b"\x00\x01": "<"}
_MAX_TRAILING = 3  # bytes; a serialiser may pad the message to a multiple of 4
_MAX_ALIGNMENT = 8


@dataclass(frozen=True, eq=False)
class FieldLayout(Layout):
    """A layout with the chosen fields only.

    Attributes:
        channels: The chosen fields, None for an item that the message does not have.
    """

    channels: tuple[Field | None, ...]


class Walk:
    """Finds fields in the messages of a type.

    Args:
        schema: The type.
        paths: The fields, as `resolve_path` gives them.
        stamped: Whether to find the stamp of the field `header`, too.

    Raises:
        PathError: A field lies behind a wstring, whose size depends on the DDS vendor.
    """

    def __init__(self, schema: Struct, paths: Iterable[FieldPath], stamped: bool = False) -> None:
        wanted: dict[str | int, _Wanted] = {}
        chosen = list(paths)
        stamp: list[FieldPath] = [("header", "stamp", "sec"), ("header", "stamp", "nanosec")] if stamped else []
        for number, path in enumerate([*chosen, *stamp]):
            node = wanted
            for step in path[:-1]:
                node = node.setdefault(step, {})  # type: ignore[assignment]
            node.setdefault(path[-1], []).append(number)  # type: ignore[union-attr]
        self._count, self._stamped = len(chosen), stamped
        self._total = len(chosen) + len(stamp)
        self._run = _Compiler().locate(schema, wanted)

    def layout(self, data: Bytes) -> FieldLayout:
        """The layout of one message.

        Raises:
            DecodeError: The bytes are not a message of this type.
        """
        cursor = _Cursor(data, self._total)
        try:
            self._run(cursor)
        except _WideStringError:
            pass
        except DecodeError as error:
            raise DecodeError(f"{'.'.join(cursor.path)}: {error}" if cursor.path else str(error)) from None
        else:
            if cursor.position + _MAX_TRAILING < cursor.end:
                raise DecodeError(f"message ends at {cursor.position}, {cursor.end - cursor.position} bytes follow")
        columns = np.array(cursor.columns, np.intp)
        fields = cursor.fields
        root = {}
        if self._stamped:
            seconds, nanoseconds = fields[-2:]
            assert seconds is not None
            assert nanoseconds is not None
            root["header"] = {"stamp": {"sec": seconds, "nanosec": nanoseconds}}
        structure = np.frombuffer(data, np.uint8)[columns].tobytes()
        return FieldLayout(cursor.end, root, columns, structure, tuple(fields[: self._count]))  # type: ignore[arg-type]


class _WideStringError(Exception):
    """The walk met a wstring: the place of all fields after it is not known, and none of them is wanted."""


class _Cursor:
    """A place in a message, the fields found so far, and the bytes that decide where they are."""

    __slots__ = ("columns", "data", "end", "fields", "order", "path", "position")

    def __init__(self, data: Bytes, count: int) -> None:
        order = _ORDERS.get(bytes(data[:2])) if len(data) >= _HEAD else None
        if order is None:
            raise DecodeError(f"encapsulation header: found {bytes(data[:4]).hex(' ')!r}, expected '00 00' or '00 01'")
        self.data, self.end, self.order, self.position = data, len(data), order, _HEAD
        self.columns = [0, 1]
        self.fields: list[Field | None] = [None] * count
        self.path: list[str] = []

    def advance(self, size: int) -> int:
        """Skip `size` bytes and return the offset of the first."""
        start = self.position
        if start + size > self.end:
            raise DecodeError(f"{size} bytes needed at {start}, {max(0, self.end - start)} left")
        self.position = start + size
        return start

    def length(self) -> int:
        """Read a length, which is part of the layout."""
        self.advance((_HEAD - self.position) % 4 + 4)
        start = self.position - 4
        self.columns += range(start, start + 4)
        return int(struct.unpack_from(self.order + "I", self.data, start)[0])


class _Compiler:
    """Turns a schema into steps along a message."""

    def __init__(self) -> None:
        self._wide = False  # whether a wstring may lie before the present place

    def locate(self, schema: Schema, wanted: _Wanted) -> _Step:
        """A step over a field that finds what is wanted inside."""
        if isinstance(wanted, list):
            assert isinstance(schema, Primitive)
            if self._wide:
                raise PathError("a field before the first wstring: its size depends on the DDS vendor")
            return _number(schema, wanted)
        if isinstance(schema, Struct):
            return self._struct(schema, wanted)
        assert isinstance(schema, Array | Sequence)
        return self._items(schema, wanted)

    def skip(self, schema: Schema) -> _Step:
        """A step over a field."""
        sizes = plain_sizes(schema)
        if sizes is not None:
            return lambda cursor: _skip_plain(cursor, sizes)
        if isinstance(schema, String):
            return _skip_string
        if isinstance(schema, WString):
            self._wide = True
            return _stop
        if isinstance(schema, Struct):
            return self._struct(schema, {})
        assert isinstance(schema, Array | Sequence)
        return self._items(schema, {})

    def _struct(self, schema: Struct, wanted: dict[str | int, _Wanted]) -> _Step:
        steps: list[tuple[str, _Step]] = []
        plain: list[tuple[str, Schema]] = []

        def flush() -> None:
            if plain:
                steps.append((plain[0][0], self.skip(Struct(tuple(plain)))))
                plain.clear()

        for name, child in schema.fields:
            if name not in wanted and plain_sizes(child) is not None:
                plain.append((name, child))
                continue
            flush()
            steps.append((name, self.locate(child, wanted[name]) if name in wanted else self.skip(child)))
        flush()

        def run(cursor: _Cursor) -> None:
            for name, step in steps:
                cursor.path.append(name)
                step(cursor)
                cursor.path.pop()

        return run

    def _items(self, schema: Array | Sequence, wanted: dict[str | int, _Wanted]) -> _Step:
        """A step over the items of an array or sequence."""
        item, sizes, smallest = schema.item, plain_sizes(schema.item), minimum_size(schema.item)
        before = self._wide
        skip = self.skip(item)
        after, inside = self._wide, {}
        for index, own in wanted.items():
            assert isinstance(index, int)
            self._wide = after if index else before
            inside[index] = self.locate(item, own)
        self._wide = after
        fixed = schema.length if isinstance(schema, Array) else None

        def run(cursor: _Cursor) -> None:
            count = cursor.length() if fixed is None else fixed
            if count * smallest > cursor.end - cursor.position:
                raise DecodeError(
                    f"{count} items announced at {cursor.position}, {cursor.end - cursor.position} bytes left"
                )
            if sizes is None:
                for index in range(count):
                    inside.get(index, skip)(cursor)
                return
            start = cursor.position
            total = repeat(sizes, (start - _HEAD) % _MAX_ALIGNMENT, count)
            for index, find in inside.items():
                if index < count:
                    cursor.position = start + repeat(sizes, (start - _HEAD) % _MAX_ALIGNMENT, index)
                    find(cursor)
            cursor.position = start
            cursor.advance(total)

        return run


def _number(schema: Primitive, columns: list[int]) -> _Step:
    size = schema.size
    dtypes = {order: np.dtype(order + schema.code) for order in "<>"}

    def run(cursor: _Cursor) -> None:
        cursor.position += (_HEAD - cursor.position) % size
        field = Field(cursor.advance(size), dtypes[cursor.order])
        for column in columns:
            cursor.fields[column] = field

    return run


def _skip_plain(cursor: _Cursor, sizes: tuple[int, ...]) -> None:
    cursor.advance(sizes[(cursor.position - _HEAD) % _MAX_ALIGNMENT])


def _skip_string(cursor: _Cursor) -> None:
    length = cursor.length()
    start = cursor.advance(length)
    if length < 1 or cursor.data[start + length - 1] != 0:
        raise DecodeError(f"string of {length} bytes at {start} without its terminating zero")
    cursor.columns.append(start + length - 1)


def _stop(cursor: _Cursor) -> None:
    raise _WideStringError


@lru_cache(maxsize=4096)
def plain_sizes(schema: Schema) -> tuple[int, ...] | None:
    """Bytes of a field that begins at 0 to 7 modulo 8, padding before and inside included; None if they vary."""
    if isinstance(schema, Primitive):
        return tuple(-start % schema.size + schema.size for start in range(_MAX_ALIGNMENT))
    if isinstance(schema, Array):
        item = plain_sizes(schema.item)
        return item and tuple(repeat(item, start, schema.length) for start in range(_MAX_ALIGNMENT))
    if not isinstance(schema, Struct):
        return None
    totals = [0] * _MAX_ALIGNMENT
    for _, child in schema.fields:
        sizes = plain_sizes(child)
        if sizes is None:
            return None
        totals = [total + sizes[(start + total) % _MAX_ALIGNMENT] for start, total in enumerate(totals)]
    return tuple(totals)


def repeat(sizes: tuple[int, ...], start: int, count: int) -> int:
    """Bytes of `count` items one after the other, the first of which begins at `start` modulo 8.

    Args:
        sizes: Bytes of an item by the place of its beginning, modulo 8.
        start: 0 to 7.
        count: Number of items.
    """
    total = done = 0
    seen: dict[int, tuple[int, int]] = {}  # items and bytes when a place was first met
    while done < count:
        place = (start + total) % _MAX_ALIGNMENT
        if place in seen:
            items, size = done - seen[place][0], total - seen[place][1]
            rounds = (count - done) // items
            done, total = done + rounds * items, total + rounds * size
            seen.clear()
            continue
        seen[place] = done, total
        total += sizes[place]
        done += 1
    return total


def minimum_size(schema: Schema) -> int:
    """The fewest bytes of a field."""
    if isinstance(schema, Primitive):
        return schema.size
    if isinstance(schema, Array):
        return schema.length * minimum_size(schema.item)
    if isinstance(schema, Struct):
        return sum(minimum_size(child) for _, child in schema.fields)
    return 5 if isinstance(schema, String) else 4
