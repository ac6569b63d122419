# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Decode serialised sensor messages into named numbers, without ROS.

`make_decoder` returns the `Decoder` of a configured sensor; `parse_message` returns all fields of one message.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from obstacle_classifier.sensing.any_message import DEFINITION, PathExtraction, any_message_type
from obstacle_classifier.sensing.beams import BEAMS, scan_sectors
from obstacle_classifier.sensing.cdr import Bytes, DecodeError, read_message
from obstacle_classifier.sensing.common_types import COMMON_TYPES
from obstacle_classifier.sensing.decoder import Decoder, Samples
from obstacle_classifier.sensing.definition import DefinitionError, difference, parse_definition
from obstacle_classifier.sensing.field_path import numeric_paths
from obstacle_classifier.sensing.imu import IMU
from obstacle_classifier.sensing.joint_state import JOINT_STATE
from obstacle_classifier.sensing.laser_scan import LASER_SCAN
from obstacle_classifier.sensing.message_type import MessageType, OptionError, Options, ScanGeometry
from obstacle_classifier.sensing.odometry import ODOMETRY
from obstacle_classifier.sensing.point_cloud import POINT_CLOUD
from obstacle_classifier.sensing.range import RANGE
from obstacle_classifier.sensing.scalars import BOOL_TYPE, FLOAT32_TYPE, FLOAT64_TYPE, ILLUMINANCE, TEMPERATURE
from obstacle_classifier.sensing.schema import Struct
from obstacle_classifier.sensing.string import STRING_NAME, STRING_SCHEMA, parse_string
from obstacle_classifier.sensing.twist import TWIST_STAMPED

__all__ = [
    "BEAMS",
    "DEFINITION",
    "MESSAGE_TYPES",
    "STRING_NAME",
    "DecodeError",
    "Decoder",
    "DefinitionError",
    "MessageType",
    "OptionError",
    "Samples",
    "ScanGeometry",
    "Struct",
    "difference",
    "make_decoder",
    "message_type",
    "numeric_paths",
    "parse_definition",
    "parse_message",
    "parse_string",
    "scan_sectors",
]

MESSAGE_TYPES: Mapping[str, MessageType] = MappingProxyType(
    {
        message_type.name: message_type
        for message_type in (
            LASER_SCAN,
            RANGE,
            POINT_CLOUD,
            IMU,
            ODOMETRY,
            JOINT_STATE,
            TWIST_STAMPED,
            TEMPERATURE,
            ILLUMINANCE,
            FLOAT32_TYPE,
            FLOAT64_TYPE,
            BOOL_TYPE,
            *COMMON_TYPES,
        )
    }
)
"""The types whose channels and definitions are known, by name."""

_SCHEMAS = {name: message_type.schema for name, message_type in MESSAGE_TYPES.items()} | {STRING_NAME: STRING_SCHEMA}


def message_type(type_name: str, options: Options) -> MessageType:
    """The message type of a sensor: a known one, or any other by its definition in `options`.

    Args:
        type_name: ROS 2 name.
        options: The type's own keys in the sensors file. Without a definition of a type that is not known, channels can
            be named but not decoded.

    Raises:
        OptionError: The definition is invalid.
    """
    if type_name in MESSAGE_TYPES:
        return MESSAGE_TYPES[type_name]
    definition = options.get(DEFINITION)
    return any_message_type(type_name, None if definition is None else str(definition))


def make_decoder(type_name: str, options: Options) -> Decoder:
    """The decoder of a sensor.

    Args:
        type_name: A key of `MESSAGE_TYPES`, or another type with a definition in `options`.
        options: The type's own keys in the sensors file.

    Raises:
        OptionError: A key is unknown, a value is invalid, or the definition is missing.
    """
    kind = message_type(type_name, options)
    for key in options:
        if key not in kind.option_schema:
            raise OptionError(key, options[key], f"no such key, only {', '.join(kind.option_schema)}")
    if type_name not in MESSAGE_TYPES and DEFINITION not in options:
        raise OptionError("type", type_name, f"a {DEFINITION} of it, or one of {', '.join(MESSAGE_TYPES)}")
    extraction = kind.extraction(options)
    layout = extraction.layout if isinstance(extraction, PathExtraction) else None
    return Decoder(kind.schema, extraction, kind.geometry, layout)


def parse_message(type_name: str, data: Bytes) -> dict[str, object]:
    """All fields of one message, with the values that rosbags deserialises.

    Args:
        type_name: A key of `MESSAGE_TYPES`, or `std_msgs/msg/String`.
        data: The serialised message.

    Returns:
        Values by field name: int, float, bool, str, list of str, nested dicts, lists of dicts, arrays (n,).

    Raises:
        DecodeError: The bytes are not a message of this type.
        KeyError: An unknown type.
    """
    return read_message(_SCHEMAS[type_name], data)
