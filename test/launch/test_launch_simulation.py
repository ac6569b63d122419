# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""simulation.launch.py drives, classifies, and ends when the drive does."""

from __future__ import annotations

import time
import unittest
from importlib.util import find_spec
from typing import Any

import pytest

pytest.importorskip("launch_testing", reason="launch_testing is not installed")

import rclpy
from launch.actions import ExecuteProcess
from launch.launch_description import LaunchDescription
from launch_testing.actions import ReadyToTest
from launch_testing.asserts import assertExitCodes
from launch_testing.markers import keep_alive

from test.helpers.launching import PACKAGE, lacking, own_domain, workspace

LACKING = lacking("ros2launch", "launch_ros", "mujoco", "rosbags")
DEADLINE = 60.0
START = 1_700_000_000 * 10**9
SECONDS = 12
RECORDS = find_spec("ros2bag") is not None and find_spec("rosbag2_py") is not None
SENSORS = {"/scan", "/scan_high", "/sonar/left", "/imu/data", "/odom", "/noise_level", "/ground_truth"}  # among others


@pytest.mark.launch_test
@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@keep_alive
def generate_test_description() -> tuple[LaunchDescription, dict[str, Any]]:
    own_domain()
    arguments = [f"model:={workspace() / 'model.npz'}", f"duration:={SECONDS}", "rate:=2", "seed:=3", "name:=streets"]
    if RECORDS:
        arguments.append(f"output:={workspace() / 'drive'}")
    command = ExecuteProcess(cmd=["ros2", "launch", PACKAGE, "simulation.launch.py", *arguments], output="screen")
    return LaunchDescription([command, ReadyToTest()]), {"command": command}


class TestSimulation(unittest.TestCase):
    def test_the_drive_is_classified_on_its_own_time(self, proc_info: Any, command: Any) -> None:
        from std_msgs.msg import Float32MultiArray

        from obstacle_classifier.nodes.classifier.outputs import array_end

        rclpy.init()
        node = rclpy.create_node("watcher")
        ends: list[int] = []
        node.create_subscription(
            Float32MultiArray, "/streets/probabilities", lambda message: ends.append(array_end(message)), 100
        )
        deadline = time.monotonic() + DEADLINE
        while len(ends) < 10:
            assert time.monotonic() < deadline, f"{len(ends)} intervals"
            rclpy.spin_once(node, timeout_sec=0.05)
        node.destroy_node()
        rclpy.shutdown()
        assert ends == sorted(ends)
        assert START < ends[0] <= ends[-1] <= START + SECONDS * 10**9
        proc_info.assertWaitForShutdown(process=command, timeout=DEADLINE)
        assertExitCodes(proc_info, process=command)

    @unittest.skipUnless(RECORDS, "ros2 bag is not installed")
    def test_the_whole_drive_is_recorded(self, proc_info: Any, command: Any) -> None:
        from obstacle_classifier.bags import Bag, load_labels
        from obstacle_classifier.simulation import LABELS

        proc_info.assertWaitForShutdown(process=command, timeout=DEADLINE)
        with Bag(workspace() / "drive") as bag:
            assert set(bag.topics) >= {*SENSORS, "/streets/probabilities", "/streets/obstacles", "/diagnostics"}
            times = [time for topic, time, _ in bag.messages() if topic in SENSORS]
            # From the first of its messages to the last, all on its own time.
            assert START <= times[0] < START + 5 * 10**8
            assert START + (SECONDS - 1) * 10**9 < times[-1] <= START + (SECONDS + 1) * 10**9
            track = load_labels(bag, LABELS, "/ground_truth")
            assert track.at(START + SECONDS * 10**9 // 2) is not None
