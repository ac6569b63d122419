# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""ROS 2 messages as CDR bytes, built without ROS."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

__all__ = ["STRING", "Fields", "Message", "header", "serialise", "typestore", "xyz"]

STRING = "std_msgs/msg/String"

Fields = Mapping[str, Any]


class Message(NamedTuple):
    """One received message: topic, type, receive time (ns since the epoch) and CDR bytes."""

    topic: str
    type: str
    time: int
    data: bytes


@cache
def typestore() -> Typestore:
    """The message definitions of ROS 2 Jazzy."""
    return get_typestore(Stores.ROS2_JAZZY)


def serialise(type_name: str, fields: Fields) -> bytes:
    """CDR bytes of a message, given all its fields: nested messages as mappings, arrays as ndarrays."""
    return bytes(typestore().serialize_cdr(_build(type_name, fields), type_name))


def _build(type_name: str, fields: Fields) -> Any:
    nested = _nested(type_name)
    values = {name: _build(nested[name], value) if name in nested else value for name, value in fields.items()}
    return typestore().types[type_name](**values)


@cache
def _nested(type_name: str) -> dict[str, str]:
    """Types of the fields that are messages, by field name."""
    fields: Any = typestore().get_msgdef(type_name).fields
    return {name: str(kind[1]) for name, kind in fields if isinstance(kind[1], str)}


def header(stamp: int, frame: str) -> Fields:
    """The fields of a std_msgs/Header; `stamp` in ns."""
    return {"stamp": {"sec": stamp // 10**9, "nanosec": stamp % 10**9}, "frame_id": frame}


def xyz(values: Any) -> Fields:
    """The fields of a Vector3 or Point (three values) or of a Quaternion (four values)."""
    return dict(zip("xyzw", np.asarray(values, np.float64).tolist(), strict=False))
