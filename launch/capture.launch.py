# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run classifier_node with a rosbag2 recorder that keeps only the stretches worth labelling.

    ros2 launch obstacle_classifier capture.launch.py model:=model.npz output:=/data/captured
    ros2 launch obstacle_classifier capture.launch.py model:=model.npz topics:='/tf /tf_static /camera/image/compressed'

The recorder (`ros2 bag record --snapshot-mode`) keeps the newest messages in memory. It writes them to one bag whenever
the node asks, and the node says so on ~/capture_events. `capture.*` of params_file says what is worth keeping. If the
recorder ends, the node goes on, and its diagnostics say that there is no recorder.
"""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_context import LaunchContext
from launch.launch_description import LaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir
from launch_ros.substitutions import FindPackageShare

from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.topics import node_name, sensor_topics

OUTPUTS = ("probabilities", "obstacles", "spread", "capture_events")
MEGABYTE = 1024 * 1024
BOOLEANS = ["true", "false", "True", "False"]

ARGUMENTS = (
    DeclareLaunchArgument("model", description="Model file to serve."),
    DeclareLaunchArgument(
        "output",
        default_value="",
        description="Folder of the new bag; must not exist. Empty: captured_<date> in this folder.",
    ),
    DeclareLaunchArgument(
        "topics",
        default_value="",
        description="Further topics to keep beside the sensors' and the node's, separated by spaces, such as "
        "'/tf /tf_static /camera/image/compressed'.",
    ),
    DeclareLaunchArgument(
        "buffer",
        default_value="100",
        description="Size in MiB of the messages that the recorder keeps in memory and writes when asked. It needs up "
        "to twice as much.",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=PathJoinSubstitution([FindPackageShare("obstacle_classifier"), "config", "classifier.yaml"]),
        description="YAML file of the classifier's parameters.",
    ),
    DeclareLaunchArgument("name", default_value="obstacle_classifier", description="Name of the classifier."),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the classifier."),
    DeclareLaunchArgument(
        "remappings",
        default_value="",
        description="FROM:=TO rules, separated by spaces, where the robot's topic has another name than the model's.",
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="",
        choices=["", *BOOLEANS],
        description="Take the time from /clock, in the recorder too. Empty: as params_file says, not in the recorder.",
    ),
    DeclareLaunchArgument(
        "autostart", default_value="", choices=["", *BOOLEANS], description="As in classifier.launch.py."
    ),
    DeclareLaunchArgument(
        "respawn", default_value="false", choices=BOOLEANS, description="Start the classifier again if it ends."
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="",
        choices=["", "debug", "info", "warn", "error", "fatal"],
        description="Least severe level of the classifier's log. Empty: info.",
    ),
)


def ended(event: ProcessExited, context: LaunchContext) -> LogInfo | None:
    """Say that the recorder has ended: launch by itself only logs the exit status."""
    if context.is_shutdown:
        return None
    return LogInfo(msg=f"{event.process_name} ended with status {event.returncode}: nothing is recorded any more")


def parse_buffer(text: str) -> int:
    """The value of `buffer` in bytes."""
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"buffer: found '{text}', expected whole MiB, at least 1")
    return int(text) * MEGABYTE


def start(context: LaunchContext) -> list[Any]:
    """Classifier and recorder."""

    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    output = Path(value("output") or f"captured_{time.strftime('%Y%m%d_%H%M%S')}").expanduser()
    if output.exists():
        raise ValueError(f"output: {output} exists already")
    buffer = parse_buffer(value("buffer"))
    model = Path(value("model")).expanduser()
    node = node_name(value("name"), value("namespace"))
    sensors = sensor_topics(
        Model.load(model).sensors, node, Path(value("params_file")).expanduser(), value("remappings")
    )
    topics = [*sensors, *(f"{node}/{name}" for name in OUTPUTS), "/diagnostics", *shlex.split(value("topics"))]
    # `ros2 bag record` takes no namespace: the name alone keeps the recorders of two robots apart.
    recorder_name = f"{node.strip('/').replace('/', '_')}_recorder"

    classifier = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(PathJoinSubstitution([ThisLaunchFileDir(), "classifier.launch.py"])),
        launch_arguments={
            **{
                name: value(name)
                for name in (
                    *("params_file", "name", "namespace", "remappings"),
                    *("use_sim_time", "autostart", "respawn", "log_level"),
                )
            },
            "model": str(model),
            "recorder": f"/{recorder_name}",
        }.items(),
    )
    recorder = ExecuteProcess(
        name="recorder",
        cmd=[
            *("ros2", "bag", "record", "--snapshot-mode", "--max-cache-size", str(buffer)),
            *("--output", str(output), "--node-name", recorder_name, "--disable-keyboard-controls"),
            *(["--use-sim-time"] if value("use_sim_time").lower() == "true" else []),
            *("--topics", *dict.fromkeys(topics)),
        ],
        output="screen",
    )
    return [RegisterEventHandler(OnProcessExit(target_action=recorder, on_exit=ended)), classifier, recorder]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])
