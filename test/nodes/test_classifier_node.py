# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""classifier_node as a process over DDS, its lifecycle directly, and what importing it costs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from obstacle_classifier.features import parse_sensors
from obstacle_classifier.nodes.classifier_node import ClassifierNode
from test.helpers.messages import make_float32, make_imu
from test.helpers.models import make_model
from test.helpers.ros import NAME, NodeProcess, Watcher

SENSORS = parse_sensors(
    {
        "interval": 0.1,
        "labels": ["pedestrian", "bicycle"],
        "sensors": {
            "imu": {"type": "sensor_msgs/msg/Imu", "topic": "/imu/data", "timeout": 0.5, "required": True},
            "noise": {"type": "std_msgs/msg/Float32", "topic": "/noise_level", "timeout": 0.5},
        },
    },
    "test",
)
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    make_model(SENSORS).save(path)
    return path


def imu() -> bytes:
    return make_imu(linear_acceleration=(0.1, 0.2, 9.81), stamp_ns=time.time_ns())


def feeders(watcher: Watcher) -> dict[Any, Any]:
    return {
        watcher.publisher("sensor_msgs/msg/Imu", "/imu/data"): imu,
        watcher.publisher("std_msgs/msg/Float32", "/noise_level"): lambda: make_float32(50.0),
    }


def test_serves_probabilities_and_obstacles_on_the_grid(model_path: Path) -> None:
    with NodeProcess("classifier_node", f"model_path:={model_path}") as node, Watcher() as watcher:
        watcher.feed(feeders(watcher), lambda: len(watcher.probabilities) >= 20, "20 intervals")
        ends = np.array([end for end, _ in watcher.probabilities])
        assert (ends % SENSORS.interval == 0).all()
        assert (np.diff(ends) == SENSORS.interval).mean() > 0.9, "the machine may stall, the grid holds"
        known = [p for _, p in watcher.probabilities if not np.isnan(p).any()]
        assert len(known) >= 15
        assert all(0 <= value <= 1 for p in known for value in p)
        watcher.wait("diagnostics", lambda: watcher.level("model") == b"\x00")
        assert watcher.values("sensor imu")["stale"] == "False"
        node.signal(signal.SIGTERM)
        assert node.wait(5) == 0


def test_a_reload_that_fails_keeps_the_old_model_and_says_why(model_path: Path, tmp_path: Path) -> None:
    other = make_model(SENSORS, seed=5)
    with NodeProcess("classifier_node", f"model_path:={model_path}") as node, Watcher() as watcher:
        publishers = feeders(watcher)
        watcher.feed(publishers, lambda: len(watcher.probabilities) >= 3, "intervals")
        before = watcher.wait("model status", lambda: watcher.values("model").get("model"))
        model_path.write_bytes(model_path.read_bytes()[:-100])
        response = watcher.call(Trigger, f"{NAME}/reload_model", Trigger.Request())
        assert not response.success
        assert str(model_path) in response.message
        count = len(watcher.probabilities)
        watcher.feed(publishers, lambda: len(watcher.probabilities) >= count + 10, "intervals of the old model")
        watcher.feed(publishers, lambda: "reload failed" in watcher.message("model"), "diagnostics of the reload")
        assert watcher.values("model")["model"] == before
        assert response.message in node.log
        other.save(model_path)
        assert watcher.call(Trigger, f"{NAME}/reload_model", Trigger.Request()).success
        watcher.feed(publishers, lambda: watcher.values("model")["model"] == other.digest[:12], "the new model")
        assert node.alive


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((), "parameter 'model_path': found no value, expected the path of a model file"),
        (("model_path:=/absent.npz",), "/absent.npz: cannot be read"),
        (("model_path:=/dev/zero",), "/dev/zero: "),
        (("executor:=magic",), "parameter 'executor': found 'magic', expected one of: events, single"),
        (("publish_features:=7",), "parameter 'publish_features': "),
    ],
)
def test_what_cannot_start_ends_with_one_readable_line(parameters: tuple[str, ...], message: str) -> None:
    with NodeProcess("classifier_node", *parameters) as node:
        assert node.wait() == 1
        assert node.log.splitlines()[-1].startswith(f"classifier_node: {message}")
        assert "Traceback" not in node.log


def test_every_transition_directly(model_path: Path) -> None:
    context = Context()
    rclpy.init(context=context)
    try:
        node = ClassifierNode(context, [Parameter("model_path", value="/absent.npz")])
        assert node.trigger_configure() == FAILURE
        assert node.failure is not None
        assert node.failure.startswith("/absent.npz: ")
        node.set_parameters([Parameter("model_path", value=str(model_path))])
        for _ in range(2):
            assert node.trigger_configure() == SUCCESS
            assert node.session.pipeline.sensors == SENSORS
            assert node.trigger_activate() == SUCCESS
            assert node.trigger_deactivate() == SUCCESS
            assert node.trigger_cleanup() == SUCCESS
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_shutdown() == SUCCESS
        topics = {name for name, _ in node.get_publisher_names_and_types_by_node("obstacle_classifier", "/")}
        assert not any(topic.startswith(f"{NAME}/prob") for topic in topics), "everything is released"
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_every_transition_over_its_services(model_path: Path) -> None:
    parameters = (f"model_path:={model_path}", "autostart:=false")
    with NodeProcess("classifier_node", *parameters) as node, Watcher() as watcher:

        def state() -> str:
            return str(watcher.call(GetState, f"{NAME}/get_state", GetState.Request()).current_state.label)

        def change(transition: int) -> bool:
            request = ChangeState.Request(transition=Transition(id=transition))
            return bool(watcher.call(ChangeState, f"{NAME}/change_state", request).success)

        assert state() == "unconfigured"
        assert not change(Transition.TRANSITION_ACTIVATE), "invalid from here: refused, and the node lives"
        assert state() == "unconfigured"
        assert change(Transition.TRANSITION_CONFIGURE)
        assert state() == "inactive"
        publishers = feeders(watcher)
        watcher.feed(publishers, lambda: watcher.values("sensor imu").get("stale") == "False", "health while inactive")
        assert watcher.probabilities == []
        assert change(Transition.TRANSITION_ACTIVATE)
        watcher.feed(publishers, lambda: len(watcher.probabilities) >= 3, "intervals")
        assert change(Transition.TRANSITION_DEACTIVATE)
        assert state() == "inactive"
        assert change(Transition.TRANSITION_CLEANUP)
        assert state() == "unconfigured"
        assert not change(Transition.TRANSITION_CLEANUP)
        assert node.alive
        assert change(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
        assert state() == "finalized"
        node.signal(signal.SIGINT)
        assert node.wait(5) == 0


def test_importing_the_node_pulls_in_nothing_that_a_robot_lacks() -> None:
    script = (
        "import sys; before = set(sys.modules); import obstacle_classifier.nodes.classifier_node; "
        "print(' '.join(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imported = set(result.stdout.split())
    assert {"rclpy", "numpy", "yaml", "jsonschema"} <= imported
    assert not imported & {"rosbags", "matplotlib", "mujoco", "sklearn", "scipy", "torch", "tqdm", "mcap", "PIL"}
