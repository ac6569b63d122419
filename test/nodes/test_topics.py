# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The topics of a node with a namespace, from the sensors file, a parameter and remappings, against its graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn

from obstacle_classifier.features import parse_sensors
from obstacle_classifier.nodes.classifier.topics import node_name, sensor_topics
from obstacle_classifier.nodes.classifier_node import ClassifierNode
from test.helpers.models import make_model

FLOAT = "std_msgs/msg/Float32"
SENSORS = parse_sensors(
    {
        "interval": 0.1,
        "labels": ["a"],
        "sensors": {name: {"type": FLOAT, "topic": topic} for name, topic in (("n", "mic/noise"), ("l", "/light"))},
    },
    "test",
)
TOPIC = "/**:\n  ros__parameters: {sensors: {n: {topic: %s}}}\n"

LATER = "/robot1/*: {ros__parameters: {sensors: {n: {topic: last}}}}\n"


@pytest.mark.parametrize(
    ("namespace", "params", "remappings", "expected"),
    [
        ("", "", "", ["/mic/noise", "/light"]),
        ("robot1", "", "", ["/robot1/mic/noise", "/light"]),
        ("/robot1/", TOPIC % "noise", "", ["/robot1/noise", "/light"]),
        ("robot1", TOPIC % "/noise", "", ["/noise", "/light"]),
        ("robot1", "/robot1/classifier:\n" + TOPIC.split("\n", 1)[1] % "own", "", ["/robot1/own", "/light"]),
        ("robot1", "robot1: {'*': {ros__parameters: {sensors.n.topic: dotted}}}\n", "", ["/robot1/dotted", "/light"]),
        (
            "robot1",
            TOPIC % "first" + LATER,
            "",
            ["/robot1/last", "/light"],
        ),
        ("robot1", "/other:\n" + TOPIC.split("\n", 1)[1] % "other", "", ["/robot1/mic/noise", "/light"]),
        ("robot1", TOPIC % "noise", "noise:=loud /light:=lux", ["/robot1/loud", "/robot1/lux"]),
    ],
)
def test_topics_are_those_of_the_graph(
    tmp_path: Path, namespace: str, params: str, remappings: str, expected: Sequence[str]
) -> None:
    model, params_file = tmp_path / "model.npz", tmp_path / "params.yaml"
    make_model(SENSORS).save(model)
    params_file.write_text(params or "/**: {ros__parameters: {autostart: true}}\n", encoding="utf-8")
    name = node_name("classifier", namespace)
    assert sensor_topics(SENSORS, name, params_file, remappings) == expected

    rules = [*remappings.split(), "__node:=classifier", f"__ns:=/{namespace.strip('/')}"]
    arguments = ["--params-file", str(params_file), "-p", f"model_path:={model}"]
    context = Context()
    rclpy.init(args=["--ros-args", *arguments, *(part for rule in rules for part in ("-r", rule))], context=context)
    try:
        node = ClassifierNode(context)
        assert node.get_fully_qualified_name() == name
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS, node.failure
        assert {state.topic for state in node._sensor_subscriptions.states().values()} == set(expected)
        assert set(expected) <= {subscription.topic_name for subscription in node.subscriptions}
        node.trigger_shutdown()
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_start_with_a_topic_that_is_none_says_so(tmp_path: Path) -> None:
    model = tmp_path / "model.npz"
    make_model(SENSORS).save(model)
    context = Context()
    arguments = ["-p", f"model_path:={model}", "-p", "sensors.n.topic:=~/noise"]
    rclpy.init(args=["--ros-args", *arguments], context=context)
    try:
        node = ClassifierNode(context)
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert node.failure == (
            "parameter 'sensors.n.topic': found '~/noise', expected a topic name such as /scan, or scan for a topic in "
            "the node's namespace"
        )
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
