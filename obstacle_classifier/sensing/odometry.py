# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""nav_msgs/msg/Odometry: pose (m, quaternion) and twist (m/s, rad/s)."""

from __future__ import annotations

from obstacle_classifier.sensing.columns import field_message_type
from obstacle_classifier.sensing.schema import FLOAT64, HEADER, QUATERNION, STRING, TWIST, VECTOR3, Array, Struct

__all__ = ["ODOMETRY"]

_COVARIANCE = Array(FLOAT64, 36)
_POSE = Struct((("position", VECTOR3), ("orientation", QUATERNION)))

ODOMETRY = field_message_type(
    "nav_msgs/msg/Odometry",
    Struct(
        (
            ("header", HEADER),
            ("child_frame_id", STRING),
            ("pose", Struct((("pose", _POSE), ("covariance", _COVARIANCE)))),
            ("twist", Struct((("twist", TWIST), ("covariance", _COVARIANCE)))),
        )
    ),
    {
        f"{part}.{quantity}.{axis}": f"{part}.{part}.{quantity}.{axis}"
        for part, quantity, axes in (
            ("pose", "position", "xyz"),
            ("pose", "orientation", "xyzw"),
            ("twist", "linear", "xyz"),
            ("twist", "angular", "xyz"),
        )
        for axis in axes
    },
)
