# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The fields of installed message types, and the refusal of a type that is not what the model was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")
pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.typesys import Stores, get_typestore

from obstacle_classifier.bags.definitions import definition_text
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.nodes.classifier.installed_types import check_installed, installed_schema
from obstacle_classifier.nodes.classifier.subscriptions import SensorSubscriptions, SensorTopic
from obstacle_classifier.sensing import MESSAGE_TYPES, parse_definition
from test.helpers.models import make_model
from test.helpers.rig import Rig
from test.helpers.ros import NodeProcess

STORE = get_typestore(Stores.ROS2_JAZZY)
BY_PATH = sorted(name for name, kind in MESSAGE_TYPES.items() if kind.by_path)
OTHERS = [
    "diagnostic_msgs/msg/DiagnosticArray",
    "geometry_msgs/msg/AccelWithCovarianceStamped",
    "geometry_msgs/msg/PolygonStamped",
    "nav_msgs/msg/OccupancyGrid",
    "sensor_msgs/msg/CameraInfo",
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/JointState",
    "std_msgs/msg/ByteMultiArray",
    "std_msgs/msg/Char",
    "std_msgs/msg/Empty",
    "trajectory_msgs/msg/MultiDOFJointTrajectory",
    "visualization_msgs/msg/Marker",
]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


@pytest.mark.parametrize("type_name", [*BY_PATH, *OTHERS])
def test_installed_types_are_those_of_the_definitions_that_bags_carry(type_name: str) -> None:
    assert installed_schema(type_name) == parse_definition(definition_text(STORE.fielddefs, type_name))


@pytest.mark.parametrize("type_name", BY_PATH)
def test_known_types_are_as_installed(type_name: str) -> None:
    check_installed(type_name, MESSAGE_TYPES[type_name].schema)


def test_a_type_with_other_fields_is_refused() -> None:
    expected = parse_definition("Vector3 linear\nVector3 angular\n===\nMSG: x/Vector3\nfloat32 x\nfloat32 y\nfloat32 z")
    with pytest.raises(ConfigError) as caught:
        check_installed("geometry_msgs/msg/Twist", expected)
    assert str(caught.value) == (
        "message type geometry_msgs/msg/Twist: the installed definition is not that of the model: field linear.x: "
        "found float64, expected float32"
    )


def test_a_type_that_is_not_installed_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^message type my_msgs/msg/Pack: cannot be loaded: No module named 'my_msgs'"
    ):
        check_installed("my_msgs/msg/Pack", None)


def test_nothing_changes_if_one_of_the_topics_has_a_type_with_other_fields(rig: Rig) -> None:
    subscriptions = SensorSubscriptions(rig.node, lambda sensor, data: None)
    good = SensorTopic("/good", "std_msgs/msg/Int8", "reliable", 1, MESSAGE_TYPES["std_msgs/msg/Int8"].schema)
    subscriptions.update({"good": good})
    bad = SensorTopic("/bad", "std_msgs/msg/Int8", "reliable", 1, MESSAGE_TYPES["std_msgs/msg/Int16"].schema)
    with pytest.raises(ConfigError, match="field data: found int8, expected int16"):
        subscriptions.update({"bad": bad})
    assert list(subscriptions.states()) == ["good"]
    subscriptions.clear()


def test_a_node_does_not_start_with_a_model_of_another_definition(tmp_path: Path) -> None:
    definition = "Vector3 force\nVector3 torque\n===\nMSG: geometry_msgs/Vector3\nfloat32 x\nfloat32 y\nfloat32 z\n"
    entry = {
        "type": "geometry_msgs/msg/Wrench",
        "topic": "/wrench",
        "channels": ["force.x"],
        "definition": definition,
    }
    sensors = parse_sensors({"interval": 0.1, "labels": ["a"], "sensors": {"wrench": entry}}, "test")
    make_model(sensors).save(tmp_path / "m.npz")
    with NodeProcess("classifier_node", f"model_path:={tmp_path / 'm.npz'}", "autostart:=true") as node:
        assert node.wait() == 1
        assert "Traceback" not in node.log
        assert node.log.splitlines()[-1] == (
            "classifier_node: message type geometry_msgs/msg/Wrench: the installed definition is not that of the "
            "model: field force.x: found float64, expected float32"
        )
