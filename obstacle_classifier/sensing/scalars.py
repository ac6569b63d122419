# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages that carry one number: std_msgs Float32, Float64, Bool; sensor_msgs Temperature, Illuminance."""

from __future__ import annotations

from obstacle_classifier.sensing.columns import field_message_type
from obstacle_classifier.sensing.schema import BOOL, FLOAT32, FLOAT64, HEADER, Primitive, Struct

__all__ = ["BOOL_TYPE", "FLOAT32_TYPE", "FLOAT64_TYPE", "ILLUMINANCE", "TEMPERATURE"]


def _data(primitive: Primitive) -> Struct:
    return Struct((("data", primitive),))


def _with_variance(quantity: str) -> Struct:
    return Struct((("header", HEADER), (quantity, FLOAT64), ("variance", FLOAT64)))


FLOAT32_TYPE = field_message_type("std_msgs/msg/Float32", _data(FLOAT32), {"data": "data"})
FLOAT64_TYPE = field_message_type("std_msgs/msg/Float64", _data(FLOAT64), {"data": "data"})
BOOL_TYPE = field_message_type("std_msgs/msg/Bool", _data(BOOL), {"data": "data"})

TEMPERATURE = field_message_type(
    "sensor_msgs/msg/Temperature",
    _with_variance("temperature"),
    {"temperature": "temperature", "variance": "variance"},
    default=["temperature"],
)
ILLUMINANCE = field_message_type(
    "sensor_msgs/msg/Illuminance",
    _with_variance("illuminance"),
    {"illuminance": "illuminance", "variance": "variance"},
    default=["illuminance"],
)
