# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""classifier.launch.py on replayed data: active, on its grid, and back after a SIGKILL."""

from __future__ import annotations

import os
import signal
import time
import unittest
from typing import Any

import pytest

pytest.importorskip("launch_testing", reason="launch_testing is not installed")
pytest.importorskip("launch_ros", reason="launch_ros is not installed")

import launch_testing
import rclpy
from launch.actions import IncludeLaunchDescription
from launch.launch_description import LaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_testing.actions import ReadyToTest
from launch_testing.asserts import assertExitCodes
from launch_testing.markers import keep_alive

from test.helpers.launching import lacking, launch_file, own_domain, workspace

LACKING = lacking("rosbags")
DEADLINE = 30.0
INTERVAL = 100_000_000


@pytest.mark.launch_test
@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@keep_alive
def generate_test_description() -> LaunchDescription:
    own_domain()
    classifier = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(launch_file("classifier.launch.py")),
        launch_arguments={
            "model": str(workspace() / "model.npz"),
            "namespace": "robot1",
            "use_sim_time": "true",
            "respawn": "true",
        }.items(),
    )
    return LaunchDescription([classifier, ReadyToTest()])


class TestClassifier(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        rclpy.init()

    @classmethod
    def tearDownClass(cls) -> None:
        rclpy.shutdown()

    def replay(self) -> None:
        # Not at the top: a robot may lack rosbags, and an import that fails there would fail the whole folder.
        from obstacle_classifier.bags import Bag
        from obstacle_classifier.model import Model
        from obstacle_classifier.tools.play_bag import play_bag

        with Bag(workspace() / "bags" / "street_0") as bag:
            sensors = Model.load(workspace() / "model.npz").sensors
            answers = play_bag(bag, sensors, rate=4.0, node_name="/robot1/obstacle_classifier")
            expected = list(range(bag.start // INTERVAL + 1, bag.end // INTERVAL + 1))
        published = [end // INTERVAL for end, _ in answers]
        # The node's grid begins with the first message, which on a busy machine may arrive after the clock has passed
        # the end of its interval.
        assert published in (expected, expected[1:])
        assert all(0 <= value <= 1 for _, p in answers for value in p)

    def test_1_publishes_at_its_interval(self, proc_output: Any) -> None:
        proc_output.assertWaitFor("serving", process="classifier_node", timeout=DEADLINE)
        self.replay()

    def test_2_returns_after_a_kill(self, proc_info: Any) -> None:
        pid = proc_info["classifier_node"].pid
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + DEADLINE
        while proc_info["classifier_node"].pid == pid:
            assert time.monotonic() < end, "no respawn"
            time.sleep(0.05)
        self.replay()


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    def test_it_ends_cleanly(self, proc_info: Any) -> None:
        assertExitCodes(proc_info, process="classifier_node")
