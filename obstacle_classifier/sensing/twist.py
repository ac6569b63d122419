# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""geometry_msgs/msg/TwistStamped: linear (m/s) and angular (rad/s) velocity."""

from __future__ import annotations

from obstacle_classifier.sensing.columns import field_message_type
from obstacle_classifier.sensing.schema import HEADER, TWIST, Struct

__all__ = ["TWIST_STAMPED"]

TWIST_STAMPED = field_message_type(
    "geometry_msgs/msg/TwistStamped",
    Struct((("header", HEADER), ("twist", TWIST))),
    {f"{quantity}.{axis}": f"twist.{quantity}.{axis}" for quantity in ("linear", "angular") for axis in "xyz"},
)
