# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The definitions of message types: from a recording, from installed packages, or from the types of ROS 2 Jazzy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

from obstacle_classifier.bags.conversion import ros1_types
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.features import SensorSpec
from obstacle_classifier.sensing import DefinitionError, Struct, difference, parse_definition
from obstacle_classifier.sensing.definition import MAX_LENGTH, SEPARATOR

if TYPE_CHECKING:
    from rosbags.interfaces.typing import Typesdict

__all__ = ["definition_of", "definition_problem", "definition_text", "recorded_definition", "schema_of"]


_IDL = re.compile(r"^=+\nIDL: .*\n", re.MULTILINE)
"""The line before each type in a definition of several types."""


def schema_of(bag: Bag, topic: str) -> Struct | None:
    """The fields of a topic's messages; None if nothing tells them, or if they are too many."""
    text = definition_of(bag, topic)
    try:
        return None if text is None else parse_definition(text)
    except DefinitionError:
        return None


def definition_of(bag: Bag, topic: str) -> str | None:
    """The definition of a topic's type, as text: the recorded one, or else the installed one or that of ROS 2 Jazzy."""
    recorded = recorded_definition(bag, topic)
    if recorded is not None:
        return recorded
    return _known_definition(bag.topics[topic].type, os.environ.get("AMENT_PREFIX_PATH", ""))


def recorded_definition(bag: Bag, topic: str) -> str | None:
    """The definition that a recording carries for a topic; None if it has none that can be read."""
    kind = bag.topics[topic].type
    for text, form in bag.definitions(topic):
        try:
            return definition_text(_parsed(kind, text, form), kind)
        except DamageError:  # noqa: PERF203
            continue
    return None


def definition_problem(bag: Bag, topic: str, spec: SensorSpec) -> str | None:
    """The difference between a topic's recorded definition and the one that a sensor decodes by; None without one.

    Types with a decoder of their own are not compared: these decoders know the versions of their types.
    """
    if spec.lacks_definition:
        return None
    expected = spec.schema
    recorded = None if expected is None else recorded_definition(bag, topic)
    if expected is None or recorded is None:
        return None
    try:
        found = difference(parse_definition(recorded), expected)
    except DefinitionError as error:
        found = str(error)
    return found and f"its definition of {spec.type} differs from that of sensor {spec.name}: {found}"


@lru_cache(maxsize=256)
def _parsed(type_name: str, text: str, form: str) -> Typesdict:
    """The types of a recorded definition.

    Args:
        type_name: The first type.
        text: The definition.
        form: `ros1msg`, `ros2msg` or `ros2idl`.

    Raises:
        DamageError: It cannot be parsed.
    """
    if len(text) > MAX_LENGTH:
        raise DamageError(f"its message definition has {len(text)} characters, expected at most {MAX_LENGTH}")
    if form == "ros1msg":
        return ros1_types(type_name, text)
    try:
        if form != "ros2idl":
            return get_types_from_msg(text, type_name)
        return {name: own for part in _IDL.split(text) if part for name, own in get_types_from_idl(part).items()}
    except Exception as error:  # the parser raises errors of many types on a damaged definition
        raise DamageError(f"its message definition cannot be parsed ({' '.join(str(error).split())[:200]})") from None


def definition_text(types: Mapping[str, Any], type_name: str) -> str:
    """The definition of a type and of the types that it uses, in the form of `sensing.definition`.

    Raises:
        DamageError: A type is not defined.
    """
    known: Mapping[str, Any] = get_typestore(Stores.ROS2_JAZZY).fielddefs
    names = [type_name]
    parts: list[str] = []
    for name in names:
        definition = types.get(name) or known.get(name)
        if definition is None:
            raise DamageError(f"type {name} is not defined")
        lines = []
        for field, description in definition[1]:
            kind, array = _field(description)
            if "/" in kind and kind not in names:
                names.append(kind)
            lines.append(f"{kind.replace('/msg/', '/')}{array} {field}\n")
        head = "" if name == type_name else f"{SEPARATOR}\nMSG: {name.replace('/msg/', '/')}\n"
        parts.append(head + "".join(lines))
    return "".join(parts)


def _field(description: tuple[Any, Any]) -> tuple[str, str]:
    """Type and array of a field of rosbags: `float64`, `[36]`."""
    node, value = description
    if node == Nodetype.NAME:
        # rosbags takes wstring for the name of a message.
        return ("wstring" if str(value).endswith("/wstring") else str(value)), ""
    if node == Nodetype.BASE:
        return str(value[0]), ""
    kind, _ = _field(value[0])
    return kind, f"[{value[1]}]" if node == Nodetype.ARRAY else "[]"


@lru_cache(maxsize=256)
def _known_definition(type_name: str, prefixes: str) -> str | None:
    """The definition of an installed type, or of one of ROS 2 Jazzy; None if there is none.

    Args:
        type_name: The type.
        prefixes: AMENT_PREFIX_PATH.
    """
    types: dict[str, Any] = {}
    wanted = [type_name]
    for name in wanted:
        file = _installed_file(name, prefixes)
        if file is None:
            continue
        try:
            text = file.read_text(encoding="utf-8")
            own = _parsed(name, text, "ros2msg")
        except (OSError, UnicodeDecodeError, DamageError):
            continue
        types.update(own)
        wanted += [kind for kind in _used(own) if kind not in wanted]
    try:
        return definition_text(types, type_name)
    except DamageError:
        return None


def _used(types: Mapping[str, Any]) -> Iterator[str]:
    for _, fields in types.values():
        for _, description in fields:
            kind, _ = _field(description)
            if "/" in kind:
                yield kind


def _installed_file(type_name: str, prefixes: str) -> Path | None:
    """The .msg file of an installed type."""
    package, _, rest = type_name.partition("/")
    for prefix in prefixes.split(os.pathsep):
        file = Path(prefix, "share", package, f"{rest}.msg")
        if prefix and file.is_file():
            return file
    return None
