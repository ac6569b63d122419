# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Labels as events of Foxglove: the JSON that its API answers to `GET /v1/events`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from obstacle_classifier.bags.label_file import IGNORE, clock_time
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import is_label

__all__ = ["EventFile", "LabelEvent", "events_text", "read_events"]

LABEL_KEY = "label"
BAG_KEY = "bag"


class LabelEvent(NamedTuple):
    """A label over a stretch of time.

    Attributes:
        start: Start in ns since the epoch.
        end: End in ns since the epoch, after the start.
        label: The label.
        bag: Name of the recording; empty: any.
    """

    start: int
    end: int
    label: str
    bag: str = ""


@dataclass(frozen=True)
class EventFile:
    """The labels in a file of events.

    Attributes:
        labels: The events that are labels, in the order of the file.
        others: Number of events without the metadata key.
        instants: Number of events with the key that have no duration.
    """

    labels: tuple[LabelEvent, ...]
    others: int
    instants: int


def events_text(labels: Sequence[LabelEvent], key: str = LABEL_KEY, device: Mapping[str, str] | None = None) -> str:
    """The JSON text of labels: `read_events` reads the same ones.

    Args:
        labels: The labels, in any order, which stays.
        key: Metadata key for the label. The key `bag` holds the name of the recording.
        device: `deviceId` or `deviceName`, which `POST /v1/events` needs; none if None.
    """
    events = [
        {
            **(device or {}),
            "start": _time_text(start),
            "end": _time_text(end),
            "metadata": {**({BAG_KEY: bag} if bag else {}), key: label},
        }
        for start, end, label, bag in labels
    ]
    return json.dumps(events, indent=2) + "\n"


def read_events(path: Path, key: str = LABEL_KEY) -> EventFile:
    """Read a list of events.

    Foxglove counts the end of an event in, a label file does not: the same end differs by 1 ns, which no interval sees.

    Args:
        path: A JSON file.
        key: Metadata key whose value is the label. Events without it are left out.

    Raises:
        ConfigError: The file is not a list of events, or a label is not allowed.
    """
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: found bytes that are not UTF-8, expected JSON") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: {error.msg} in column {error.colno}, expected JSON") from None
    except RecursionError:
        raise ConfigError(f"{path}: found lists nested too deeply, expected a list of events") from None
    if not isinstance(document, list):
        raise ConfigError(f"{path}: found {_kind(document)}, expected a list of events, as GET /v1/events answers")
    labels: list[LabelEvent] = []
    others = instants = 0
    for index, event in enumerate(document):
        where = f"{path}: event {index}"
        metadata = _member(event, "metadata", dict, where)
        if key not in metadata:
            others += 1
            continue
        start, end = (clock_time(_member(event, name, str, where), f"{where}: {name}") for name in ("start", "end"))
        label = metadata[key]
        if label != IGNORE and not is_label(label):
            raise ConfigError(f"{where}: metadata.{key}: found {label!r}, expected the name of a label or {IGNORE}")
        if end < start:
            raise ConfigError(f"{where}: found end {event['end']}, expected at least the start {event['start']}")
        if end == start:
            instants += 1
        else:
            labels.append(LabelEvent(start, end, label, str(metadata.get(BAG_KEY, ""))))
    return EventFile(tuple(labels), others, instants)


def _member(event: object, name: str, kind: type, where: str) -> Any:
    """A required member of an event."""
    if not isinstance(event, dict):
        raise ConfigError(f"{where}: found {_kind(event)}, expected an event")
    if name not in event:
        raise ConfigError(f"{where}: found no {name}, expected an event with start, end and metadata")
    if not isinstance(event[name], kind):
        raise ConfigError(f"{where}: {name}: found {_kind(event[name])}, expected {_KINDS[kind]}")
    return event[name]


_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def _kind(value: object) -> str:
    return _KINDS[type(value)]


def _time_text(time: int) -> str:
    """UTC time as RFC 3339 with the nanoseconds that are not 0."""
    seconds, part = divmod(time, 10**9)
    whole = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return whole + (f".{part:09d}".rstrip("0") if part else "") + "Z"
