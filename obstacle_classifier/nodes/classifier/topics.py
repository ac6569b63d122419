# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The topics that a node will subscribe to, for launch files that start its sensors."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.names import absolute_topic

__all__ = ["node_name", "sensor_topics"]


def node_name(name: str, namespace: str = "") -> str:
    """The full name of a node."""
    return "/".join(["", *filter(None, (namespace.strip("/"), name))])


def sensor_topics(sensors: SensorsConfig, node: str, params_file: str | Path, remappings: str = "") -> list[str]:
    """Full names of the topics that a classifier node subscribes to, in the order of the sensors.

    Args:
        sensors: The sensors of the model.
        node: Full name of the node.
        params_file: Parameter file of the node; `sensors.<sensor>.topic` there overrides the model's topic.
        remappings: FROM:=TO rules, separated by spaces; relative names are in the node's namespace.
    """
    namespace = node.rpartition("/")[0]
    rules = [
        tuple(absolute_topic(name, namespace) for name in rule.split(":=", 1))
        for rule in shlex.split(remappings)
        if ":=" in rule  # classifier.launch.py refuses others
    ]
    try:
        document = yaml.safe_load(Path(params_file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):  # the node will say so
        document = None
    given: dict[str, str] = {}
    for pattern, parameters in _sections(document):
        if re.fullmatch(pattern.replace("**", ".+").replace("/*", "/[^/]+"), node):
            given |= _topics(parameters)
    topics = []
    for spec in sensors.sensors:
        topic = absolute_topic(given.get(spec.name, spec.topic), namespace)
        topics.append(next((target for source, target in rules if source == topic), topic))
    return topics


def _sections(document: object, name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Pattern of the node's full name, and parameters, of each section of a parameter file."""
    for key, value in document.items() if isinstance(document, Mapping) else ():
        if key == "ros__parameters" and isinstance(value, Mapping):
            yield name, value
        else:
            yield from _sections(value, f"{name}/{str(key).strip('/')}")


def _topics(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The values of `sensors.<sensor>.topic`, by sensor."""

    def flat(value: object, name: str = "") -> Iterator[tuple[str, object]]:
        if not isinstance(value, Mapping):
            yield name, value
            return
        for key, nested in value.items():
            yield from flat(nested, f"{name}.{key}" if name else str(key))

    found = {name: value for name, value in flat(parameters) if isinstance(value, str)}
    return {
        match[1]: str(value) for name, value in found.items() if (match := re.fullmatch(r"sensors\.(\w+)\.topic", name))
    }
