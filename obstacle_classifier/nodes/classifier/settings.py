# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The values of `classifier_node`'s parameters, those of the served model's labels and sensors included."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.model import Model
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.nodes.classifier.capture import CaptureOptions
from obstacle_classifier.nodes.classifier.outputs import OutputOptions
from obstacle_classifier.nodes.classifier.parameters import (
    LABEL_PARAMETERS,
    NODE_PARAMETERS,
    SENSOR_PARAMETERS,
    ParameterSpec,
    Value,
    declare,
)
from obstacle_classifier.nodes.classifier.subscriptions import SensorTopic

__all__ = ["Settings"]


class Settings:
    """Declares the node's parameters and gives their values.

    Every parameter always has a value: rclpy's services answer a read of many parameters with nothing if one of them
    has none. A parameter whose default is the model's *follows the model* until somebody sets it to another value, at
    start-up or at run time: its value is the served model's, also after a reload. Setting it back to the model's value
    makes it follow the model again.

    Raises:
        ConfigError: A value given at start-up is not allowed.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._specs: dict[str, ParameterSpec] = {}
        self._following: set[str] = set()
        self._warned: set[str] = set()
        self.declaring = False
        for spec in NODE_PARAMETERS:
            assert spec.default is not None
            self._declare(spec.name, spec, spec.default)

    def value(self, name: str) -> Value:
        """Value of a declared parameter."""
        value: Value = self._node.get_parameter(name).value
        return value

    def check(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Whether these values are allowed, beyond their types and ranges."""
        for parameter in parameters:
            spec = self._specs.get(parameter.name)
            reason = None if spec is None else spec.refuse(parameter.value)
            if reason is not None:
                return SetParametersResult(successful=False, reason=f"parameter '{parameter.name}': {reason}")
        return SetParametersResult(successful=True)

    def declare_for(self, model: Model) -> None:
        """Declare the parameters of a model's labels and sensors that are not declared yet.

        Raises:
            ConfigError: A value given at start-up is not allowed; no parameter was added.
        """
        added = []
        try:
            for name, (spec, default) in _defaults(model).items():
                if name not in self._specs:
                    self._declare(name, spec, default)
                    added.append(name)
        except ConfigError:
            for name in added:
                self._undeclare(name)
            raise

    def adopt(self, model: Model) -> list[str]:
        """Show the values of the model that is served from now on, and drop the parameters that it does not have.

        Returns:
            A line for each value given at start-up that no parameter takes: each only once in the node's life.
        """
        defaults = _defaults(model)
        for name in self._specs.keys() - defaults.keys() - {spec.name for spec in NODE_PARAMETERS}:
            self._undeclare(name)
        for name in self._following & defaults.keys():
            spec, default = defaults[name]
            if self.value(name) != default:  # declared anew: its range may depend on the model, too
                self._undeclare(name)
                self._declare(name, spec, default, ignore_override=True)
        return [self._ignored(name) for name in sorted(self._node._parameter_overrides) if self._is_news(name)]

    def note(self, parameters: Sequence[Parameter], model: Model) -> None:
        """Take note of values that somebody has set: a value other than the model's stays when the model changes."""
        defaults = _defaults(model)
        for parameter in parameters:
            spec, default = defaults.get(parameter.name, (None, None))
            if spec is None or spec.default is not None:
                continue
            if parameter.value == default:
                self._following.add(parameter.name)
            else:
                self._following.discard(parameter.name)

    def output_options(self) -> OutputOptions:
        """Which outputs to publish, and their frame."""
        return OutputOptions(
            spread=bool(self.value("publish_spread")),
            features=bool(self.value("publish_features")),
            markers=bool(self.value("publish_markers")),
            frame_id=str(self.value("frame_id")),
        )

    def capture_options(self) -> CaptureOptions:
        """What counts as worth keeping, and how often."""
        return CaptureOptions(
            delay=round(float(self.value("capture.delay")) * 1e9),
            hold=round(float(self.value("capture.hold")) * 1e9),
            spread=float(self.value("capture.spread")),
            band=float(self.value("capture.band")),
            unlike=float(self.value("capture.unlike")),
            events=bool(self.value("capture.events")),
            per_hour=int(self.value("capture.per_hour")),
            per_reason=int(self.value("capture.per_reason")),
        )

    def rules(self, model: Model) -> list[DecisionRule]:
        """The decision rule of each label."""
        rules = []
        for label, rule in zip(model.labels, model.rules, strict=True):
            changes: dict[str, Any] = {
                spec.key: self._choose(spec.name.format(label), getattr(rule, spec.key)) for spec in LABEL_PARAMETERS
            }
            rules.append(replace(rule, **changes))
        return rules

    def timeouts(self, model: Model) -> dict[str, int]:
        """Timeout in ns by sensor."""
        return {
            spec.name: round(float(self._choose(f"sensors.{spec.name}.timeout", spec.timeout / 1e9)) * 1e9)
            for spec in model.sensors.sensors
        }

    def topics(self, model: Model) -> dict[str, SensorTopic]:
        """The topic to subscribe to, by sensor."""
        return {
            spec.name: SensorTopic(
                topic=str(self._choose(f"sensors.{spec.name}.topic", spec.topic)),
                type_name=spec.type,
                reliability=str(self.value(f"sensors.{spec.name}.reliability")),
                depth=int(self.value(f"sensors.{spec.name}.depth")),
                schema=spec.schema,
            )
            for spec in model.sensors.sensors
        }

    def _choose(self, name: str, default: Value) -> Value:
        """The default of a model, served or to be served, unless somebody has set another value."""
        return default if name in self._following else self.value(name)

    def _declare(self, name: str, spec: ParameterSpec, default: Value, *, ignore_override: bool = False) -> None:
        self.declaring = True  # rclpy calls the callbacks for parameters that are set
        try:
            declare(self._node, spec, name, default, ignore_override=ignore_override)
        finally:
            self.declaring = False
        self._specs[name] = spec
        if spec.default is None and (ignore_override or name not in self._node._parameter_overrides):
            self._following.add(name)
        reason = spec.refuse(self.value(name))
        if reason is not None:
            self._undeclare(name)
            raise ConfigError(f"parameter '{name}': {reason}")

    def _undeclare(self, name: str) -> None:
        self._node._descriptors[name].read_only = False  # rclpy undeclares no parameter that is read-only
        self._node.undeclare_parameter(name)
        self._following.discard(name)
        del self._specs[name]

    def _is_news(self, name: str) -> bool:
        """Whether no parameter takes the start-up value of this name, and nobody has been told."""
        if name in self._warned or self._node.has_parameter(name):
            return False
        self._warned.add(name)
        return True

    def _ignored(self, name: str) -> str:
        near = difflib.get_close_matches(name, sorted(self._node._parameters), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        if name.startswith("qos_overrides."):
            hint = "; outputs have QoS overrides, sensors have sensors.<sensor>.reliability and depth"
        return f"parameter '{name}' is ignored: the node has no such parameter with this model{hint}"


def _defaults(model: Model) -> dict[str, tuple[ParameterSpec, Value]]:
    """The parameters of a model's labels and sensors: specification and default by name."""
    defaults: dict[str, tuple[ParameterSpec, Value]] = {}
    for label, rule in zip(model.labels, model.rules, strict=True):
        for spec in LABEL_PARAMETERS:
            defaults[spec.name.format(label)] = spec, spec.kind(getattr(rule, spec.key))
    for sensor in model.sensors.sensors:
        own: dict[str, Value] = {"topic": sensor.topic, "timeout": sensor.timeout / 1e9}
        for spec in SENSOR_PARAMETERS:
            default = own[spec.key] if spec.default is None else spec.default
            defaults[spec.name.format(sensor.name)] = spec, default
    return defaults
