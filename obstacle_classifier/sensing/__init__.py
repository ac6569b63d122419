# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Decode serialised sensor messages into named numbers, without ROS.

`make_decoder` returns the `Decoder` of a configured sensor; `parse_message` returns all fields of one message.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from obstacle_classifier.sensing.cdr import Bytes, DecodeError, read_message
from obstacle_classifier.sensing.decoder import Decoder, Samples
from obstacle_classifier.sensing.imu import IMU
from obstacle_classifier.sensing.joint_state import JOINT_STATE
from obstacle_classifier.sensing.laser_scan import LASER_SCAN
from obstacle_classifier.sensing.message_type import MessageType, OptionError, Options, ScanGeometry
from obstacle_classifier.sensing.odometry import ODOMETRY
from obstacle_classifier.sensing.point_cloud import POINT_CLOUD
from obstacle_classifier.sensing.range import RANGE
from obstacle_classifier.sensing.scalars import BOOL_TYPE, FLOAT32_TYPE, FLOAT64_TYPE, ILLUMINANCE, TEMPERATURE
from obstacle_classifier.sensing.sectors import Sectors
from obstacle_classifier.sensing.string import STRING_NAME, STRING_SCHEMA, parse_string
from obstacle_classifier.sensing.twist import TWIST_STAMPED

__all__ = [
    "MESSAGE_TYPES",
    "STRING_NAME",
    "DecodeError",
    "Decoder",
    "MessageType",
    "OptionError",
    "Samples",
    "ScanGeometry",
    "Sectors",
    "make_decoder",
    "parse_message",
    "parse_string",
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
        )
    }
)
"""The supported sensor types, by name."""

_SCHEMAS = {name: message_type.schema for name, message_type in MESSAGE_TYPES.items()} | {STRING_NAME: STRING_SCHEMA}


def make_decoder(type_name: str, options: Options) -> Decoder:
    """The decoder of a sensor.

    Args:
        type_name: A key of `MESSAGE_TYPES`.
        options: The type's own keys in the sensors file.

    Raises:
        OptionError: The type or a key is unknown, or a value is invalid.
    """
    message_type = MESSAGE_TYPES.get(type_name)
    if message_type is None:
        raise OptionError("type", type_name, f"one of {', '.join(MESSAGE_TYPES)}")
    for key in options:
        if key not in message_type.option_schema:
            raise OptionError(key, options[key], f"no such key, only {', '.join(message_type.option_schema)}")
    return Decoder(message_type.schema, message_type.extraction(options), message_type.geometry)


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
