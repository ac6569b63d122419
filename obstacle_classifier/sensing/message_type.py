# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The one interface behind which every sensor type stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.cdr import Layout, Rows
from obstacle_classifier.sensing.schema import Struct

__all__ = ["CHANNELS_OPTION", "Extraction", "MessageType", "OptionError", "Options", "Reader", "chosen_channels"]

Options: TypeAlias = Mapping[str, object]
Reader: TypeAlias = Callable[[Rows], NDArray[np.float64]]
"""Bytes of m messages of one layout, (m, size) uint8, to their channels, (m, k) float64; each row on its own."""


class OptionError(ValueError):
    """A sensor option that cannot be used.

    Attributes:
        key: The option.
        found: Its value.
        expected: What it should be, in words.
    """

    def __init__(self, key: str, found: object, expected: str) -> None:
        super().__init__(f"{key}: found {found!r}, expected {expected}")
        self.key, self.found, self.expected = key, found, expected


class Extraction(Protocol):
    """How the messages of one configured sensor become named numbers."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the k numbers, in order."""

    def compile(self, layout: Layout) -> Reader:
        """Prepare to read messages of one layout.

        Raises:
            DecodeError: No message of this layout makes sense, such as a cloud whose sizes disagree.
        """


@dataclass(frozen=True)
class MessageType:
    """A message type that a sensor may have.

    Attributes:
        name: ROS 2 name, such as `sensor_msgs/msg/Imu`.
        schema: Its fields as serialised.
        option_schema: JSON schema of each sensors-file key that belongs to the type.
        default_channels: Channels without options; empty where the user must choose.
        extraction: Makes the extraction for a sensor's options; raises OptionError.
    """

    name: str
    schema: Struct
    option_schema: Mapping[str, Mapping[str, object]]
    default_channels: tuple[str, ...]
    extraction: Callable[[Options], Extraction]


CHANNELS_OPTION: Mapping[str, Mapping[str, object]] = {
    "channels": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "uniqueItems": True,
        "description": "Numbers of the message to use",
    }
}


def chosen_channels(options: Options, available: Sequence[str], default: Sequence[str]) -> tuple[str, ...]:
    """The `channels` option or its default.

    Raises:
        OptionError: No channel, a channel twice, or one that is not available.
    """
    expected = f"a list of different names out of {', '.join(available)}"
    channels = options.get("channels", list(default))
    if not isinstance(channels, list | tuple) or not channels or len(set(map(str, channels))) < len(channels):
        raise OptionError("channels", channels, expected)
    for channel in channels:
        if channel not in available:
            raise OptionError("channels", channel, expected)
    return tuple(channels)
