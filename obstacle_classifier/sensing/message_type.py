# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The interface of a sensor message type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.cdr import Layout, Rows
from obstacle_classifier.sensing.schema import Struct

__all__ = [
    "CHANNELS_OPTION",
    "Extraction",
    "MessageType",
    "OptionError",
    "Options",
    "Reader",
    "ScanGeometry",
    "chosen_channels",
]

Options: TypeAlias = Mapping[str, object]
Reader: TypeAlias = Callable[[Rows], NDArray[np.float64]]
"""Reads the channels (m, k) float64 of m messages of one layout, (m, size) uint8; rows are independent."""


class OptionError(ValueError):
    """A sensor option with an invalid value.

    Attributes:
        key: The option.
        found: Its value.
        expected: Description of a valid value.
    """

    def __init__(self, key: str, found: object, expected: str) -> None:
        super().__init__(f"{key}: found {found!r}, expected {expected}")
        self.key, self.found, self.expected = key, found, expected


@dataclass(frozen=True)
class ScanGeometry:
    """The beams of a scanner, the same in all its messages.

    Attributes:
        frame: Frame of the header.
        beams: Number of beams.
        first: Angle of the first beam in rad.
        increment: Angle from one beam to the next in rad.
    """

    frame: str
    beams: int
    first: float
    increment: float

    def __str__(self) -> str:
        low, high = self.span
        return f"{self.beams} beams from {low:.4g} to {high:.4g} rad in frame {self.frame!r}"

    @property
    def angles(self) -> NDArray[np.float64]:
        """(beams,) angles in rad."""
        return self.first + np.arange(self.beams, dtype=np.float64) * self.increment

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest angle in rad."""
        last = self.first + max(0, self.beams - 1) * self.increment
        return min(self.first, last), max(self.first, last)


class Extraction(Protocol):
    """Reads the named numbers of one configured sensor from its messages."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the k numbers, in order."""

    def compile(self, layout: Layout) -> Reader:
        """A reader for messages of one layout.

        Raises:
            DecodeError: All messages of this layout are invalid, such as a cloud whose sizes disagree.
        """


@dataclass(frozen=True)
class MessageType:
    """A message type supported for sensors.

    Attributes:
        name: ROS 2 name, such as `sensor_msgs/msg/Imu`.
        schema: Its fields in serialised order.
        option_schema: JSON schema of each of the type's own keys in the sensors file.
        default_channels: Channels without options; empty if the user must choose.
        extraction: Creates the extraction from a sensor's options; raises OptionError.
        geometry: The beams of a message from its layout; None for types without beams.
        by_path: Whether every number of a message is a channel by its path.
    """

    name: str
    schema: Struct
    option_schema: Mapping[str, Mapping[str, object]]
    default_channels: tuple[str, ...]
    extraction: Callable[[Options], Extraction]
    geometry: Callable[[Layout], ScanGeometry] | None = None
    by_path: bool = False


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
        OptionError: The list is empty, or a channel in it is repeated or not available.
    """
    expected = f"a list of different names out of {', '.join(available)}"
    channels = options.get("channels", list(default))
    if not isinstance(channels, list | tuple) or not channels or len(set(map(str, channels))) < len(channels):
        raise OptionError("channels", channels, expected)
    for channel in channels:
        if channel not in available:
            raise OptionError("channels", channel, expected)
    return tuple(channels)
