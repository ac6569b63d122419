# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What the node publishes of an interval, and ~/classification where vision_msgs is and where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from obstacle_classifier.nodes.classifier.outputs import array_end, array_names
from obstacle_classifier.nodes.classifier.subscriptions import message_class
from obstacle_classifier.nodes.classifier.vision import CLASSIFICATION, classification
from obstacle_classifier.pipeline import Prediction
from test.helpers.rig import PARAMETERS, SENSORS, Rig, Subject, save_model
from test.helpers.ros import RELIABLE

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
