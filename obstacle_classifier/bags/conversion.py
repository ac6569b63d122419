# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recorded messages to plain CDR: decompresses messages and converts ROS 1 messages to ROS 2."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.decompression import decompress_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from rosbags.interfaces.typing import Typesdict

__all__ = ["make_converter", "ros1_types"]

MAX_ITEMS = 256
"""Most items of all fixed arrays of strings and messages together in one ROS 1 message definition."""

_HEADER = "std_msgs/msg/Header"
_OLD_HEADER = re.compile(r"\broslib/Header\b")
"""The name of `std_msgs/Header` in bags from before ROS 1 Diamondback."""


def make_converter(type_name: str, encoding: str, definition: str) -> Callable[[bytes], bytes]:
    """A function that converts a channel's recorded bytes to CDR.

    It raises `DamageError` for bytes that are not a message of the type.

    Args:
        type_name: In ROS 2 form, `sensor_msgs/msg/Imu`.
        encoding: `cdr` or `ros1`.
        definition: Text of the ROS 1 message definition; not used for `cdr`.

    Raises:
        DamageError: The type or encoding is not known, so no message of the channel can be converted.
    """
    if not type_name:
        raise DamageError("the recording does not state its type")
    if encoding == "cdr":
        return decompress_message
    if encoding == "ros1":
        return _ros1_converter(type_name, definition)
    raise DamageError(f"its messages are encoded as {encoding!r}, expected 'cdr' or 'ros1'")


@lru_cache(maxsize=256)
def _ros1_converter(type_name: str, definition: str) -> Callable[[bytes], bytes]:
    store = get_typestore(Stores.EMPTY)
    types = ros1_types(type_name, definition)
    _check_arrays(types)
    try:
        store.register(types)
        store.get_msgdef(type_name)
    except Exception as error:  # a type that is not defined, and others
        raise DamageError(f"its message definition cannot be parsed ({_one_line(error)})") from None

    def convert(data: bytes) -> bytes:
        try:
            return bytes(store.ros1_to_cdr(data, type_name))
        except Exception as error:  # generated code: IndexError, AssertionError and others on damaged bytes
            raise DamageError(f"is not a {type_name} ({_one_line(error)})") from None

    return convert


def ros1_types(type_name: str, definition: str) -> Typesdict:
    """The types of a ROS 1 message definition, with the header of ROS 2 to which messages are converted.

    Raises:
        DamageError: It cannot be parsed.
    """
    try:
        types = get_types_from_msg(_OLD_HEADER.sub("std_msgs/Header", definition), type_name)
    except Exception as error:  # the parser raises errors of many types on a damaged definition
        raise DamageError(f"its message definition cannot be parsed ({_one_line(error)})") from None
    if _HEADER in types:  # `ros1_to_cdr` drops `seq` if the definition, as in ROS 2, has none
        types[_HEADER] = get_typestore(Stores.ROS2_JAZZY).fielddefs[_HEADER]
    return types


def _check_arrays(types: Typesdict) -> None:
    """Refuse long fixed arrays of strings or messages: rosbags generates code for each item.

    Raises:
        DamageError: Together they have more than `MAX_ITEMS` items.
    """
    items = 0
    for _, fields in types.values():
        for _, field in fields:
            if field[0] == Nodetype.ARRAY:
                item, length = field[1]
                items += length if item[0] == Nodetype.NAME or item[1][0] in ("string", "wstring") else 0
    if items > MAX_ITEMS:
        raise DamageError(
            f"its message definition has fixed arrays of {items} strings or messages, expected at most {MAX_ITEMS}"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
