# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""sensor_msgs/msg/JointState: position, velocity and effort of named joints."""

from __future__ import annotations

from obstacle_classifier.sensing.cdr import Field, Layout
from obstacle_classifier.sensing.columns import column_reader
from obstacle_classifier.sensing.message_type import CHANNELS_OPTION, MessageType, OptionError, Options, Reader
from obstacle_classifier.sensing.schema import FLOAT64, HEADER, STRING, Sequence, Struct

__all__ = ["JOINT_STATE"]

_QUANTITIES = ("position", "velocity", "effort")
_EXPECTED = "a list of different names like position.<joint>, velocity.<joint> or effort.<joint>"
_NO_COMMA = "a name without a comma: commas separate the column names in published messages"


class _JointExtraction:
    """Channels `<quantity>.<joint>`; NaN where a message lacks the joint or its array ends before it."""

    def __init__(self, options: Options) -> None:
        channels = options.get("channels")
        if not isinstance(channels, list | tuple) or not channels or len(set(map(str, channels))) < len(channels):
            raise OptionError("channels", channels, _EXPECTED)
        for channel in channels:
            quantity, _, joint = str(channel).partition(".")
            if quantity not in _QUANTITIES or not joint:
                raise OptionError("channels", channel, _EXPECTED)
            if "," in joint:
                raise OptionError("channels", channel, _NO_COMMA)
        self.channels = tuple(map(str, channels))

    def compile(self, layout: Layout) -> Reader:
        """Prepare to read messages of one layout, which is one list of joints."""
        names = layout.node("name")
        joints = names if isinstance(names, list) else []

        def field(channel: str) -> Field | None:
            quantity, _, joint = channel.partition(".")
            return layout.field(quantity).element(joints.index(joint)) if joint in joints else None

        return column_reader([field(channel) for channel in self.channels])


JOINT_STATE = MessageType(
    "sensor_msgs/msg/JointState",
    Struct(
        (("header", HEADER), ("name", Sequence(STRING)), *((quantity, Sequence(FLOAT64)) for quantity in _QUANTITIES))
    ),
    CHANNELS_OPTION,
    (),
    _JointExtraction,
)
