# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The sensors file: the topics to read, the columns that each gives, and the labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from obstacle_classifier.documents import load_yaml, refusal, validate
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features.layout import Layout, make_layout, sensor_columns
from obstacle_classifier.features.statistics import STATISTICS
from obstacle_classifier.names import MESSAGE_TYPE, SENSOR_NAME, SENSOR_TOPIC, TOPIC_NAME, absolute_topic
from obstacle_classifier.sensing import (
    DEFINITION,
    MESSAGE_TYPES,
    Decoder,
    OptionError,
    Struct,
    make_decoder,
    message_type,
)

__all__ = [
    "RESERVED_LABELS",
    "SensorSpec",
    "SensorsConfig",
    "is_label",
    "load_sensors",
    "parse_sensors",
    "with_definitions",
    "with_labels",
]

RESERVED_LABELS = ("ignore", "unknown")
DEFAULT_TIMEOUT = 1.0  # s

_TIME = {"type": "number", "exclusiveMinimum": 0}
# Replay and catching up evaluate every interval of a pause: far shorter ones take longer than the recording.
_INTERVAL = {"type": "number", "minimum": 0.001, "maximum": 3600}
_LABEL = {
    "type": "string",
    "pattern": rf"^(?!({'|'.join(RESERVED_LABELS)})\Z)[A-Za-z][A-Za-z0-9_]*\Z",
    "description": f"letters, digits and underscores, a letter first, and neither {' nor '.join(RESERVED_LABELS)}",
}
FILE_KEYS: Mapping[str, Mapping[str, Any]] = {
    "interval": _INTERVAL,
    "labels": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _LABEL},
    "label_topic": TOPIC_NAME,
    "other_labels": {"type": "string", "enum": ["refuse", "absent", "ignore"]},
    "corridor": {
        "type": "object",
        "additionalProperties": False,
        "required": ["length", "width"],
        "properties": {"front": {"type": "number"}, "length": _TIME, "width": _TIME},
    },
    "sensors": {"type": "object", "minProperties": 1},
}
"""JSON schema of each key of the file."""


def sensor_keys() -> dict[str, Mapping[str, Any]]:
    """JSON schema of each key that sensors of every message type have."""
    return {
        "type": MESSAGE_TYPE,
        "topic": SENSOR_TOPIC,
        "statistics": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "enum": list(STATISTICS)},
        },
        "window": _TIME,
        "timeout": _TIME,
        "required": {"type": "boolean"},
    }


@dataclass(frozen=True)
class SensorSpec:
    """One sensor of the sensors file.

    Attributes:
        name: Key in the sensors file.
        type: ROS 2 message type, such as `sensor_msgs/msg/Imu`.
        topic: Topic name; a relative one is in the node's namespace.
        channels: Names of the decoded channels, k of them.
        statistics: Names of the statistics over the window, s of them.
        window: Length of the window in ns.
        timeout: Age in ns from which the sensor is stale.
        required: Whether an interval is unknown while this sensor is stale.
        options: The keys that only this message type has.
    """

    name: str
    type: str
    topic: str
    channels: tuple[str, ...]
    statistics: tuple[str, ...]
    window: int
    timeout: int
    required: bool
    options: Mapping[str, Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """The k * s + 1 column names for k channels and s statistics, `<sensor>.missing` last."""
        return sensor_columns(self.name, self.channels, self.statistics)

    @property
    def lacks_definition(self) -> bool:
        """Whether messages cannot be decoded yet, since nobody has given the definition of their type."""
        return self.type not in MESSAGE_TYPES and DEFINITION not in self.options

    @property
    def schema(self) -> Struct | None:
        """The fields that messages must have; None if the decoder knows the versions of the type."""
        kind = message_type(self.type, self.options)
        return kind.schema if kind.by_path else None

    def decoder(self) -> Decoder:
        """A new decoder of this sensor's messages.

        Raises:
            ConfigError: The definition of the message type is not known.
        """
        if self.lacks_definition:
            raise ConfigError(f"sensor {self.name} (topic {self.topic}): the definition of {self.type} is not known")
        return make_decoder(self.type, self.options)


@dataclass(frozen=True)
class SensorsConfig:
    """A valid sensors file.

    Attributes:
        interval: Grid step in ns.
        labels: Names of the c labels.
        label_topic: Topic of recorded ground truth, if any.
        other_labels: What recorded labels are that `labels` lacks: `refuse`: an error; `absent`: not there; `ignore`.
        sensors: The sensors, in file order.
        document: The parsed file as JSON-able data: `parse_sensors(document, ...)` gives an equal object.
    """

    interval: int
    labels: tuple[str, ...]
    label_topic: str | None
    sensors: tuple[SensorSpec, ...]
    document: Mapping[str, Any]
    other_labels: str = "refuse"

    @property
    def corridor(self) -> dict[str, float] | None:
        """The rectangle ahead in which people look for obstacles; None if the file names none.

        It begins `front` m ahead of the scans' origin and has a `length` and a `width` in m. Nothing is computed from
        it: the labelling page draws it.
        """
        given = self.document.get("corridor")
        return None if given is None else {"front": 0.0, **given}

    @property
    def columns(self) -> tuple[str, ...]:
        """The d column names of a feature vector."""
        return self.layout.columns

    @cached_property
    def layout(self) -> Layout:
        """The place of each sensor's columns in a feature vector."""
        return make_layout(self.sensors)

    @property
    def topics(self) -> dict[str, str]:
        """Sensor name by topic."""
        return {sensor.topic: sensor.name for sensor in self.sensors}


def load_sensors(path: str | Path) -> SensorsConfig:
    """Read and check a sensors file.

    Raises:
        ConfigError: Naming the file, the key, the value found and the values allowed.
    """
    return parse_sensors(load_yaml(path), str(path))


def parse_sensors(document: Mapping[str, Any], source: str) -> SensorsConfig:
    """Check a parsed sensors file; messages name `source`.

    Raises:
        ConfigError: Naming the source, the key, the value found and the values allowed.
    """
    schema = {"type": "object", "additionalProperties": False, "required": ["interval", "labels", "sensors"]}
    document = validate(document, {**schema, "properties": FILE_KEYS}, source)
    interval = _nanoseconds(document["interval"], source, "interval")
    label_topic = document.get("label_topic")
    users = {} if label_topic is None else {label_topic: "label_topic"}
    entries = {name: _checked_entry(name, entry, source) for name, entry in document["sensors"].items()}
    sensors = []
    for name, entry in entries.items():
        sensor = _sensor(name, entry, interval, source)
        key = f"sensors.{name}"
        topic = absolute_topic(sensor.topic)
        if topic in users:
            expected = f"a topic of its own ({users[topic]} has this one)"
            raise refusal(source, f"{key}.topic", sensor.topic, expected)
        users[topic] = key
        sensors.append(sensor)
    return SensorsConfig(
        interval,
        tuple(document["labels"]),
        label_topic,
        tuple(sensors),
        {**document, "sensors": entries},
        document.get("other_labels", "refuse"),
    )


def is_label(name: object) -> bool:
    """Whether a label may have this name."""
    return isinstance(name, str) and re.match(_LABEL["pattern"], name) is not None


def with_definitions(sensors: SensorsConfig, definitions: Mapping[str, str], source: str) -> SensorsConfig:
    """The same sensors, some with the definition of their message type.

    Args:
        sensors: The sensors file.
        definitions: Texts of definitions by sensor.
        source: Named by messages.

    Raises:
        ConfigError: A text is no definition, or lacks a channel of its sensor.
    """
    entries = {
        name: {**entry, DEFINITION: definitions[name]} if name in definitions else entry
        for name, entry in sensors.document["sensors"].items()
    }
    return parse_sensors({**sensors.document, "sensors": entries}, source)


def with_labels(
    sensors: SensorsConfig, labels: Sequence[str], source: str, other_labels: str | None = None
) -> SensorsConfig:
    """The same sensors with other labels.

    Args:
        sensors: The sensors file.
        labels: The labels to use.
        source: Named by messages.
        other_labels: What other recorded labels are: `refuse`, `absent` or `ignore`. By default what the sensors file
            says, with `absent` in place of `refuse`.

    Raises:
        ConfigError: A label is not a valid name.
    """
    if other_labels is None:
        other_labels = "absent" if sensors.other_labels == "refuse" else sensors.other_labels
    return parse_sensors({**sensors.document, "labels": list(labels), "other_labels": other_labels}, source)


def _checked_entry(name: object, entry: object, source: str) -> dict[str, Any]:
    """The entry of one sensor with the value types of the schema of its message type."""
    validate(name, SENSOR_NAME, source, "sensors")
    key = f"sensors.{name}"
    # The type first: the other keys depend on it.
    has_type = {"type": "object", "required": ["type", "topic"], "properties": {"type": MESSAGE_TYPE}}
    typed: dict[str, Any] = validate(entry, has_type, source, key)
    kind = str(typed["type"])
    if kind not in MESSAGE_TYPES and "channels" not in typed:
        near = get_close_matches(kind, MESSAGE_TYPES, 2)
        known = f"; known types are {', '.join(near)}" if near else ""
        raise ConfigError(f"{source}: key '{key}.channels' is missing: {kind} has no channels by default{known}")
    own_keys = message_type(kind, {}).option_schema
    schema = {"type": "object", "additionalProperties": False, "properties": {**sensor_keys(), **own_keys}}
    checked: dict[str, Any] = validate(entry, schema, source, key)
    return checked


def _sensor(name: str, entry: Mapping[str, Any], interval: int, source: str) -> SensorSpec:
    key = f"sensors.{name}"
    own_keys = message_type(entry["type"], {}).option_schema
    options = {option: value for option, value in entry.items() if option in own_keys}
    try:
        channels = message_type(entry["type"], options).extraction(options).channels
    except OptionError as error:
        raise refusal(source, f"{key}.{error.key}", error.found, error.expected) from None
    return SensorSpec(
        name=name,
        type=entry["type"],
        topic=entry["topic"],
        channels=channels,
        statistics=tuple(entry.get("statistics", ("last",))),
        window=_nanoseconds(entry["window"], source, f"{key}.window") if "window" in entry else interval,
        timeout=_nanoseconds(entry.get("timeout", DEFAULT_TIMEOUT), source, f"{key}.timeout"),
        required=entry.get("required", False),
        options=options,
    )


def _nanoseconds(seconds: float, source: str, key: str) -> int:
    nanoseconds = Decimal(str(seconds)) * 10**9
    if nanoseconds != int(nanoseconds):
        raise refusal(source, key, seconds, "a whole number of nanoseconds")
    return int(nanoseconds)
