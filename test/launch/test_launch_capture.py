# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""capture.launch.py: a request becomes messages in the recorder's bag."""

from __future__ import annotations

import os
import signal
import time
import unittest
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("launch_testing", reason="launch_testing is not installed")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from launch.actions import ExecuteProcess
from launch.launch_description import LaunchDescription
from launch_testing.actions import ReadyToTest
from launch_testing.asserts import assertExitCodes
from launch_testing.markers import keep_alive
from std_srvs.srv import Trigger

from test.helpers.launching import PACKAGE, lacking, own_domain, workspace

LACKING = lacking("ros2launch", "launch_ros", "ros2bag", "rosbag2_py", "rosbag2_interfaces", "rosbags")
DEADLINE = 60.0
NAME = "/robot1/streets"
RECORDED = {"/scan", "/noise_level", f"{NAME}/probabilities", f"{NAME}/obstacles"}


@pytest.mark.launch_test
@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@keep_alive
def generate_test_description() -> tuple[LaunchDescription, dict[str, Any]]:
    own_domain()
    folder = workspace()
    arguments = [
        f"model:={folder / 'model.npz'}",
        f"output:={folder / 'captured'}",
        "name:=streets",
        "namespace:=robot1",
    ]
    command = ExecuteProcess(cmd=["ros2", "launch", PACKAGE, "capture.launch.py", *arguments], output="screen")
    return LaunchDescription([command, ReadyToTest()]), {"command": command}


class TestCapture(unittest.TestCase):
    node: Any

    @classmethod
    def setUpClass(cls) -> None:
        from obstacle_classifier.nodes.classifier.installed_types import message_class
        from test.helpers.messages import make_float32, make_scan

        rclpy.init()
        cls.node = rclpy.create_node("feeder")
        scan = cls.node.create_publisher(message_class("sensor_msgs/msg/LaserScan"), "/scan", 10)
        noise = cls.node.create_publisher(message_class("std_msgs/msg/Float32"), "/noise_level", 10)

        def feed() -> None:
            scan.publish(make_scan((2.0,) * 90, stamp_ns=time.time_ns()))
            noise.publish(make_float32(50.0))

        cls.node.create_timer(0.05, feed)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.node.destroy_node()
        rclpy.shutdown()

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, what
            rclpy.spin_once(self.node, timeout_sec=0.05)

    def test_a_request_is_recorded(self, proc_info: Any, command: Any) -> None:
        from obstacle_classifier.bags import Bag

        status: dict[str, str] = {}
        events: list[Any] = []

        def note(message: DiagnosticArray) -> None:
            status.update({each.name.rpartition(": ")[2]: each.message for each in message.status})

        self.node.create_subscription(DiagnosticArray, "/diagnostics", note, 10)
        self.node.create_subscription(
            DiagnosticArray, f"{NAME}/capture_events", lambda message: events.extend(message.status), 10
        )
        client = self.node.create_client(Trigger, f"{NAME}/capture")
        self.wait(client.service_is_ready, "the service")
        self.wait(lambda: status.get("capture") == "watching" and status.get("output") == "publishing", "a recorder")
        future = client.call_async(Trigger.Request())
        self.wait(future.done, "an answer")
        assert future.result().success, future.result().message
        self.wait(lambda: any("request" in event.message for event in events), "an event")
        assert all(event.message.startswith("recorded: ") for event in events), [event.message for event in events]
        os.kill(proc_info[command].pid, signal.SIGINT)
        proc_info.assertWaitForShutdown(process=command, timeout=DEADLINE)
        assertExitCodes(proc_info, process=command)
        with Bag(workspace() / "captured") as bag:
            assert set(bag.topics) >= RECORDED
            counts = {topic: sum(1 for _ in bag.messages([topic])) for topic in RECORDED}
        assert all(counts.values()), counts
