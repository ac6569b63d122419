# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""classifier.launch.py: its arguments reach the node."""

from __future__ import annotations

import time
import unittest
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("launch_testing", reason="launch_testing is not installed")
pytest.importorskip("launch_ros", reason="launch_ros is not installed")

import rclpy
from launch.actions import IncludeLaunchDescription
from launch.launch_description import LaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import SetParameter
from launch_testing.actions import ReadyToTest
from launch_testing.markers import keep_alive
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters

from test.helpers.launching import lacking, launch_file, own_domain, workspace

LACKING = lacking("rosbags")
DEADLINE = 30.0
NAME = "/robot1/streets"
PARAMETERS = """
/**:
  ros__parameters:
    model_path: /not/this.npz
    autostart: true
    frame_id: $(env OBSTACLE_CLASSIFIER_TEST_FRAME)
    labels: {bicycle: {threshold: 0.75}}
    sensors: {noise: {topic: noise}}
"""


@pytest.mark.launch_test
@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@keep_alive
def generate_test_description() -> LaunchDescription:
    import os

    own_domain()
    os.environ["OBSTACLE_CLASSIFIER_TEST_FRAME"] = "robot1/base_link"
    params_file = workspace() / "params.yaml"
    params_file.write_text(PARAMETERS, encoding="utf-8")
    classifier = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(launch_file("classifier.launch.py")),
        launch_arguments={
            "model": str(workspace() / "model.npz"),
            "params_file": str(params_file),
            "name": "streets",
            "namespace": "robot1",
            "remappings": "/scan:=/front/scan",
            "autostart": "False",
            "log_level": "debug",
        }.items(),
    )
    return LaunchDescription([SetParameter("use_sim_time", True), classifier, ReadyToTest()])


class TestArguments(unittest.TestCase):
    node: Any

    @classmethod
    def setUpClass(cls) -> None:
        rclpy.init()
        cls.node = rclpy.create_node("watcher")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.node.destroy_node()
        rclpy.shutdown()

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, what
            rclpy.spin_once(self.node, timeout_sec=0.05)

    def call(self, service_class: Any, name: str, request: Any) -> Any:
        client = self.node.create_client(service_class, f"{NAME}/{name}")
        self.wait(client.service_is_ready, name)
        future = client.call_async(request)
        self.wait(future.done, name)
        return future.result()

    def test_they_reach_the_node(self, proc_output: Any) -> None:
        state = self.call(GetState, "get_state", GetState.Request()).current_state.label
        assert state == "unconfigured", "autostart of the launch argument wins over params_file"
        transition = Transition(id=Transition.TRANSITION_CONFIGURE)
        assert self.call(ChangeState, "change_state", ChangeState.Request(transition=transition)).success
        self.wait(lambda: self.node.count_subscribers("/front/scan"), "/front/scan")
        self.wait(lambda: self.node.count_subscribers("/robot1/noise"), "/robot1/noise")
        self.wait(lambda: self.node.count_publishers(f"{NAME}/probabilities"), f"{NAME}/probabilities")
        assert self.node.count_subscribers("/scan") == 0
        names = ["model_path", "frame_id", "labels.bicycle.threshold", "use_sim_time"]
        values = self.call(GetParameters, "get_parameters", GetParameters.Request(names=names)).values
        assert values[0].string_value == str(workspace() / "model.npz"), "model wins over params_file"
        assert values[1].string_value == "robot1/base_link", "the file's substitutions are made"
        assert values[2].double_value == 0.75
        assert values[3].bool_value is True, "SetParameter of a launch file around this one holds"
        proc_output.assertWaitFor("[DEBUG]", process="classifier_node", timeout=DEADLINE)
