# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""replay.launch.py plays a bag to the node, records what it says, and ends when the bag does."""

from __future__ import annotations

import unittest
from typing import Any

import pytest

pytest.importorskip("launch_testing", reason="launch_testing is not installed")

from launch.actions import ExecuteProcess
from launch.launch_description import LaunchDescription
from launch_testing.actions import ReadyToTest
from launch_testing.asserts import assertExitCodes
from launch_testing.markers import keep_alive

from test.helpers.launching import PACKAGE, lacking, own_domain, workspace

LACKING = lacking("ros2launch", "launch_ros", "ros2bag", "rosbag2_py", "rosbag2_interfaces", "rosbags")
DEADLINE = 120.0
INTERVAL = 100_000_000


@pytest.mark.launch_test
@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@keep_alive
def generate_test_description() -> tuple[LaunchDescription, dict[str, Any]]:
    own_domain()
    folder = workspace()
    arguments = [
        *(f"bag:={folder / 'bags' / 'street_1'}", f"model:={folder / 'model.npz'}", f"output:={folder / 'classified'}"),
        *("rate:=2.0", "name:=streets", "namespace:=robot1"),
    ]
    command = ExecuteProcess(cmd=["ros2", "launch", PACKAGE, "replay.launch.py", *arguments], output="screen")
    return LaunchDescription([command, ReadyToTest()]), {"command": command}


class TestReplay(unittest.TestCase):
    def test_the_answers_are_recorded_on_the_time_of_the_bag(self, proc_info: Any, command: Any) -> None:
        from rclpy.serialization import deserialize_message
        from std_msgs.msg import Float32MultiArray

        from obstacle_classifier.bags import Bag
        from obstacle_classifier.nodes.classifier.outputs import array_end

        proc_info.assertWaitForShutdown(process=command, timeout=DEADLINE)
        assertExitCodes(proc_info, process=command)
        with Bag(workspace() / "bags" / "street_1") as bag:
            start, end = bag.start, bag.end
        topic = "/robot1/streets/probabilities"
        with Bag(workspace() / "classified") as bag:
            assert "/robot1/streets/obstacles" in bag.topics
            assert "/diagnostics" in bag.topics
            messages = [(time, deserialize_message(data, Float32MultiArray)) for _, time, data in bag.messages([topic])]
        ends = [array_end(message) // INTERVAL for _, message in messages]
        assert ends == list(range(ends[0], ends[-1] + 1)), "no interval is lost"
        # The player may lose its first messages, and /clock may stop before the last interval ends.
        assert ends[0] <= start // INTERVAL + 5
        assert ends[-1] >= end // INTERVAL - 3
        assert all(start <= time <= end + 10**9 for time, _ in messages), "recorded on the bag's clock"
