# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The definition of a message type as text: the fields of .msg files, one type after the other.

    float32 voltage
    Cell[] cells
    ================================================================================
    MSG: my_msgs/Cell
    float32 temperature

Comments, constants and defaults may stand between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest

from obstacle_classifier.sensing.schema import (
    BOOL,
    FLOAT32,
    FLOAT64,
    HEADER,
    INT8,
    INT16,
    INT32,
    INT64,
    NOTHING,
    STRING,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    Array,
    Primitive,
    Schema,
    Sequence,
    String,
    Struct,
    WString,
)

__all__ = ["MAX_LENGTH", "SEPARATOR", "DefinitionError", "difference", "parse_definition"]

SEPARATOR = "=" * 80
MAX_LENGTH = 2**18
"""Most characters of a definition."""
MAX_DEPTH = 32
"""Most types within each other."""
MAX_FIELDS = 20_000
"""Most fields of a type, those of nested types included; an array counts as one field."""
MAX_ITEMS = 2**31 - 1
"""Most items of a fixed array."""

_BASE: dict[str, Schema] = {
    "bool": BOOL,
    "byte": UINT8,
    "octet": UINT8,
    "char": UINT8,
    "int8": INT8,
    "uint8": UINT8,
    "int16": INT16,
    "uint16": UINT16,
    "int32": INT32,
    "uint32": UINT32,
    "int64": INT64,
    "uint64": UINT64,
    "float32": FLOAT32,
    "float64": FLOAT64,
    "string": STRING,
    "wstring": WString(),
}
_TIME = Struct((("sec", INT32), ("nanosec", UINT32)))
_COMMON: dict[str, Struct] = {
    "builtin_interfaces/Time": _TIME,
    "builtin_interfaces/Duration": _TIME,
    "std_msgs/Header": HEADER,
}
"""Types that a text may use without their definition."""
_ALIASES = {"time": "builtin_interfaces/Time", "duration": "builtin_interfaces/Duration", "Header": "std_msgs/Header"}
_FIELD = re.compile(
    r"(?P<type>[A-Za-z]\w*(?:/[A-Za-z]\w*){0,2})(?:<=\d{1,10})?"
    r"(?P<array>\[(?:(?P<length>\d{1,10})|<=\d{1,10})?\])?\s+(?P<name>[A-Za-z_]\w*)(?P<rest>\s.*)?\Z",
    re.ASCII,
)
_CONSTANT = re.compile(r"[A-Za-z]\w*(?:<=\d+)?\s+[A-Za-z_]\w*\s*=", re.ASCII)
_DIVIDER = re.compile(r"={3,}\s*\Z")
_Fields = list[tuple[str, str, "str | None"]]  # name, type and array of each field


class DefinitionError(ValueError):
    """A text that does not define a message type; it gives the line and the reason."""


@lru_cache(maxsize=256)
def parse_definition(text: str) -> Struct:
    """The fields of the first type of a text; comments, constants and defaults are left out.

    Raises:
        DefinitionError: A line is no field, a type is not defined or contains itself, or the type is too large.
    """
    if len(text) > MAX_LENGTH:
        raise DefinitionError(f"found {len(text)} characters, expected at most {MAX_LENGTH}")
    return _Builder(dict(_sections(text))).build("")[0]


def _sections(text: str) -> Iterator[tuple[str, _Fields]]:
    """Name and fields of each type; the name of the first is empty."""
    name: str = ""
    fields: _Fields = []
    expect_name = False
    for number, whole in enumerate(text.splitlines(), start=1):
        line = whole.partition("#")[0].strip() if not _CONSTANT.match(whole.strip()) else ""
        if _DIVIDER.match(line):
            yield name, fields
            fields, expect_name = [], True
        elif expect_name and line:
            if not line.startswith("MSG: "):
                raise DefinitionError(f"line {number}: found {line[:60]!r}, expected 'MSG: package/Type'")
            name, expect_name = _short(line.removeprefix("MSG: ").strip()), False
        elif line and not line.startswith("@"):
            match = _FIELD.match(line)
            if match is None:
                raise DefinitionError(f"line {number}: found {line[:60]!r}, expected a type and the name of a field")
            if any(match["name"] == before for before, _, _ in fields):
                raise DefinitionError(f"line {number}: found a second field {match['name']!r}")
            array = None if match["array"] is None else match["length"] or ""
            fields.append((match["name"], match["type"], array))
    yield name, fields


def _short(type_name: str) -> str:
    """`package/Type` of `package/msg/Type`."""
    return re.sub(r"/(msg|action|srv)/", "/", type_name)


class _Builder:
    """Puts the types of a text into each other."""

    def __init__(self, sections: dict[str, _Fields]) -> None:
        self._sections = sections
        self._built: dict[str, tuple[Struct, int, int]] = {}  # struct, number of fields and levels
        self._open: list[str] = []

    def build(self, name: str) -> tuple[Struct, int, int]:
        """The struct of a type, with its number of fields and levels."""
        if name in self._built:
            return self._built[name]
        if name in self._open:
            raise DefinitionError(f"type {name or 'itself'} contains itself")
        if len(self._open) >= MAX_DEPTH:
            raise DefinitionError(f"found more than {MAX_DEPTH} types within each other")
        self._open.append(name)
        fields: list[tuple[str, Schema]] = []
        size = levels = 0
        for field, kind, array in self._sections[name]:
            item, own, below = self._type(kind, name)
            levels = max(levels, below)
            size += own
            fields.append((field, _with_array(item, array, field)))
        if size > MAX_FIELDS or levels >= MAX_DEPTH:
            raise DefinitionError(
                f"found {size} fields in {levels + 1} levels, expected at most {MAX_FIELDS} in {MAX_DEPTH}"
            )
        self._open.pop()
        built = Struct(tuple(fields)) if fields else NOTHING, max(1, size), levels + 1
        self._built[name] = built
        return built

    def _type(self, kind: str, owner: str) -> tuple[Schema, int, int]:
        """A type by its name, with its number of fields and levels."""
        if kind in _BASE:
            return _BASE[kind], 1, 0
        name = _short(kind)
        ends = [each for each in self._sections if each.rpartition("/")[2] == name]
        own = [f"{owner.partition('/')[0]}/{name}", *ends[: len(ends) == 1]] if "/" not in name else [name]
        for each in (*own, _ALIASES.get(name, name)):
            if each in self._sections:
                return self.build(each)
            if each in _COMMON:
                return _COMMON[each], 2, 2
        raise DefinitionError(f"type {kind} is not defined")


def _with_array(item: Schema, array: str | None, field: str) -> Schema:
    assert isinstance(item, Primitive | String | WString | Struct)
    if array is None:
        return item
    if not array:
        return Sequence(item)
    if not 1 <= int(array) <= MAX_ITEMS:
        raise DefinitionError(f"field {field}: found an array of {array} items, expected 1 to {MAX_ITEMS}")
    return Array(item, int(array))


def difference(found: Schema, expected: Schema, path: str = "") -> str | None:
    """The first difference between two types in what is on the wire, in words; None if there is none.

    Names of fields count, names of types do not.
    """
    if isinstance(found, Struct) and isinstance(expected, Struct):
        for one, other in zip_longest(found.fields, expected.fields):
            if one is None:
                return f"found no field {_join(path, other[0])}, expected {describe(other[1])}"
            if other is None or one[0] != other[0]:
                where = f"expected {_join(path, other[0])}" if other else "expected none"
                return f"found field {_join(path, one[0])}, {where}"
            inner = difference(one[1], other[1], _join(path, one[0]))
            if inner is not None:
                return inner
        return None
    if isinstance(found, Array | Sequence) and type(found) is type(expected):
        if isinstance(found, Sequence) or found.length == expected.length:  # type: ignore[union-attr]
            return difference(found.item, expected.item, f"{path}[]")
    elif found == expected:
        return None
    return f"field {path}: found {describe(found)}, expected {describe(expected)}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_WORDS = {schema: name for name, schema in reversed(_BASE.items())} | {UINT8: "uint8"}


def describe(schema: Schema) -> str:
    """A type in words, such as `float64[36]`."""
    if isinstance(schema, Array):
        return f"{describe(schema.item)}[{schema.length}]"
    if isinstance(schema, Sequence):
        return f"{describe(schema.item)}[]"
    return "a message" if isinstance(schema, Struct) else _WORDS.get(schema, type(schema).__name__)
