# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The parameters as declared, as documented, and as config/classifier.yaml sets them.

`python -m test.nodes.test_parameters` writes the table of docs/parameters.md anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("rclpy", reason="rclpy is not installed")

import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from obstacle_classifier.nodes.classifier.parameters import (
    LABEL_PARAMETERS,
    NODE_PARAMETERS,
    SENSOR_PARAMETERS,
    markdown_table,
)
from obstacle_classifier.nodes.classifier_node import ClassifierNode
from test.helpers.models import SENSORS, make_model

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "parameters.md"
CLASSIFIER = ROOT / "config" / "classifier.yaml"
GENERATED = re.compile(r"(<!-- begin: [^\n]* -->\n)(.*)(<!-- end -->\n)", re.DOTALL)
# Settings that are switched off have their "#" in the first column, comments are indented or have one space.
SWITCHED_OFF = re.compile(r"^#(?= {4,}\S)", re.MULTILINE)
ROS = {"start_type_description_service"}  # of every node of Jazzy; nobody sets it


def with_table(text: str) -> str:
    """The document with the table as the declarations give it now."""
    return GENERATED.sub(lambda match: match[1] + "\n" + markdown_table() + "\n" + match[3], text)


def flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested parameters by dotted name."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def settings(text: str) -> dict[str, Any]:
    return flat(yaml.safe_load(text)["/**"]["ros__parameters"])


@contextmanager
def node_with(params_file: Path) -> Iterator[ClassifierNode]:
    context = Context()
    rclpy.init(args=["--ros-args", "--params-file", str(params_file)], context=context)
    try:
        node = ClassifierNode(context)
        yield node
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def values(node: ClassifierNode) -> dict[str, Any]:
    names = set(node.list_parameters([], 0).names) - ROS
    return {name: node.get_parameter_or(name, Parameter(name)).value for name in names}


def test_the_document_has_the_table_of_the_declarations() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert GENERATED.search(text), "the markers are gone"
    assert text == with_table(text), "run: python -m test.nodes.test_parameters"


def test_every_declaration_says_what_it_does_and_what_is_allowed() -> None:
    for spec in (*NODE_PARAMETERS, *SENSOR_PARAMETERS, *LABEL_PARAMETERS):
        assert spec.description, spec.name
        assert spec.bounds is not None or spec.kind in (bool, str), f"{spec.name}: a number needs a range"
        assert spec.default is None or isinstance(spec.default, spec.kind), spec.name
        assert spec.refuse(spec.default) is None or spec.default is None, spec.name


def test_the_file_sets_what_is_declared_to_its_default() -> None:
    """Nothing else and nothing less: the node has no value that the file does not show."""
    expected = {spec.name: spec.default for spec in NODE_PARAMETERS}
    assert settings(CLASSIFIER.read_text(encoding="utf-8")) == expected
    with node_with(CLASSIFIER) as node:
        own = {name: value for name, value in values(node).items() if not name.startswith("qos_overrides.")}
        assert own == expected | {"use_sim_time": False}
        assert set(node._parameter_overrides) == set(expected), "rclpy reads the file as YAML does"


def test_the_settings_switched_off_are_the_clock_and_those_of_a_sensor_and_a_label(tmp_path: Path) -> None:
    text = CLASSIFIER.read_text(encoding="utf-8")
    switched_on = SWITCHED_OFF.sub("", text)
    extra = {name: value for name, value in settings(switched_on).items() if name not in settings(text)}
    expected = {"use_sim_time"}  # a value here would win over SetParameter of a launch file
    expected |= {spec.name.format("scan") for spec in SENSOR_PARAMETERS}
    expected |= {spec.name.format("pedestrian") for spec in LABEL_PARAMETERS}
    expected |= {
        f"qos_overrides./obstacle_classifier/obstacles.publisher.{policy}"
        for policy in ("history", "depth", "reliability", "durability")
    }
    assert set(extra) == expected
    for spec in SENSOR_PARAMETERS:
        assert spec.default in (None, extra[spec.name.format("scan")]), f"{spec.name}: not the default"

    model = tmp_path / "model.npz"
    make_model(SENSORS).save(model)
    params_file = tmp_path / "classifier.yaml"
    params_file.write_text(switched_on.replace('model_path: ""', f"model_path: {model}"), encoding="utf-8")
    with node_with(params_file) as node:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS, node.failure
        assert values(node).items() >= extra.items()
        assert set(node._parameter_overrides) <= set(values(node)), "the node ignores a setting"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
