# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Common message types whose channels are their fields, with the channels that a sensor has by default."""

from __future__ import annotations

from obstacle_classifier.sensing.any_message import path_message_type
from obstacle_classifier.sensing.schema import (
    BOOL,
    FLOAT32,
    FLOAT64,
    HEADER,
    INT8,
    INT16,
    INT32,
    INT64,
    POSE,
    STRING,
    TWIST,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    VECTOR3,
    Array,
    Sequence,
    Struct,
)

__all__ = ["COMMON_TYPES"]

_LINEAR_AND_ANGULAR = [f"{quantity}.{axis}" for quantity in ("linear", "angular") for axis in "xyz"]
_PLACE = [f"position.{axis}" for axis in "xyz"] + [f"orientation.{axis}" for axis in "xyzw"]
_INTEGERS = {
    "Int8": INT8,
    "UInt8": UINT8,
    "Int16": INT16,
    "UInt16": UINT16,
    "Int32": INT32,
    "UInt32": UINT32,
    "Int64": INT64,
    "UInt64": UINT64,
}
_BATTERY = ("voltage", "temperature", "current", "charge", "capacity", "design_capacity", "percentage")

COMMON_TYPES = (
    path_message_type("geometry_msgs/msg/Twist", TWIST, _LINEAR_AND_ANGULAR),
    path_message_type("geometry_msgs/msg/Vector3", VECTOR3, "xyz"),
    path_message_type(
        "geometry_msgs/msg/Vector3Stamped",
        Struct((("header", HEADER), ("vector", VECTOR3))),
        [f"vector.{axis}" for axis in "xyz"],
    ),
    path_message_type("geometry_msgs/msg/Pose", POSE, _PLACE),
    path_message_type(
        "geometry_msgs/msg/PoseStamped",
        Struct((("header", HEADER), ("pose", POSE))),
        [f"pose.{channel}" for channel in _PLACE],
    ),
    path_message_type(
        "geometry_msgs/msg/PoseWithCovarianceStamped",
        Struct((("header", HEADER), ("pose", Struct((("pose", POSE), ("covariance", Array(FLOAT64, 36))))))),
        [f"pose.pose.{channel}" for channel in _PLACE],
    ),
    path_message_type(
        "sensor_msgs/msg/NavSatFix",
        Struct(
            (
                ("header", HEADER),
                ("status", Struct((("status", INT8), ("service", UINT16)))),
                ("latitude", FLOAT64),
                ("longitude", FLOAT64),
                ("altitude", FLOAT64),
                ("position_covariance", Array(FLOAT64, 9)),
                ("position_covariance_type", UINT8),
            )
        ),
        ["latitude", "longitude", "altitude"],
    ),
    path_message_type(
        "sensor_msgs/msg/MagneticField",
        Struct((("header", HEADER), ("magnetic_field", VECTOR3), ("magnetic_field_covariance", Array(FLOAT64, 9)))),
        [f"magnetic_field.{axis}" for axis in "xyz"],
    ),
    path_message_type(
        "sensor_msgs/msg/FluidPressure",
        Struct((("header", HEADER), ("fluid_pressure", FLOAT64), ("variance", FLOAT64))),
        ["fluid_pressure"],
    ),
    path_message_type(
        "sensor_msgs/msg/BatteryState",
        Struct(
            (
                ("header", HEADER),
                *((name, FLOAT32) for name in _BATTERY),
                ("power_supply_status", UINT8),
                ("power_supply_health", UINT8),
                ("power_supply_technology", UINT8),
                ("present", BOOL),
                ("cell_voltage", Sequence(FLOAT32)),
                ("cell_temperature", Sequence(FLOAT32)),
                ("location", STRING),
                ("serial_number", STRING),
            )
        ),
        ["voltage", "current", "percentage"],
    ),
    *(
        path_message_type(f"std_msgs/msg/{name}", Struct((("data", primitive),)), ["data"])
        for name, primitive in _INTEGERS.items()
    ),
)
