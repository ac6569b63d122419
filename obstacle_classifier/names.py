# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""JSON schemas of the allowed names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["MESSAGE_TYPE", "NODE_NAME", "SENSOR_NAME", "SENSOR_TOPIC", "TOPIC_NAME", "absolute_topic"]

_PATH = r"^/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*\Z"

MESSAGE_TYPE: Mapping[str, Any] = {
    "type": "string",
    "pattern": r"^[A-Za-z][A-Za-z0-9_]*/msg/[A-Za-z][A-Za-z0-9_]*\Z",
    "description": "a message type such as sensor_msgs/msg/Imu",
}
TOPIC_NAME: Mapping[str, Any] = {
    "type": "string",
    "pattern": r"^(/[A-Za-z_][A-Za-z0-9_]*)+\Z",
    "description": "an absolute topic name such as /scan",
}
SENSOR_TOPIC: Mapping[str, Any] = {
    "type": "string",
    "pattern": _PATH,
    "description": "a topic name such as /scan, or scan for a topic in the node's namespace",
}
NODE_NAME: Mapping[str, Any] = {
    "type": "string",
    "pattern": _PATH,
    "description": "a node name such as /rosbag2_recorder, or rosbag2_recorder for a node in the node's namespace",
}
SENSOR_NAME: Mapping[str, Any] = {
    "type": "string",
    "pattern": r"^[a-z][a-z0-9_]*\Z",
    "description": "a sensor name of lower-case letters, digits and underscores, a letter first",
}


def absolute_topic(topic: str, namespace: str = "/") -> str:
    """The full name of a topic: a relative name is in `namespace`."""
    return topic if topic.startswith("/") else f"{namespace.rstrip('/')}/{topic}"
