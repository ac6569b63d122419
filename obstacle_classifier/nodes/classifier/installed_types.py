# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The message types of installed packages: their classes, and their fields as a schema."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.sensing import Struct, difference
from obstacle_classifier.sensing import schema as s

__all__ = ["check_installed", "installed_schema", "message_class"]

_NUMBERS = {
    "boolean": s.BOOL,
    "octet": s.UINT8,
    "char": s.UINT8,
    "int8": s.INT8,
    "uint8": s.UINT8,
    "int16": s.INT16,
    "uint16": s.UINT16,
    "int32": s.INT32,
    "uint32": s.UINT32,
    "int64": s.INT64,
    "uint64": s.UINT64,
    "float": s.FLOAT32,
    "double": s.FLOAT64,
}


def message_class(type_name: str) -> type:
    """The rclpy class of a message type such as `sensor_msgs/msg/Imu`.

    Raises:
        ConfigError: Its package is not installed.
    """
    package, _, name = type_name.split("/")
    try:
        message_class: type = getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"message type {type_name}: cannot be loaded: {error}") from None
    return message_class


def check_installed(type_name: str, expected: Struct | None) -> None:
    """Refuse to read a type that is not installed, or is not what the model was trained on.

    Args:
        type_name: The type.
        expected: The fields that the model decodes by; None if every version of the type can be decoded.

    Raises:
        ConfigError: The package is not installed, or its type has other fields.
    """
    message_class(type_name)
    if expected is not None:
        found = difference(installed_schema(type_name), expected)
        if found is not None:
            raise ConfigError(f"message type {type_name}: the installed definition is not that of the model: {found}")


@cache
def installed_schema(type_name: str) -> Struct:
    """The fields of an installed type.

    Raises:
        ConfigError: It is not installed, or has a field of a type that messages do not have.
    """
    kind: Any = message_class(type_name)
    names = kind.get_fields_and_field_types()
    fields = tuple((name, _schema(slot, type_name)) for name, slot in zip(names, kind.SLOT_TYPES, strict=True))
    return Struct(fields) if fields else s.NOTHING


def _schema(slot: Any, owner: str) -> Any:
    """The schema of a field from its rosidl type, an instance of a class of `rosidl_parser.definition`."""
    kind = type(slot).__name__
    if kind == "Array":
        return s.Array(_schema(slot.value_type, owner), slot.size)
    if kind.endswith("Sequence"):
        return s.Sequence(_schema(slot.value_type, owner))
    if kind == "NamespacedType":
        return installed_schema("/".join(slot.namespaced_name()))
    if kind.endswith("WString"):
        return s.WString()
    if kind.endswith("String"):
        return s.STRING
    if kind == "BasicType" and slot.typename in _NUMBERS:
        return _NUMBERS[slot.typename]
    raise ConfigError(f"message type {owner}: has a field of a type that is not known")
