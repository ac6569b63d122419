# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Changes of the model file and the parameters while a node serves, over DDS with either executor."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from rcl_interfaces.srv import ListParameters, SetParameters
from rclpy.parameter import Parameter
from std_msgs.msg import Float64MultiArray
from visualization_msgs.msg import MarkerArray

from obstacle_classifier.features import parse_sensors
from test.helpers.messages import make_float64
from test.helpers.models import make_model
from test.helpers.rig import ENTER, EXECUTORS, OK, PARAMETERS, SENSORS, WARN, Rig, Subject, save_model, scan
from test.helpers.ros import RELIABLE

MEGABYTE = 2**20
OTHER = parse_sensors(
    {
        "interval": 0.1,
        "labels": ["never", "dog"],
        "sensors": {
            "front": {"type": "sensor_msgs/msg/LaserScan", "topic": "/front/scan", "sectors": 2, "required": True},
            "noise": {"type": "std_msgs/msg/Float64", "topic": "/noise_level", "timeout": 0.4},
        },
    },
    "test",
)
"""Another sensor on another topic, another type on the same topic, one sensor less, another label and interval."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "model.npz"


@pytest.fixture(scope="module")
def rig(path: Path) -> Iterator[Rig]:
    """One node of each executor; one threshold is misspelt."""
    save_model(path)
    with Rig() as rig:
        rig.feed_sensors()
        for executor in EXECUTORS:
            parameters = (f"model_path:={path}", f"executor:={executor}", "labels.alwys.threshold:=0.3", *PARAMETERS)
            rig.start(f"model_{executor}", *parameters)
        rig.settle()
        yield rig


# --- The model file ---------------------------------------------------------------------------------------------------


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [Path.unlink, truncate, flip_a_bit, make_folder, make_pipe])
def test_damaged_model_is_refused_and_the_old_one_serves(rig: Rig, path: Path, damage: Callable[[Path], None]) -> None:
    before = save_model(path)
    for subject in rig.subjects:
        assert rig.reload(subject).success
    rig.settle()
    for subject in rig.subjects:
        subject.forget()
    damage(path)
    for subject in rig.subjects:
        response = rig.reload(subject)
        assert not response.success
        assert response.message.startswith(f"{path}: ")
        (reason,) = rig.set_parameters(subject, model_path=str(path))
        assert reason == f"parameter 'model_path': {response.message}"
        assert f"refused, still serving the previous model: {reason}" in subject.process.log
        assert response.message in subject.process.log
    rig.run_all(lambda subject: subject.level("model") == WARN, "diagnostics of the reload")
    for subject in rig.subjects:
        assert subject.message("model").startswith(f"reload failed, still serving the previous model: {path}: ")
        assert subject.values("model")["model"] == before
        assert set(subject.obstacles) == {"always"}
        assert not any(math.isnan(p[0]) for _, p in subject.intervals)
    if path.is_dir():
        path.rmdir()
    elif path.exists():
        path.unlink()


def test_replaced_model_takes_over_between_two_intervals(rig: Rig, path: Path) -> None:
    save_model(path)
    for subject in rig.subjects:
        assert rig.reload(subject).success
    rig.settle()
    new = save_model(path, seed=3)
    for subject in rig.subjects:
        subject.forget()
        assert rig.reload(subject).message == f"serving {path}: model {new}"
    rig.run_all(lambda subject: subject.healthy and subject.values("model")["model"] == new, "the new model")
    for subject in rig.subjects:
        steps = [later - end for (end, _), (later, _) in itertools.pairwise(subject.intervals)]
        assert set(steps) == {SENSORS.interval}, "no interval is missed"
        assert not any(math.isnan(p[0]) for _, p in subject.intervals), "windows go on"
        reset = subject.obstacles.index("")
        assert subject.obstacles[reset : reset + ENTER] == [""] * (ENTER - 1) + ["always"]


def test_model_with_other_sensors_topics_types_and_labels(rig: Rig, path: Path) -> None:
    make_model(OTHER).save(path)
    scans = rig.feeds["scan"].publisher
    rig.drop("noise")
    stranger = rig.new_node("stranger")  # a participant has one type on a topic
    rig.feed("front", "sensor_msgs/msg/LaserScan", "/front/scan", scan, RELIABLE)
    rig.feed("noise", "std_msgs/msg/Float64", "/noise_level", lambda: make_float64(1.0), RELIABLE, stranger)
    for subject in rig.subjects:
        values = {"labels__always__threshold": 0.25, "labels__never__threshold": 0.75, "sensors__noise__timeout": 0.7}
        assert rig.set_parameters(subject, **values) == [None] * 3
        assert rig.reload(subject).success
        subject.forget()
    names = ("sensor front", "sensor noise", "output", "model")
    rig.run_all(
        lambda subject: subject.known and all(subject.level(name) == OK for name in names), "the other model's outputs"
    )
    rig.run(lambda: scans.get_subscription_count() == 0, "no more subscriptions to what is not read")
    for subject in rig.subjects:
        assert subject.diagnostics.keys() == {*names, "clock"}
        assert all(end % OTHER.interval == 0 for end, _ in subject.intervals[-3:])
        declared = rig.call(ListParameters, f"/{subject.name}/list_parameters", ListParameters.Request())
        own = {name for name in declared.result.names if name.startswith(("labels.", "sensors."))}
        assert {name.split(".")[1] for name in own} == {"never", "dog", "front", "noise"}
        assert parameter(rig, subject, "labels.never.threshold") == 0.75, "survives while the label does"
        assert parameter(rig, subject, "sensors.noise.timeout") == 0.7

    rig.drop("noise")
    rig.drop("front")
    rig.remove_node(stranger)
    rig.feed_sensors()
    save_model(path)
    for subject in rig.subjects:
        assert rig.reload(subject).success
        subject.forget()
        values = {"labels__never__threshold": 1.0, "sensors__noise__timeout": 0.4}
        assert rig.set_parameters(subject, **values) == [None] * 2
    rig.settle()


def test_types_of_a_topic_follow_each_other_at_once(rig: Rig, path: Path) -> None:
    others = []
    for number, kind in enumerate(("std_msgs/msg/Float64", "std_msgs/msg/Bool", "std_msgs/msg/Float32")):
        others.append(path.with_name(f"type{number}.npz"))
        document = {"interval": 0.1, "labels": ["a"], "sensors": {"noise": {"type": kind, "topic": "/noise_level"}}}
        make_model(parse_sensors(document, "test")).save(others[-1])
    for subject in rig.subjects:
        values = [str(other) for other in (*others, path)]
        assert [rig.set_parameters(subject, model_path=value) for value in values] == [[None]] * 4
        client = rig.client(SetParameters, f"/{subject.name}/set_parameters")
        requests = [
            SetParameters.Request(parameters=[Parameter("model_path", value=value).to_parameter_msg()])
            for value in values * 2
        ]
        # All in the node's queue at once, which holds ten: more would be lost while the node is at work.
        futures = [client.call_async(request) for request in requests]
        rig.run(lambda futures=futures: all(future.done() for future in futures), "answers")  # type: ignore[misc]
        assert all(future.result().results[0].successful for future in futures)
    rig.settle()


def test_model_whose_topic_cannot_be_subscribed_to_is_refused(rig: Rig, path: Path) -> None:
    for subject in rig.subjects:
        subject.forget()
        topic = f"/{subject.name}/obstacles"  # the node's own, of another type
        bad = parse_sensors(
            {"interval": 0.1, "labels": ["a"], "sensors": {"x": {"type": "std_msgs/msg/Bool", "topic": topic}}}, "test"
        )
        make_model(bad).save(path)
        response = rig.reload(subject)
        assert not response.success
        assert response.message.startswith(f"{topic}: cannot subscribe to std_msgs/msg/Bool: ")
    save_model(path)
    for subject in rig.subjects:
        assert rig.reload(subject).success
    rig.settle()


def test_200_reloads_under_load(rig: Rig, path: Path) -> None:
    others = [path.with_name(f"{seed}.npz") for seed in (1, 2)]
    digests = [save_model(other, seed) for seed, other in enumerate(others, 1)]
    resident: list[int] = []
    for subject in rig.subjects:
        subject.forget()
        for count in range(200):
            others[count % 2].replace(path)
            response = rig.reload(subject)
            assert response.message == f"serving {path}: model {digests[count % 2]}"
            others[count % 2].hardlink_to(path)
            if count == 40:
                resident.append(subject.process.resident())
        assert subject.process.resident() - resident[-1] < MEGABYTE
        ends = [end for end, _ in subject.intervals]
        assert ends == list(range(ends[0], ends[-1] + 1, SENSORS.interval)), "not one interval is missed"
        assert not any(math.isnan(p[0]) for _, p in subject.intervals)
    save_model(path)
    for subject in rig.subjects:
        assert rig.reload(subject).success
    rig.settle()


# --- Parameters -------------------------------------------------------------------------------------------------------


def parameter(rig: Rig, subject: Subject, name: str) -> Any:
    (value,) = rig.get_parameters(subject, name)
    return value


REFUSED = (
    ("labels__always__threshold", 1.5, "out of range"),
    ("labels__always__threshold", -0.1, "out of range"),
    ("labels__always__threshold", math.nan, "out of range"),
    ("labels__always__threshold", "high", "Wrong parameter type"),
    ("labels__always__enter", 0, "out of range"),
    ("labels__always__exit", 2.5, "Wrong parameter type"),
    ("labels__always__enter", None, "cannot be undeclared"),
    ("labels__dog__threshold", 0.5, "undeclared"),
    ("sensors__scan__timeout", 0.0, "out of range"),
    ("sensors__scan__timeout", math.inf, "out of range"),
    ("sensors__scan__reliability", "mostly", "expected one of: best_effort, reliable"),
    ("sensors__scan__depth", 0, "out of range"),
    ("publish_features", 1, "Wrong parameter type"),
    ("model_path", "/absent.npz", "/absent.npz: cannot be read"),
    ("model_path", "/dev/zero", "/dev/zero: "),
    ("model_path", "", "found no value, expected the path of a model file"),
    ("sensors__scan__topic", "/front/scan", "read-only"),
    ("executor", "single", "read-only"),
    ("autostart", False, "read-only"),
)


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED, ids=[f"{name}={value}" for name, value, _ in REFUSED])
def test_bad_parameter_is_refused_and_changes_nothing(rig: Rig, name: str, value: Any, reason: str) -> None:
    for subject in rig.subjects:
        declared = name != "labels__dog__threshold"
        before = parameter(rig, subject, name.replace("__", ".")) if declared else None
        (found,) = rig.set_parameters(subject, **{name: value})
        assert found is not None
        assert reason in found
        assert not declared or parameter(rig, subject, name.replace("__", ".")) == before


def test_misspelt_parameter_is_named_once(rig: Rig) -> None:
    for subject in rig.subjects:
        line = "parameter 'labels.alwys.threshold' is ignored: the node has no such parameter with this model"
        assert subject.process.log.count(f"{line}; did you mean 'labels.always.threshold'?") == 1


def settle(rig: Rig, text: str) -> None:
    """Wait until a few intervals in a row have these obstacles."""
    rig.run_all(lambda subject: subject.obstacles[-3:] == [text] * 3, f"obstacles {text!r}")


def test_threshold_and_hysteresis_change_at_run_time(rig: Rig) -> None:
    settle(rig, "always")
    for values, expected in (
        ({"labels__always__threshold": 1.0}, ""),
        ({"labels__never__threshold": 0.0}, "never"),
        ({"labels__always__threshold": 0.0, "labels__never__threshold": 1.0}, "always"),
    ):
        for subject in rig.subjects:
            assert set(rig.set_parameters(subject, **values)) == {None}
        settle(rig, expected)
    for subject in rig.subjects:
        subject.forget()
        assert rig.set_parameters(subject, labels__always__exit=8, labels__always__threshold=1.0) == [None, None]
    settle(rig, "")
    for subject in rig.subjects:
        below = next(index for index, (_, p) in enumerate(subject.intervals) if p[0] < 1.0)
        assert subject.obstacles.index("") >= below + 7
        assert rig.reload(subject).success, "what is set survives a reload"
        assert parameter(rig, subject, "labels.always.exit") == 8
        assert rig.set_parameters(subject, labels__always__exit=1, labels__always__threshold=0.0) == [None, None]
    settle(rig, "always")


def test_timeout_changes_at_run_time(rig: Rig) -> None:
    rig.feeds["scan"].on = False
    rig.run_all(lambda subject: subject.unknown, "unknown intervals")
    for subject in rig.subjects:
        assert rig.set_parameters(subject, sensors__scan__timeout=60.0) == [None]
    rig.run_all(lambda subject: subject.known, "known intervals")
    rig.run_all(lambda subject: subject.values("sensor scan").get("timeout [s]") == "60", "the timeout in diagnostics")
    rig.feeds["scan"].on = True
    for subject in rig.subjects:
        assert rig.set_parameters(subject, sensors__scan__timeout=0.4) == [None]
    rig.settle()


def test_features_and_markers_are_published_on_demand(rig: Rig) -> None:
    received: dict[str, list[Any]] = {}
    for subject in rig.subjects:
        for topic, kind in (("features", Float64MultiArray), ("markers", MarkerArray)):
            name = f"/{subject.name}/{topic}"
            received[name] = []
            rig.node.create_subscription(kind, name, received[name].append, RELIABLE)
    rig.run(lambda: all(rig.node.count_publishers(name) for name in received), "publishers")
    settle(rig, "always")
    assert not any(received.values())
    for subject in rig.subjects:
        values = {"publish_features": True, "publish_markers": True, "frame_id": "mast"}
        assert set(rig.set_parameters(subject, **values)) == {None}
    rig.run(lambda: all(len(messages) >= 5 for messages in received.values()), "features and markers")
    for subject in rig.subjects:
        assert rig.set_parameters(subject, publish_features=False, publish_markers=False) == [None, None]
        vector = received[f"/{subject.name}/features"][-1]
        assert vector.layout.dim[1].label == ",".join(SENSORS.columns)
        markers = received[f"/{subject.name}/markers"][-1].markers
        assert {marker.header.frame_id for marker in markers} == {"mast"}
        assert [marker.ns for marker in markers] == ["always", "always", "never", "never"]


def test_90_changes_of_parameters_in_a_row(rig: Rig) -> None:
    for subject in rig.subjects:
        subject.forget()
        resident = subject.process.resident()
        for count in range(30):
            name, bad, reason = REFUSED[count % len(REFUSED)]
            good = {"labels__never__enter": 1 + count, "sensors__imu__timeout": 0.4 + count % 2}
            results = rig.set_parameters(subject, **good, **{name: bad})
            assert results[:2] == [None, None]
            assert reason in str(results[2])
        assert subject.process.resident() - resident < MEGABYTE
        assert set(subject.obstacles) == {"always"}
        assert rig.set_parameters(subject, sensors__imu__timeout=0.4) == [None]
    save_model(Path(parameter(rig, rig.subjects[0], "model_path")))
    for subject in rig.subjects:
        assert rig.reload(subject).success
    rig.run_all(lambda subject: subject.healthy, "healthy nodes")
