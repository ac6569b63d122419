# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The outputs of an interval, their QoS, and ~/classification with and without vision_msgs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from std_msgs.msg import String

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.nodes.classifier.installed_types import message_class
from obstacle_classifier.nodes.classifier.outputs import array_end, array_names
from obstacle_classifier.nodes.classifier.subscriptions import SensorSubscriptions, SensorTopic
from obstacle_classifier.nodes.classifier.vision import CLASSIFICATION, classification
from obstacle_classifier.pipeline import Prediction
from test.helpers.rig import PARAMETERS, SENSORS, Rig, Subject, save_model
from test.helpers.ros import NAME, RELIABLE, NodeProcess, destroy

VISION = find_spec("vision_msgs") is not None
needs_vision = pytest.mark.skipif(not VISION, reason="vision_msgs is not installed")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    path = tmp_path_factory.mktemp("outputs") / "model.npz"
    save_model(path)
    with Rig() as rig:
        rig.feed_sensors()
        rig.start("outputs", f"model_path:={path}", "publish_features:=true", "frame_id:=mast", *PARAMETERS)
        yield rig


@pytest.fixture
def subject(rig: Rig) -> Subject:
    return rig.subjects[0]


def receive(rig: Rig, type_name: str, topic: str, count: int = 5) -> list[object]:
    received: list[object] = []
    subscription = rig.node.create_subscription(message_class(type_name), topic, received.append, RELIABLE)
    rig.run(lambda: len(received) >= count, topic)
    rig.node.destroy_subscription(subscription)
    return received


def test_arrays_carry_end_and_names(rig: Rig) -> None:
    (probabilities, *_) = receive(rig, "std_msgs/msg/Float32MultiArray", "/outputs/probabilities")
    (features, *_) = receive(rig, "std_msgs/msg/Float64MultiArray", "/outputs/features")
    for message, names in ((probabilities, SENSORS.labels), (features, SENSORS.columns)):
        assert array_end(message) % SENSORS.interval == 0
        assert array_names(message) == list(names)
        row, column = message.layout.dim  # type: ignore[attr-defined]
        assert (row.size, row.stride, column.size, column.stride) == (1, len(names), len(names), len(names))
        assert len(message.data) == len(names)  # type: ignore[attr-defined]


def test_qos_overrides_apply_to_the_outputs(rig: Rig, tmp_path: Path) -> None:
    save_model(tmp_path / "model.npz")
    topic = "/overridden/obstacles"
    override = f"qos_overrides.{topic}.publisher"
    overrides = [f"{override}.durability:=transient_local", f"{override}.depth:=3"]
    overrides.append("qos_overrides./diagnostics.publisher.reliability:=best_effort")
    ignored = "qos_overrides./scan.subscription.depth"
    subject = rig.start("overridden", f"model_path:={tmp_path / 'model.npz'}", *overrides, f"{ignored}:=3", *PARAMETERS)
    rig.run(lambda: subject.known, "outputs")

    def profile(topic: str) -> Any:
        (info,) = (i for i in rig.node.get_publishers_info_by_topic(topic) if i.node_name == subject.name)
        return info.qos_profile

    assert profile(topic).durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert profile(topic).reliability == ReliabilityPolicy.RELIABLE, "the default stays"
    assert profile("/overridden/probabilities").durability == DurabilityPolicy.VOLATILE
    assert profile("/diagnostics").reliability == ReliabilityPolicy.BEST_EFFORT
    assert rig.get_parameters(subject, f"{override}.depth") == [3]
    assert subject.process.log.count(f"parameter '{ignored}' is ignored: ") == 1
    rig.feeds["noise"].on = rig.feeds["imu"].on = rig.feeds["scan"].on = False
    subject.process.signal(signal.SIGTERM)
    assert subject.process.wait() == 0
    rig.subjects.remove(subject)
    for feed in rig.feeds.values():
        feed.on = True


@pytest.mark.parametrize(
    ("policy", "value", "reason"),
    [
        ("reliability", "mostly", "Unexpected QoS override for policy `reliability`: `mostly`"),
        ("depth", "0", "depth: found 0, expected 1 or more"),
        ("depth", "many", "of type 'STRING', expecting type 'INTEGER'"),
    ],
)
def test_wrong_qos_override_ends_the_start(tmp_path: Path, policy: str, value: str, reason: str) -> None:
    save_model(tmp_path / "model.npz")
    name = f"qos_overrides.{NAME}/obstacles.publisher"
    parameters = (f"model_path:={tmp_path / 'model.npz'}", f"{name}.{policy}:={value}")
    with NodeProcess("classifier_node", *parameters) as node:
        assert node.wait() == 1
        last = node.log.splitlines()[-1]
        assert last.startswith(f"classifier_node: {name}: ")
        assert reason in last
        assert "Traceback" not in node.log


def test_topic_denied_by_a_security_policy_has_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A type conflict stands in for the denial: rclpy reports both as an error that has no reason."""
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    context = Context()
    with monkeypatch.context() as unsecured:
        unsecured.setenv("ROS_SECURITY_ENABLE", "false")
        rclpy.init(context=context)
        node = Node("denied", context=context)
    try:
        node.create_publisher(String, "/noise_level", 10)
        subscriptions = SensorSubscriptions(node, lambda sensor, data: None)
        topic = SensorTopic("/noise_level", "std_msgs/msg/Float32", "best_effort", 1)
        with pytest.raises(ConfigError, match=r"^/noise_level: cannot subscribe to .*; SROS 2 is enabled: the policy"):
            subscriptions.update({"noise": topic})
    finally:
        destroy(node)


@pytest.mark.skipif(VISION, reason="vision_msgs is installed")
def test_without_vision_msgs_there_is_no_classification(rig: Rig, subject: Subject) -> None:
    assert CLASSIFICATION is None
    rig.run(lambda: subject.known, "outputs")
    topics = {topic for topic, _ in rig.node.get_topic_names_and_types()}
    assert "/outputs/probabilities" in topics
    assert "/outputs/classification" not in topics


@needs_vision
def test_classification_of_an_interval() -> None:
    known = Prediction(1_500_000_000, np.zeros(3), False, (), np.array([0.75, 0.25], np.float32), ("a",))
    message = classification(known, ("a", "b"), "mast")
    assert (message.header.stamp.sec, message.header.stamp.nanosec, message.header.frame_id) == (1, 500_000_000, "mast")
    assert [(result.class_id, result.score) for result in message.results] == [("a", 0.75), ("b", 0.25)]
    unknown = Prediction(1_500_000_000, np.zeros(3), True, ("scan",), np.full(2, np.nan, np.float32), None)
    assert classification(unknown, ("a", "b"), "mast").results == []


@needs_vision
def test_classification_is_published(rig: Rig, subject: Subject) -> None:
    rig.run(lambda: subject.known, "outputs")
    for message in receive(rig, "vision_msgs/msg/Classification", "/outputs/classification"):
        stamp = message.header.stamp  # type: ignore[attr-defined]
        assert (stamp.sec * 10**9 + stamp.nanosec) % SENSORS.interval == 0
        assert message.header.frame_id == "mast"  # type: ignore[attr-defined]
        assert [result.class_id for result in message.results] == list(SENSORS.labels)  # type: ignore[attr-defined]
    rig.feeds["scan"].on = False
    rig.run(lambda: subject.unknown, "unknown intervals")
    (message, *_) = receive(rig, "vision_msgs/msg/Classification", "/outputs/classification", count=1)
    assert message.results == []  # type: ignore[attr-defined]
    rig.feeds["scan"].on = True
