# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages of any type: every number is a channel by its path in the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from obstacle_classifier.sensing.cdr import Bytes, Layout
from obstacle_classifier.sensing.columns import column_reader
from obstacle_classifier.sensing.definition import MAX_LENGTH, DefinitionError, parse_definition
from obstacle_classifier.sensing.field_layout import FieldLayout, Walk
from obstacle_classifier.sensing.field_path import PathError, parse_path, resolve_path
from obstacle_classifier.sensing.message_type import CHANNELS_OPTION, MessageType, OptionError, Options, Reader
from obstacle_classifier.sensing.schema import HEADER, NOTHING, Struct

__all__ = ["DEFINITION", "PathExtraction", "any_message_type", "has_header", "path_message_type"]

DEFINITION = "definition"
"""The key of a sensor that holds the definition of its message type."""

_OPTIONS: Mapping[str, Mapping[str, object]] = {
    **CHANNELS_OPTION,
    DEFINITION: {
        "type": "string",
        "maxLength": MAX_LENGTH,
        "description": "Text of the .msg file, and of those that it uses; by default what the bags or the installed "
        "packages say",
    },
}


def has_header(schema: Struct) -> bool:
    """Whether messages begin with a std_msgs/msg/Header."""
    return schema.fields[0] == ("header", HEADER)


class PathExtraction:
    """Channels that are numbers of the message by their paths; NaN for an item that a sequence does not have.

    Args:
        schema: The message type's fields.
        channels: Paths, checked by `resolve_path`.

    Raises:
        PathError: A field lies behind a wstring.
    """

    def __init__(self, schema: Struct, channels: Sequence[str]) -> None:
        self.channels = tuple(channels)
        self._walk = Walk(schema, [resolve_path(schema, channel) for channel in channels], has_header(schema))

    def layout(self, data: Bytes) -> FieldLayout:
        """The layout of one message.

        Raises:
            DecodeError: The bytes are not a message of the type.
        """
        return self._walk.layout(data)

    def compile(self, layout: Layout) -> Reader:
        """A reader for messages of one layout."""
        assert isinstance(layout, FieldLayout)
        return column_reader(layout.channels)


@dataclass(frozen=True)
class _Unknown:
    """The channels of a type whose definition is not known yet."""

    channels: tuple[str, ...]

    def compile(self, layout: Layout) -> Reader:
        raise NotImplementedError


def _chosen(options: Options, default: Sequence[str], type_name: str) -> Sequence[str]:
    channels = options.get("channels", list(default))
    expected = f"a list of different fields of {type_name}, such as twist.linear.x or cells[3].voltage"
    if not isinstance(channels, list | tuple) or not channels or len(set(map(str, channels))) < len(channels):
        raise OptionError("channels", channels or None, expected)
    return [str(channel) for channel in channels]


def path_message_type(name: str, schema: Struct, default: Sequence[str]) -> MessageType:
    """A message type whose channels are any numbers of the message.

    Args:
        name: ROS 2 name.
        schema: Fields in serialised order.
        default: Channels without the `channels` option.
    """

    def extraction(options: Options) -> PathExtraction:
        return _extraction(schema, _chosen(options, default, name))

    return MessageType(name, schema, CHANNELS_OPTION, tuple(default), extraction, by_path=True)


def _extraction(schema: Struct, channels: Sequence[str]) -> PathExtraction:
    for channel in channels:
        _check(channel, lambda path: PathExtraction(schema, [path]))
    return PathExtraction(schema, channels)


def _check(channel: str, check: Callable[[str], object]) -> None:
    try:
        check(channel)
    except PathError as error:
        raise OptionError("channels", channel, str(error)) from None


@lru_cache(maxsize=256)
def any_message_type(name: str, definition: str | None) -> MessageType:
    """The message type of a definition. Without one, the channels can be named but not read.

    Raises:
        OptionError: The text is no definition.
    """
    if definition is None:
        return MessageType(name, NOTHING, _OPTIONS, (), lambda options: _unknown(name, options), by_path=True)
    try:
        schema = parse_definition(definition)
    except DefinitionError as error:
        raise OptionError(DEFINITION, definition, f"the text of {name}'s .msg file: {error}") from None
    return MessageType(
        name, schema, _OPTIONS, (), lambda options: _extraction(schema, _chosen(options, (), name)), by_path=True
    )


def _unknown(name: str, options: Options) -> _Unknown:
    channels = _chosen(options, (), name)
    for channel in channels:
        _check(channel, parse_path)
    return _Unknown(tuple(channels))
