# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""`ros2 launch` of what cannot work ends by itself, says why, and fails."""

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
DEADLINE = 60.0
ABSENT = "/no/such/model.npz"


def ros2_launch(name: str, *arguments: str) -> ExecuteProcess:
    return ExecuteProcess(name=name, cmd=["ros2", "launch", PACKAGE, f"{name}.launch.py", *arguments], output="screen")


@pytest.mark.launch_test
@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@keep_alive
def generate_test_description() -> tuple[LaunchDescription, dict[str, Any]]:
    own_domain()
    folder = workspace()
    exists, labels = folder / "exists", folder / "unlabelled.yaml"
    exists.mkdir(exist_ok=True)
    text = (folder / "sensors.yaml").read_text(encoding="utf-8")
    labels.write_text(text.replace("- bicycle", "- tram"), encoding="utf-8")
    scenario = folder / "imu.yaml"
    scenario.write_text("sensors: {imu: {type: imu, topic: /imu/data}}\n", encoding="utf-8")
    launches = {
        "no_model": ros2_launch("classifier", f"model:={ABSENT}"),
        "no_model_respawn": ros2_launch("classifier", f"model:={ABSENT}", "respawn:=true"),
        "no_params": ros2_launch("classifier", f"model:={folder / 'model.npz'}", "params_file:=/no/such.yaml"),
        "choice": ros2_launch("classifier", "autostart:=maybe"),
        "no_bag": ros2_launch("replay", f"model:={folder / 'model.npz'}", "bag:=/no/bag"),
        "rate": ros2_launch(
            "replay", f"model:={folder / 'model.npz'}", f"bag:={folder / 'bags' / 'street_0'}", "rate:=abc"
        ),
        "output": ros2_launch(
            "replay", f"model:={folder / 'model.npz'}", f"bag:={folder / 'bags' / 'street_0'}", f"output:={exists}"
        ),
        "buffer": ros2_launch("capture", f"model:={folder / 'model.npz'}", "buffer:=0.5"),
        "captured": ros2_launch("capture", f"model:={folder / 'model.npz'}", f"output:={exists}"),
        "scenario": ros2_launch("simulation", f"model:={folder / 'model.npz'}", f"scenario:={scenario}"),
        "label": ros2_launch("train", f"sensors:={labels}", f"bags:={folder / 'bags'}", f"output:={folder / 'no.npz'}"),
    }
    return LaunchDescription([*launches.values(), ReadyToTest()]), launches


class TestFailures(unittest.TestCase):
    def check(self, proc_info: Any, proc_output: Any, process: Any, *texts: str) -> None:
        proc_info.assertWaitForShutdown(process=process, timeout=DEADLINE)
        assertExitCodes(proc_info, [1], process=process)
        for text in texts:
            assertInStdout(proc_output, text, process)

    def test_no_model(self, proc_info: Any, proc_output: Any, no_model: Any) -> None:
        reason = f"classifier_node: {ABSENT}: cannot be read: No such file or directory"
        self.check(proc_info, proc_output, no_model, reason, "classifier_node-1 ended with status 1")

    def test_no_model_and_respawn(self, proc_info: Any, proc_output: Any, no_model_respawn: Any) -> None:
        self.check(proc_info, proc_output, no_model_respawn, "3 times in a row")
        output = "".join(io.text.decode() for io in proc_output[no_model_respawn])
        assert output.count("process started with pid") == 3

    def test_no_params_file(self, proc_info: Any, proc_output: Any, no_params: Any) -> None:
        self.check(proc_info, proc_output, no_params, "params_file: /no/such.yaml is not a file")

    def test_argument_that_is_no_choice(self, proc_info: Any, proc_output: Any, choice: Any) -> None:
        self.check(proc_info, proc_output, choice, '"autostart" provided value "maybe" is not valid')

    def test_no_bag(self, proc_info: Any, proc_output: Any, no_bag: Any) -> None:
        self.check(proc_info, proc_output, no_bag, "bag: /no/bag does not exist")

    def test_scenario_that_the_model_cannot_see(self, proc_info: Any, proc_output: Any, scenario: Any) -> None:
        self.check(proc_info, proc_output, scenario, "reads /scan, /noise_level, expected topics out of /imu/data, ")

    def test_rate_that_is_no_number(self, proc_info: Any, proc_output: Any, rate: Any) -> None:
        self.check(proc_info, proc_output, rate, "rate: found 'abc', expected a number above 0")

    def test_output_that_exists(self, proc_info: Any, proc_output: Any, output: Any) -> None:
        self.check(proc_info, proc_output, output, "exists already")

    def test_buffer_that_is_no_number(self, proc_info: Any, proc_output: Any, buffer: Any) -> None:
        self.check(proc_info, proc_output, buffer, "buffer: found '0.5', expected whole MiB, at least 1")

    def test_captured_bag_that_exists(self, proc_info: Any, proc_output: Any, captured: Any) -> None:
        self.check(proc_info, proc_output, captured, "exists already")

    def test_training_on_unknown_labels(self, proc_info: Any, proc_output: Any, label: Any) -> None:
        self.check(proc_info, proc_output, label, "labels.csv", "no model was written")
        assert not (workspace() / "no.npz").exists()
