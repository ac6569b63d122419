# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""sensor_msgs/msg/Imu: orientation, angular velocity (rad/s), linear acceleration (m/s^2)."""

from __future__ import annotations

from obstacle_classifier.sensing.columns import field_message_type
from obstacle_classifier.sensing.schema import FLOAT64, HEADER, QUATERNION, VECTOR3, Array, Struct

__all__ = ["IMU"]

_COVARIANCE = Array(FLOAT64, 9)

_PATHS = {
    f"{quantity}.{axis}": f"{quantity}.{axis}"
    for quantity, axes in (("orientation", "xyzw"), ("angular_velocity", "xyz"), ("linear_acceleration", "xyz"))
    for axis in axes
}

IMU = field_message_type(
    "sensor_msgs/msg/Imu",
    Struct(
        (
            ("header", HEADER),
            ("orientation", QUATERNION),
            ("orientation_covariance", _COVARIANCE),
            ("angular_velocity", VECTOR3),
            ("angular_velocity_covariance", _COVARIANCE),
            ("linear_acceleration", VECTOR3),
            ("linear_acceleration_covariance", _COVARIANCE),
        )
    ),
    _PATHS,
    # By the message's definition, -1 in the first element of a covariance marks a quantity without an estimate.
    absent={channel: f"{channel.split('.')[0]}_covariance" for channel in _PATHS},
)
