# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The parameters of `classifier_node`, each declared once: type, range, unit and description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.names import NODE_NAME, SENSOR_TOPIC

__all__ = [
    "LABEL_PARAMETERS",
    "NODE_PARAMETERS",
    "SENSOR_PARAMETERS",
    "ParameterSpec",
    "Value",
    "declare",
    "markdown_table",
]

Value = bool | int | float | str


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter of the node, or one of every label or sensor of the model (`{}` in its name).

    Attributes:
        name: Dotted name.
        kind: bool, int, float or str.
        default: Default value; None: the model has the default.
        description: Meaning of the value.
        unit: Unit of the value, if it has one.
        bounds: Smallest and largest value of a number.
        choices: The only texts allowed.
        syntax: JSON schema of a text: its pattern, and a description for messages.
        read_only: Whether the value can be set at start-up only.
    """

    name: str
    kind: type[bool] | type[int] | type[float] | type[str]
    default: Value | None
    description: str
    unit: str = ""
    bounds: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    syntax: Mapping[str, Any] | None = None
    read_only: bool = False

    @property
    def key(self) -> str:
        """The last part of the name."""
        return self.name.rsplit(".", 1)[-1]

    def descriptor(self, default: Value) -> Any:
        """The `rcl_interfaces/msg/ParameterDescriptor`; the range is widened where the model's default is outside."""
        constraints = f"one of: {', '.join(self.choices)}" if self.choices else ""
        descriptor = ParameterDescriptor(
            description=f"{self.description} [{self.unit}]" if self.unit else self.description,
            read_only=self.read_only,
            additional_constraints=constraints if self.syntax is None else str(self.syntax["description"]),
        )
        if self.bounds is not None:
            assert not isinstance(default, str)
            low, high = self.kind(min(self.bounds[0], default)), self.kind(max(self.bounds[1], default))
            if self.kind is int:
                descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
            else:
                descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        return descriptor

    def refuse(self, value: object) -> str | None:
        """Why `value` is not allowed, beyond its type and range; None if it is."""
        if self.choices and value not in self.choices:
            return f"found '{value}', expected one of: {', '.join(self.choices)}"
        if self.syntax is not None and not re.match(self.syntax["pattern"], str(value)):
            return f"found '{value}', expected {self.syntax['description']}"
        return None


NODE_PARAMETERS = (
    ParameterSpec(
        "model_path", str, "", "model file to serve; a new file is loaded and checked completely before it is served"
    ),
    ParameterSpec(
        "autostart", bool, True, "configure and activate at start-up, without a lifecycle manager", read_only=True
    ),
    ParameterSpec(
        "executor",
        str,
        "events",
        "rclpy executor that runs the callbacks; falls back to single where events fails its start-up check",
        choices=("events", "single"),
        read_only=True,
    ),
    ParameterSpec(
        "publish_spread", bool, False, "publish how far the model's members disagree in every interval on ~/spread"
    ),
    ParameterSpec("publish_features", bool, False, "publish the feature vector of every interval on ~/features"),
    ParameterSpec("publish_markers", bool, False, "publish a bar chart of every interval on ~/markers"),
    ParameterSpec("frame_id", str, "base_link", "frame of ~/classification and of the markers"),
    ParameterSpec(
        "capture.enabled",
        bool,
        False,
        "ask a rosbag2 recorder in snapshot mode to keep the stretches that are worth labelling",
    ),
    ParameterSpec(
        "capture.recorder",
        str,
        "/rosbag2_recorder",
        "name of the recorder's node, whose service <name>/snapshot is called",
        syntax=NODE_NAME,
        read_only=True,
    ),
    ParameterSpec(
        "capture.delay",
        float,
        5.0,
        "time from a trigger until the recorder is asked, so that the recording holds what followed",
        "s",
        bounds=(0.0, 600.0),
    ),
    ParameterSpec(
        "capture.hold",
        float,
        1.0,
        "time that a condition must last until it triggers, and be absent until it can trigger again",
        "s",
        bounds=(0.0, 600.0),
    ),
    ParameterSpec(
        "capture.spread",
        float,
        0.2,
        "spread of the members' probabilities of a label from which they disagree; 0: never a trigger",
        bounds=(0.0, 0.5),
    ),
    ParameterSpec(
        "capture.band",
        float,
        0.2,
        "share of the way from a label's threshold down to 0 and up to 1 in which its probability is uncertain; 0: "
        "never a trigger",
        bounds=(0.0, 1.0),
    ),
    ParameterSpec(
        "capture.unlike",
        float,
        0.25,
        "share of the feature columns that must be unlike the training data; 0: never a trigger",
        bounds=(0.0, 1.0),
    ),
    ParameterSpec("capture.events", bool, True, "trigger when a label begins or ends to be present"),
    ParameterSpec("capture.per_hour", int, 12, "most recordings asked for in an hour", "recordings", bounds=(1, 3600)),
    ParameterSpec(
        "capture.per_reason",
        int,
        6,
        "most recordings asked for in an hour for one reason",
        "recordings",
        bounds=(1, 3600),
    ),
)
SENSOR_PARAMETERS = (
    ParameterSpec(
        "sensors.{}.topic",
        str,
        None,
        "topic to subscribe to; a relative name is in the node's namespace",
        syntax=SENSOR_TOPIC,
        read_only=True,
    ),
    ParameterSpec(
        "sensors.{}.timeout", float, None, "age above which the sensor counts as stale", "s", bounds=(1e-3, 3600.0)
    ),
    ParameterSpec(
        "sensors.{}.reliability",
        str,
        "best_effort",
        "reliability requested of the topic's publishers",
        choices=("best_effort", "reliable"),
    ),
    ParameterSpec(
        "sensors.{}.depth", int, 50, "messages queued before the oldest is dropped", "messages", bounds=(1, 10000)
    ),
)
LABEL_PARAMETERS = (
    ParameterSpec(
        "labels.{}.threshold",
        float,
        None,
        "probability at or above which an interval counts towards the label being present",
        bounds=(0.0, 1.0),
    ),
    ParameterSpec(
        "labels.{}.enter",
        int,
        None,
        "consecutive intervals at or above the threshold until the label is present",
        "intervals",
        bounds=(1, 1000),
    ),
    ParameterSpec(
        "labels.{}.exit",
        int,
        None,
        "consecutive intervals below the threshold until the label is absent",
        "intervals",
        bounds=(1, 1000),
    ),
)


def declare(node: Node, spec: ParameterSpec, name: str, default: Value, *, ignore_override: bool = False) -> None:
    """Declare one parameter on `node`, with the value given at start-up or else `default`.

    Raises:
        ConfigError: The value given at start-up has the wrong type or is out of range.
    """
    try:
        node.declare_parameter(name, default, spec.descriptor(default), ignore_override)
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        raise ConfigError(f"parameter '{name}': {error}") from None


def markdown_table() -> str:
    """The parameters as a Markdown table, as `docs/parameters.md` holds it."""
    lines = ["| parameter | type | default | range | at run time | what |", "|---|---|---|---|---|---|"]
    for spec in (*NODE_PARAMETERS, *SENSOR_PARAMETERS, *LABEL_PARAMETERS):
        name = spec.name.format("<label>" if spec in LABEL_PARAMETERS else "<sensor>")
        default = f"`{str(spec.default).lower() if spec.kind is bool else spec.default}`"
        if spec.default in (None, ""):
            default = "the model's" if spec.default is None else "empty"
        allowed = " or ".join(f"`{choice}`" for choice in spec.choices)
        if spec.bounds is not None:
            low, high = (spec.kind(bound) for bound in spec.bounds)
            allowed = f"{low} to {high}"
        unit = f" {spec.unit}" if spec.unit else ""
        change = "start-up only" if spec.read_only else "yes"
        kind = {bool: "bool", int: "integer", float: "double", str: "string"}[spec.kind]
        lines.append(f"| `{name}` | {kind} | {default} | {allowed}{unit} | {change} | {spec.description} |")
    return "\n".join(lines) + "\n"
