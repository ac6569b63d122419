# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The schema of a message type: primitives, arrays, sequences, strings, structs."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "BOOL",
    "FLOAT32",
    "FLOAT64",
    "HEADER",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "NOTHING",
    "POSE",
    "QUATERNION",
    "STRING",
    "TWIST",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "VECTOR3",
    "Array",
    "Optional",
    "Primitive",
    "Schema",
    "Sequence",
    "String",
    "Struct",
    "WString",
    "structural",
]


@dataclass(frozen=True)
class Primitive:
    """A number or bool.

    Attributes:
        code: Type code, the same in `struct` and NumPy.
        structural: Whether its value is part of the layout; all messages of one layout then share it.
    """

    code: str
    structural: bool = False

    @property
    def size(self) -> int:
        """Size in bytes; equals the alignment."""
        return struct.calcsize(f"<{self.code}")


@dataclass(frozen=True)
class String:
    """A UTF-8 string, preceded by its length, which includes the terminating zero."""


@dataclass(frozen=True)
class WString:
    """A string of wide characters. DDS vendors and their versions differ in the bytes of a character."""


@dataclass(frozen=True)
class Array:
    """A fixed number of items, stored without a length."""

    item: Primitive | String | WString | Struct
    length: int


@dataclass(frozen=True)
class Sequence:
    """A variable number of items, preceded by the number."""

    item: Primitive | String | WString | Struct


@dataclass(frozen=True)
class Struct:
    """Named fields, in serialised order."""

    fields: tuple[tuple[str, Schema], ...]


@dataclass(frozen=True)
class Optional:
    """A last field that older versions of the type lack; present if enough bytes remain."""

    item: Primitive


Schema: TypeAlias = "Primitive | String | WString | Array | Sequence | Struct | Optional"


def structural(primitive: Primitive) -> Primitive:
    """The same primitive, with its value as part of the layout."""
    return Primitive(primitive.code, structural=True)


BOOL = Primitive("?")
INT8 = Primitive("b")
UINT8 = Primitive("B")
INT16 = Primitive("h")
UINT16 = Primitive("H")
INT32 = Primitive("i")
UINT32 = Primitive("I")
INT64 = Primitive("q")
UINT64 = Primitive("Q")
FLOAT32 = Primitive("f")
FLOAT64 = Primitive("d")
STRING = String()

HEADER = Struct((("stamp", Struct((("sec", INT32), ("nanosec", UINT32)))), ("frame_id", STRING)))
VECTOR3 = Struct((("x", FLOAT64), ("y", FLOAT64), ("z", FLOAT64)))
QUATERNION = Struct((("x", FLOAT64), ("y", FLOAT64), ("z", FLOAT64), ("w", FLOAT64)))
POSE = Struct((("position", VECTOR3), ("orientation", QUATERNION)))
TWIST = Struct((("linear", VECTOR3), ("angular", VECTOR3)))

NOTHING = Struct((("structure_needs_at_least_one_member", UINT8),))
"""A message without fields, which has one byte on the wire."""
