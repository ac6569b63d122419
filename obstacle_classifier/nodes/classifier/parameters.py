# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The parameters of `classifier_node`, each declared once: type, range, unit and description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from obstacle_classifier.errors import ConfigError

__all__ = ["LABEL_PARAMETERS", "NODE_PARAMETERS", "SENSOR_PARAMETERS", "ParameterSpec", "declare", "markdown_table"]

_TYPES = {
    bool: Parameter.Type.BOOL,
    int: Parameter.Type.INTEGER,
    float: Parameter.Type.DOUBLE,
    str: Parameter.Type.STRING,
}


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter, or one for every label or sensor of the model (`{}` in its name).

    Attributes:
        name: Name, dotted.
        kind: bool, int, float or str.
        default: Default value; None is unset, which means the model's value.
        description: What it does.
        unit: Unit of the value, if it has one.
        bounds: Smallest and largest value of a number.
        choices: The texts allowed.
        read_only: Whether only start-up can set it.
    """

    name: str
    kind: type[bool] | type[int] | type[float] | type[str]
    default: bool | int | float | str | None
    description: str
    unit: str = ""
    bounds: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = False

    def descriptor(self) -> Any:
        """The `rcl_interfaces/msg/ParameterDescriptor`."""
        descriptor = ParameterDescriptor(
            description=f"{self.description} [{self.unit}]" if self.unit else self.description,
            read_only=self.read_only,
            additional_constraints=f"one of: {', '.join(self.choices)}" if self.choices else "",
        )
        if self.bounds is not None:
            low, high = (self.kind(bound) for bound in self.bounds)
            if self.kind is int:
                descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
            else:
                descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        return descriptor

    def refuse(self, value: object) -> str | None:
        """Why `value` is not allowed, beyond what its type and range say; None if it is."""
        if self.choices and value not in self.choices:
            return f"found '{value}', expected one of: {', '.join(self.choices)}"
        return None


NODE_PARAMETERS = (
    ParameterSpec("model_path", str, "", "model file to serve; a new value is loaded, checked and swapped in whole"),
    ParameterSpec(
        "autostart", bool, True, "configure and activate at start-up, without a lifecycle manager", read_only=True
    ),
    ParameterSpec(
        "executor",
        str,
        "events",
        "what runs the callbacks; falls back to single where events fails its start-up check",
        choices=("events", "single"),
        read_only=True,
    ),
    ParameterSpec("publish_features", bool, False, "publish the feature vector of every interval on ~/features"),
    ParameterSpec("publish_markers", bool, False, "publish a bar chart of every interval on ~/markers"),
    ParameterSpec("frame_id", str, "base_link", "frame of ~/classification and of the markers"),
)
SENSOR_PARAMETERS = (
    ParameterSpec(
        "sensors.{}.timeout", float, None, "age from which the sensor is stale; unset: the model's", "s", (1e-3, 3600.0)
    ),
    ParameterSpec(
        "sensors.{}.reliability",
        str,
        "best_effort",
        "reliability requested of the topic's publishers",
        choices=("best_effort", "reliable"),
    ),
    ParameterSpec("sensors.{}.depth", int, 50, "messages queued for the node", "messages", (1, 10000)),
)
LABEL_PARAMETERS = (
    ParameterSpec(
        "labels.{}.threshold",
        float,
        None,
        "probability from which an interval speaks for the label; unset: the model's",
        bounds=(0.0, 1.0),
    ),
    ParameterSpec(
        "labels.{}.enter",
        int,
        None,
        "consecutive intervals at or above the threshold until the label is present; unset: the model's",
        "intervals",
        (1, 1000),
    ),
    ParameterSpec(
        "labels.{}.exit",
        int,
        None,
        "consecutive intervals below the threshold until the label is absent; unset: the model's",
        "intervals",
        (1, 1000),
    ),
)


def declare(node: Node, spec: ParameterSpec, key: str = "") -> str:
    """Declare one parameter on `node`, `key` filling the `{}` of its name; returns that name.

    Raises:
        ConfigError: The value given at start-up has the wrong type or is out of range.
    """
    name = spec.name.format(key)
    default = _TYPES[spec.kind] if spec.default is None else spec.default
    try:
        node.declare_parameter(name, default, spec.descriptor())
    except InvalidParameterTypeException as error:
        raise ConfigError(f"parameter '{name}': {error}") from None
    except InvalidParameterValueException as error:
        raise ConfigError(f"parameter '{name}': {error}") from None
    return name


def markdown_table() -> str:
    """The parameters as a Markdown table, as `docs/parameters.md` holds it."""
    lines = ["| parameter | type | default | range | at run time | what |", "|---|---|---|---|---|---|"]
    for spec in (*NODE_PARAMETERS, *SENSOR_PARAMETERS, *LABEL_PARAMETERS):
        name = spec.name.format("<label>" if spec in LABEL_PARAMETERS else "<sensor>")
        default = f"`{str(spec.default).lower() if spec.kind is bool else spec.default}`"
        if spec.default in (None, ""):
            default = "unset" if spec.default is None else "empty"
        allowed = " or ".join(f"`{choice}`" for choice in spec.choices)
        if spec.bounds is not None:
            low, high = (spec.kind(bound) for bound in spec.bounds)
            allowed = f"{low} to {high}"
        unit = f" {spec.unit}" if spec.unit else ""
        change = "start-up only" if spec.read_only else "yes"
        kind = {bool: "bool", int: "integer", float: "double", str: "string"}[spec.kind]
        lines.append(f"| `{name}` | {kind} | {default} | {allowed}{unit} | {change} | {spec.description} |")
    return "\n".join(lines) + "\n"
