# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node's parameters as tools read and set them: over the services, many at once, before and after a reload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.srv import DescribeParameters, ListParameters

from obstacle_classifier.features import parse_sensors
from obstacle_classifier.model.decision import DecisionRule
from test.helpers.models import make_model
from test.helpers.rig import Rig, Subject

FIRST_RULES = (DecisionRule(0.25, 2, 3), DecisionRule(0.75, 1, 1))
SECOND_RULES = (DecisionRule(0.625, 4, 5), DecisionRule(0.125, 6, 2000))


def sensors(timeout: float, *labels: str) -> Any:
    noise = {"type": "std_msgs/msg/Float32", "topic": "/noise_level", "timeout": timeout}
    return parse_sensors({"interval": 0.1, "labels": list(labels), "sensors": {"noise": noise}}, "test")


def save_first(path: Path) -> None:
    make_model(sensors(0.3, "dog", "cat"), rules=FIRST_RULES).save(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parameters") / "model.npz"
    save_first(path)
    return path


@pytest.fixture(scope="module")
def rig(path: Path) -> Iterator[Rig]:
    with Rig() as rig:
        rig.start("parameters", f"model_path:={path}", "labels.cat.enter:=7")
        yield rig


@pytest.fixture
def subject(rig: Rig, path: Path) -> Subject:
    """The node, which serves the first model."""
    (subject,) = rig.subjects
    save_first(path)
    assert rig.reload(subject).success
    return subject


def names(rig: Rig, subject: Subject) -> list[str]:
    request = ListParameters.Request()
    return list(rig.call(ListParameters, f"/{subject.name}/list_parameters", request).result.names)


def read(rig: Rig, subject: Subject, wanted: Sequence[str]) -> dict[str, Any]:
    """Values by name, read by one request, as `ros2 param dump` does."""
    return dict(zip(wanted, rig.get_parameters(subject, *wanted), strict=True))


def describe(rig: Rig, subject: Subject, name: str) -> ParameterDescriptor:
    request = DescribeParameters.Request(names=[name])
    (descriptor,) = rig.call(DescribeParameters, f"/{subject.name}/describe_parameters", request).descriptors
    return descriptor


def test_dump_reads_every_parameter_with_its_effective_value(rig: Rig, subject: Subject, path: Path) -> None:
    values = read(rig, subject, names(rig, subject))
    assert None not in values.values()
    expected = {
        "model_path": str(path),
        "labels.dog.threshold": 0.25,
        "labels.dog.enter": 2,
        "labels.dog.exit": 3,
        "labels.cat.threshold": 0.75,
        "labels.cat.enter": 7,
        "labels.cat.exit": 1,
        "sensors.noise.topic": "/noise_level",
        "sensors.noise.timeout": 0.3,
        "sensors.noise.reliability": "best_effort",
        "sensors.noise.depth": 50,
        "qos_overrides./parameters/obstacles.publisher.reliability": "reliable",
    }
    assert values.items() >= expected.items()


def test_every_parameter_is_described(rig: Rig, subject: Subject) -> None:
    wanted = [name for name in names(rig, subject) if name.startswith(("labels.", "sensors."))]
    assert wanted
    for name in wanted:
        descriptor = describe(rig, subject, name)
        assert descriptor.name == name
        assert descriptor.description
        assert descriptor.type != 0


def test_values_follow_the_model_until_they_are_set(rig: Rig, subject: Subject, path: Path) -> None:
    set_by_hand = {"labels__dog__threshold": 0.5, "sensors__noise__timeout": 0.9}
    assert rig.set_parameters(subject, **set_by_hand) == [None, None]
    make_model(sensors(0.7, "dog", "cat"), rules=SECOND_RULES).save(path)
    assert rig.reload(subject).success
    dog, cat = ([f"labels.{label}.{key}" for key in ("threshold", "enter", "exit")] for label in ("dog", "cat"))
    values = read(rig, subject, [*dog, *cat, "sensors.noise.timeout"])
    assert list(values.values()) == [0.5, 4, 5, 0.125, 7, 2000, 0.9], "set ones stay, the others follow"
    assert describe(rig, subject, "labels.cat.exit").integer_range[0].to_value == 2000, "the model's value is allowed"

    back = {"labels__dog__threshold": 0.625, "sensors__noise__timeout": 0.7}  # the model's values
    assert rig.set_parameters(subject, **back) == [None, None]
    save_first(path)
    assert rig.reload(subject).success
    values = read(rig, subject, ["labels.dog.threshold", "labels.cat.exit", "sensors.noise.timeout"])
    assert list(values.values()) == [0.25, 1, 0.3], "a parameter that was set back follows again"


def test_model_with_other_labels_changes_the_parameters(rig: Rig, subject: Subject, path: Path) -> None:
    assert rig.set_parameters(subject, labels__cat__threshold=0.9) == [None]
    make_model(sensors(0.3, "cat", "bicycle"), rules=SECOND_RULES).save(path)
    assert rig.reload(subject).success
    wanted = [name for name in names(rig, subject) if name.endswith(".threshold")]
    assert read(rig, subject, sorted(wanted)) == {"labels.bicycle.threshold": 0.125, "labels.cat.threshold": 0.9}
    assert rig.set_parameters(subject, labels__cat__threshold=0.625) == [None]


def test_refused_model_path_changes_neither_parameters_nor_status(rig: Rig, subject: Subject, path: Path) -> None:
    other = path.with_name("other.npz")
    for value, reason in (
        ("", "parameter 'model_path': found no value, expected the path of a model file"),
        (str(other), f"parameter 'model_path': {other}: cannot be read: No such file or directory"),
    ):
        assert rig.set_parameters(subject, model_path=value) == [reason]
        assert f"refused, still serving the previous model: {reason}" in subject.process.log
        subject.forget()
        rig.run(lambda: subject.level("model"), "diagnostics of the model")
        assert subject.message("model") == "serving"
    assert read(rig, subject, ["model_path"]) == {"model_path": str(path)}
