# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""train.launch.py writes a model and ends."""

from __future__ import annotations

import unittest
from typing import Any

import pytest

pytest.importorskip("launch_testing", reason="launch_testing is not installed")

from launch.actions import ExecuteProcess
from launch.launch_description import LaunchDescription
from launch_testing.actions import ReadyToTest
from launch_testing.asserts import assertExitCodes, assertInStdout
from launch_testing.markers import keep_alive

from test.helpers.launching import PACKAGE, lacking, own_domain, workspace

LACKING = lacking("ros2launch", "launch_ros", "rosbags")
DEADLINE = 120.0


@pytest.mark.launch_test
@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@keep_alive
def generate_test_description() -> tuple[LaunchDescription, dict[str, Any]]:
    own_domain()
    folder = workspace()
    config = folder / "train.yaml"
    config.write_text("epochs: 50\nhidden: 12\n", encoding="utf-8")
    bags = " ".join(str(folder / "bags" / f"street_{number}") for number in range(3))
    arguments = [
        *(f"sensors:={folder / 'sensors.yaml'}", f"bags:={bags}", f"output:={folder / 'trained.npz'}"),
        *(f"config:={config}", "set:=epochs=3 seed=7"),
    ]
    command = ExecuteProcess(cmd=["ros2", "launch", PACKAGE, "train.launch.py", *arguments], output="screen")
    return LaunchDescription([command, ReadyToTest()]), {"command": command}


class TestTrain(unittest.TestCase):
    def test_it_writes_a_model(self, proc_info: Any, proc_output: Any, command: Any) -> None:
        from obstacle_classifier.model import Model

        proc_info.assertWaitForShutdown(process=command, timeout=DEADLINE)
        assertExitCodes(proc_info, process=command)
        assertInStdout(proc_output, f"wrote {workspace() / 'trained.npz'}", command)
        model = Model.load(workspace() / "trained.npz")
        assert model.labels == ("pedestrian", "bicycle")
        training = model.document["training"]
        assert (training["epochs"], training["hidden"], training["seed"]) == (3, 12, 7), "set wins over config"
