# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The parameters of `classifier_node` as they stand: declared for the model that is served, read as plain values."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import SensorSpec
from obstacle_classifier.model import Model
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.nodes.classifier.outputs import OutputOptions
from obstacle_classifier.nodes.classifier.parameters import (
    LABEL_PARAMETERS,
    NODE_PARAMETERS,
    SENSOR_PARAMETERS,
    ParameterSpec,
    declare,
)
from obstacle_classifier.nodes.classifier.subscriptions import TopicQoS

__all__ = ["Settings"]

Value = bool | int | float | str | None


class Settings:
    """Declares the node's parameters, those of labels and sensors with the model, and answers what they say.

    Raises:
        ConfigError: A value given at start-up is not allowed.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._specs: dict[str, ParameterSpec] = {}
        self._warned: set[str] = set()
        self.declaring = False
        for spec in NODE_PARAMETERS:
            self._declare(spec.name, spec, "")

    def value(self, name: str) -> Value:
        """Value of a declared parameter, None if unset."""
        value: Value = self._node.get_parameter_or(name, Parameter(name)).value
        return value

    def text(self, name: str) -> str:
        """Value of a parameter that is a text."""
        return str(self.value(name))

    def check(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Whether these values are allowed, beyond what types and ranges say."""
        for parameter in parameters:
            spec = self._specs.get(parameter.name)
            reason = None if spec is None else spec.refuse(parameter.value)
            if reason is not None:
                return SetParametersResult(successful=False, reason=f"parameter '{parameter.name}': {reason}")
        return SetParametersResult(successful=True)

    def declare_for(self, model: Model) -> None:
        """Declare what is missing of the parameters of a model's labels and sensors.

        Raises:
            ConfigError: A value given at start-up is not allowed; nothing more is declared than before.
        """
        declared = []
        try:
            for name, (spec, key) in _parameters(model).items():
                if name not in self._specs:
                    self._declare(name, spec, key)
                    declared.append(name)
        except ConfigError:
            for name in declared:
                self._undeclare(name)
            raise

    def forget_others(self, model: Model) -> list[str]:
        """Drop the parameters of labels and sensors that a model does not have.

        Returns:
            A line for each value given at start-up that no parameter takes: each only once in the node's life.
        """
        wanted = _parameters(model).keys() | {spec.name for spec in NODE_PARAMETERS}
        for name in self._specs.keys() - wanted:
            self._undeclare(name)
        lines = []
        for name in sorted(self._node._parameter_overrides.keys() - self._warned):
            if not self._node.has_parameter(name) and not name.startswith("qos_overrides."):
                self._warned.add(name)
                near = difflib.get_close_matches(name, sorted(wanted), n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                lines.append(f"parameter '{name}' is ignored: there is none of that name with this model{hint}")
        return lines

    def output_options(self) -> OutputOptions:
        """What to publish."""
        return OutputOptions(
            features=bool(self.value("publish_features")),
            markers=bool(self.value("publish_markers")),
            frame_id=self.text("frame_id"),
        )

    def rules(self, model: Model) -> list[DecisionRule]:
        """How to decide, label by label: the model's rule where nothing else is set."""
        rules = []
        for label, rule in zip(model.labels, model.rules, strict=True):
            values = {field: self.value(f"labels.{label}.{field}") for field in ("threshold", "enter", "exit")}
            known = {field: value for field, value in values.items() if value is not None}
            rules.append(DecisionRule(**{**vars(rule), **known}))
        return rules

    def timeouts(self, model: Model) -> dict[str, int]:
        """Timeout in ns by sensor."""
        timeouts = {}
        for spec in model.sensors.sensors:
            value = self.value(f"sensors.{spec.name}.timeout")
            timeouts[spec.name] = spec.timeout if value is None else round(float(value) * 1e9)
        return timeouts

    def topics(self, model: Model) -> dict[str, tuple[SensorSpec, TopicQoS]]:
        """What to subscribe to, by sensor."""
        topics = {}
        for spec in model.sensors.sensors:
            depth = self.value(f"sensors.{spec.name}.depth")
            qos = TopicQoS(self.text(f"sensors.{spec.name}.reliability"), int(depth or 1))
            topics[spec.name] = (spec, qos)
        return topics

    def _declare(self, name: str, spec: ParameterSpec, key: str) -> None:
        # Declaring calls the callbacks for parameters that are set.
        self.declaring = True
        try:
            declare(self._node, spec, key)
        finally:
            self.declaring = False
        self._specs[name] = spec
        value = self.value(name)
        reason = None if value is None else spec.refuse(value)
        if reason is not None:
            if not spec.read_only:
                self._undeclare(name)
            raise ConfigError(f"parameter '{name}': {reason}")

    def _undeclare(self, name: str) -> None:
        self._node.undeclare_parameter(name)
        del self._specs[name]


def _parameters(model: Model) -> dict[str, tuple[ParameterSpec, str]]:
    """The parameters of a model's labels and sensors: specification and label or sensor, by name."""
    parameters = {spec.name.format(label): (spec, label) for label in model.labels for spec in LABEL_PARAMETERS}
    for sensor in model.sensors.sensors:
        parameters |= {spec.name.format(sensor.name): (spec, sensor.name) for spec in SENSOR_PARAMETERS}
    return parameters
