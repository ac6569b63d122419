# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The layout of a CDR message: offsets and types of its fields.

A serialised ROS 2 message is a 4-byte encapsulation header and the fields in order. Each field is aligned to its own
size, counted from the end of the header (OMG CDR, formal/02-06-51, 9.3; DDSI-RTPS 10.2 for the header). The offset of a
field depends only on the lengths and strings before it. Messages with the same lengths and strings share one `Layout`;
a batch of them is read as the columns of a byte matrix.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.schema import Array, Optional, Primitive, Schema, Sequence, String, Struct

__all__ = ["Bytes", "DecodeError", "Field", "Layout", "Rows", "parse_layout", "read_message"]

Bytes: TypeAlias = "bytes | bytearray | memoryview"
Rows: TypeAlias = NDArray[np.uint8]
Node: TypeAlias = Union["Field", str, "list[Node]", "dict[str, Node]"]

_ENCAPSULATION = 4  # bytes; the representation identifier and two bytes of options
_BYTE_ORDER = {b"\x00\x00": ">", b"\x00\x01": "<"}
_MAX_TRAILING = 3  # bytes; a serialiser may pad the message to a multiple of 4
_SWAPPED = ">" if sys.byteorder == "little" else "<"


class DecodeError(ValueError):
    """Bytes that are not a message of the expected type; the text gives the position and the reason."""


@dataclass(frozen=True)
class Field:
    """A primitive or an array of primitives at the same offset in every message of a layout.

    Attributes:
        offset: Bytes from the start of the message.
        dtype: NumPy type with the byte order of the message, such as `<f8`.
        count: Number of elements of an array, None for a single value.
        value: The value if the schema makes it part of the layout, else None.
    """

    offset: int
    dtype: np.dtype[np.generic]
    count: int | None = None
    value: float | None = None

    def element(self, index: int) -> Field | None:
        """One element of an array; None beyond its end."""
        if self.count is None or not 0 <= index < self.count:
            return None
        return Field(self.offset + index * self.dtype.itemsize, self.dtype)

    def of(self, rows: Rows) -> NDArray[Any]:
        """The array in each of m messages: (m, count) in the byte order of the message, without a copy."""
        count = 1 if self.count is None else self.count
        return rows[:, self.offset : self.offset + count * self.dtype.itemsize].view(self.dtype)


@dataclass(frozen=True, eq=False)
class Layout:
    """Offsets and types of all fields of a message.

    Attributes:
        size: Bytes of the whole message.
        root: Fields by name; a string is its value, a struct a dict, a sequence of structs a list.
        columns: (s,) offsets of the bytes that determine the layout: byte order, lengths, strings, structural values.
        structure: Values of those s bytes.
    """

    size: int
    root: dict[str, Node]
    columns: NDArray[np.intp]
    structure: bytes

    def fits(self, rows: Rows) -> NDArray[np.bool_] | None:
        """Mask (m,) of the messages (m, size) that have this layout; None if all have it."""
        found = rows.take(self.columns, axis=1)
        if found.tobytes() == self.structure * len(rows):
            return None
        fit: NDArray[np.bool_] = (found == np.frombuffer(self.structure, np.uint8)).all(axis=1)
        return fit

    def node(self, path: str) -> Node:
        """The node at a dotted path, such as `header.frame_id`."""
        node: Node = self.root
        for name in path.split("."):
            if not isinstance(node, dict):
                raise KeyError(path)
            node = node[name]
        return node

    def __contains__(self, path: str) -> bool:
        try:
            self.node(path)
        except KeyError:
            return False
        return True

    def field(self, path: str) -> Field:
        """The primitive or array at a dotted path, such as `pose.pose.position.x`."""
        node = self.node(path)
        if not isinstance(node, Field):
            raise KeyError(path)
        return node


class _Parser:
    """Walks one message along its schema and records the offset of each field; checks every length before using it."""

    def __init__(self, data: Bytes) -> None:
        order = _BYTE_ORDER.get(bytes(data[:2])) if len(data) >= _ENCAPSULATION else None
        if order is None:
            raise DecodeError(f"encapsulation header: found {bytes(data[:4]).hex(' ')!r}, expected '00 00' or '00 01'")
        self.data = data
        self.end = len(data)
        self.order = order
        self.position = _ENCAPSULATION
        self.spans = [(0, 2)]
        self.path: list[str] = []  # the field being read

    def parse(self, schema: Schema) -> Node:
        if isinstance(schema, Primitive):
            return self._primitive(schema)
        if isinstance(schema, Struct):
            return self.parse_struct(schema)
        if isinstance(schema, String):
            return self._string()
        if isinstance(schema, Array):
            if isinstance(schema.item, Primitive):
                return self._run(schema.item, schema.length)
            items: list[Node] = [self.parse(schema.item) for _ in range(schema.length)]
            return items
        if isinstance(schema, Sequence):
            return self._sequence(schema)
        raise TypeError(f"{type(schema).__name__} outside a struct")

    def _align(self, size: int) -> None:
        self.position += (_ENCAPSULATION - self.position) % size

    def _room_for(self, item: Primitive) -> bool:
        return self.position + (_ENCAPSULATION - self.position) % item.size + item.size <= self.end

    def _take(self, size: int) -> int:
        """Skip `size` bytes and return the offset of the first."""
        start = self.position
        if start + size > self.end:
            raise DecodeError(f"{size} bytes needed at {start}, {max(0, self.end - start)} left")
        self.position = start + size
        return start

    def _primitive(self, item: Primitive) -> Field:
        size = item.size
        self._align(size)
        start = self._take(size)
        dtype = _dtype(self.order, item.code)
        if not item.structural:
            return Field(start, dtype)
        self.spans.append((start, start + size))
        return Field(start, dtype, value=struct.unpack_from(self.order + item.code, self.data, start)[0])

    def _run(self, item: Primitive, count: int) -> Field:
        if count:  # an empty sequence has no padding after it
            self._align(item.size)
        return Field(self._take(count * item.size), _dtype(self.order, item.code), count)

    def _length(self) -> int:
        self._align(4)
        start = self._take(4)
        self.spans.append((start, start + 4))
        return int(struct.unpack_from(self.order + "I", self.data, start)[0])

    def _string(self) -> str:
        length = self._length()
        start = self._take(length)
        if length < 1 or self.data[start + length - 1] != 0:
            raise DecodeError(f"string of {length} bytes at {start} without its terminating zero")
        self.spans.append((start, start + length))
        try:
            return bytes(self.data[start : start + length - 1]).decode()
        except UnicodeDecodeError as error:
            raise DecodeError(f"string at {start} is not UTF-8: {error.reason}") from None

    def _sequence(self, schema: Sequence) -> Node:
        length = self._length()
        if isinstance(schema.item, Primitive):
            return self._run(schema.item, length)
        smallest = 5 if isinstance(schema.item, String) else 1
        if length * smallest > self.end - self.position:
            raise DecodeError(f"{length} items announced at {self.position}, {self.end - self.position} bytes left")
        items: list[Node] = [self.parse(schema.item) for _ in range(length)]
        return items

    def parse_struct(self, schema: Struct) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        for name, child in schema.fields:
            self.path.append(name)
            if not isinstance(child, Optional):
                nodes[name] = self.parse(child)
            elif self._room_for(child.item):
                nodes[name] = self.parse(child.item)
            self.path.pop()
        return nodes


_DTYPES: dict[str, np.dtype[np.generic]] = {
    order + code: np.dtype(order + code) for order in "<>" for code in "?bBhHiIqQfd"
}


def _dtype(order: str, code: str) -> np.dtype[np.generic]:
    return _DTYPES[order + code]


def parse_layout(schema: Struct, data: Bytes) -> Layout:
    """The layout of one message.

    Raises:
        DecodeError: The bytes are not a message of this schema.
    """
    parser = _Parser(data)
    try:
        root = parser.parse_struct(schema)
    except DecodeError as error:
        raise DecodeError(f"{'.'.join(parser.path)}: {error}") from None
    if parser.position + _MAX_TRAILING < parser.end:
        raise DecodeError(f"message ends at {parser.position}, {parser.end - parser.position} bytes follow")
    columns = np.concatenate([np.arange(start, stop, dtype=np.intp) for start, stop in parser.spans])
    return Layout(parser.end, root, columns, np.frombuffer(data, np.uint8)[columns].tobytes())


def read_message(schema: Struct, data: Bytes) -> dict[str, object]:
    """Read all fields of one message.

    Returns:
        Values by field name: int, float, bool, str, list of str, nested dicts, lists of dicts, and arrays (n,) in
        native byte order.

    Raises:
        DecodeError: The bytes are not a message of this schema.
    """
    return {name: _value(node, data) for name, node in parse_layout(schema, data).root.items()}


def _value(node: Node, data: Bytes) -> object:
    if isinstance(node, str):
        return node
    if isinstance(node, list):
        return [_value(item, data) for item in node]
    if isinstance(node, dict):
        return {name: _value(item, data) for name, item in node.items()}
    if node.count is None:
        return struct.unpack_from(node.dtype.str[0].replace("|", "<") + node.dtype.char, data, node.offset)[0]
    array = np.frombuffer(data, node.dtype, node.count, node.offset)
    return array.byteswap().view(node.dtype.newbyteorder("=")) if node.dtype.str[0] == _SWAPPED else array
