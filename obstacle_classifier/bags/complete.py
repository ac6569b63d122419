# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sensors with the definitions of their message types, from the recordings that they will read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from obstacle_classifier.bags.definitions import definition_of
from obstacle_classifier.bags.intervals import find_topics
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import BagError, ConfigError
from obstacle_classifier.features import SensorsConfig, with_definitions

__all__ = ["complete_sensors"]


def complete_sensors(sensors: SensorsConfig, paths: Sequence[Path], source: str) -> SensorsConfig:
    """The sensors with the definition of each type that is not known, from the first recording with the topic.

    A sensor whose topic no recording has stays without.

    Args:
        sensors: The sensors file.
        paths: The recordings; those that cannot be used are passed over.
        source: The sensors file, for messages.

    Raises:
        ConfigError: Recordings have the topic, but the definition of its type is not known, or lacks a channel.
    """
    lacking = {spec.name: spec for spec in sensors.sensors if spec.lacks_definition}
    found: dict[str, str] = {}
    seen: dict[str, str] = {}
    for path in paths:
        if len(found) == len(lacking):
            break
        try:
            with Bag(path) as bag:
                for name, topic in find_topics(bag, sensors).items():
                    if name in lacking and name not in found:
                        seen[name] = f"{path}: topic {topic}"
                        text = definition_of(bag, topic)
                        if text is not None:
                            found[name] = text
        except BagError:
            continue
    for name, where in seen.items():
        if name not in found:
            raise ConfigError(
                f"{source}: sensor {name}: the definition of {lacking[name].type} is not known: {where} carries none, "
                "and its package is not installed; the key 'definition' may hold the text of its .msg file"
            )
    return with_definitions(sensors, found, source) if found else sensors
