# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Paths of numeric fields in a message: `twist.linear.x`, `pose.covariance[0]`, `cells[3].voltage`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import TypeAlias

from obstacle_classifier.sensing.schema import Array, Primitive, Schema, Sequence, Struct

__all__ = ["MAX_INDEX", "FieldPath", "PathError", "numeric_paths", "parse_path", "resolve_path"]

FieldPath: TypeAlias = "tuple[str | int, ...]"

MAX_INDEX = 99_999
"""Largest index of an item."""
_NEAR = 2000  # paths compared with a wrong one
_PATH = re.compile(r"[A-Za-z_]\w*(\[\d{1,5}\])?(\.[A-Za-z_]\w*(\[\d{1,5}\])?)*\Z", re.ASCII)
_STEP = re.compile(r"[A-Za-z_]\w*|\d+", re.ASCII)


class PathError(ValueError):
    """A path that names no numeric field; the text says what a valid one is."""


def parse_path(text: str) -> FieldPath:
    """The names and indices of a path.

    Raises:
        PathError: It is not of the form `name.name[index].name`.
    """
    if not _PATH.match(text):
        raise PathError("a field such as twist.linear.x or cells[3].voltage")
    return tuple(int(step) if step[0].isdigit() else step for step in _STEP.findall(text))


def resolve_path(schema: Struct, text: str) -> FieldPath:
    """The steps of a path to a number or bool of a message.

    Raises:
        PathError: The message has no such number.
    """
    path = parse_path(text)
    node: Schema = schema
    for place, step in enumerate(path):
        before = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path[:place]).lstrip(".")
        if isinstance(step, int):
            if not isinstance(node, Array | Sequence):
                raise PathError(f"no index, since {before} is not an array")
            if isinstance(node, Array) and step >= node.length:
                raise PathError(f"an index from 0 to {node.length - 1} for {before}")
            node = node.item
        else:
            if isinstance(node, Array | Sequence):
                raise PathError(f"an index such as {before}[0]")
            fields = dict(node.fields) if isinstance(node, Struct) else {}
            if step not in fields:
                raise PathError(_nearest(schema, text))
            node = fields[step]
    if isinstance(node, Array | Sequence):
        raise PathError(f"an index such as {text}[0]")
    if not isinstance(node, Primitive):
        raise PathError(f"a number, as {', '.join(islice((path for path, _ in numeric_paths(schema)), 3))}")
    return path


def _nearest(schema: Struct, text: str) -> str:
    known = [path for path, _ in islice(numeric_paths(schema), _NEAR)]
    near = get_close_matches(text, known, 3, 0.5) or known[:3]
    return f"a numeric field, such as {', '.join(near)}" if near else "a type with a numeric field, which this has not"


def numeric_paths(schema: Struct) -> Iterator[tuple[str, int | None]]:
    """The path of each number of a message in order, and the number of items of the arrays on the way.

    An array is listed by its first item. The number is the product of the lengths, None if one of them may differ from
    message to message, 1 without an array.
    """
    yield from _paths(schema, "", 1)


def _paths(node: Schema, path: str, count: int | None) -> Iterator[tuple[str, int | None]]:
    if isinstance(node, Primitive):
        yield path, count
    elif isinstance(node, Struct):
        for name, child in node.fields:
            yield from _paths(child, f"{path}.{name}" if path else name, count)
    elif isinstance(node, Array):
        if node.length:
            yield from _paths(node.item, f"{path}[0]", count and count * node.length)
    elif isinstance(node, Sequence):
        yield from _paths(node.item, f"{path}[0]", None)
