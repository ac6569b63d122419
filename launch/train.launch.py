# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Train a model on labelled bags. The launch ends with the training, with a non-zero status if no model was written.

    ros2 launch obstacle_classifier train.launch.py sensors:=sensors.yaml bags:='bags/ more/*.mcap' output:=model.npz
    ros2 launch obstacle_classifier train.launch.py ... config:=train.yaml set:='hidden=32 seed=7'

Progress goes to the log and, at 1 Hz, to /diagnostics.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_context import LaunchContext
from launch.launch_description import LaunchDescription
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

ARGUMENTS = (
    DeclareLaunchArgument("sensors", description="Sensors file: topics, statistics and labels."),
    DeclareLaunchArgument(
        "bags",
        description="Labelled bags, separated by spaces (quote names with spaces): rosbag2 folders, "
        ".mcap, .db3 or ROS 1 .bag files, globs, or folders of them.",
    ),
    DeclareLaunchArgument("output", description="Model file to write. An existing file is replaced at the end."),
    DeclareLaunchArgument(
        "config",
        default_value="",
        description="Training options, as in config/train.yaml. Empty: the defaults.",
    ),
    DeclareLaunchArgument(
        "set",
        default_value="",
        description="KEY=VALUE training options, separated by spaces. They override config.",
    ),
    DeclareLaunchArgument(
        "skip_bad_bags",
        default_value="false",
        choices=["true", "false"],
        description="Whether to go on without bags that cannot be used. By default they end the training.",
    ),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node."),
)


def ended(event: ProcessExited, context: LaunchContext) -> None:
    """Raise an error if the training failed. Without it, launch would end with status 0."""
    if event.returncode != 0 and not context.is_shutdown:
        raise RuntimeError(f"no model was written: {event.process_name} ended with status {event.returncode}")


def start(context: LaunchContext) -> list[Any]:
    """The trainer node with the launch arguments as parameters."""

    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    def path(text: str) -> str:
        return str(Path(text).expanduser())

    lists = {"bags": [path(bag) for bag in shlex.split(value("bags"))], "set": shlex.split(value("set"))}
    texts = {name: path(value(name)) for name in ("sensors", "output", "config") if value(name)}
    node = Node(
        package="obstacle_classifier",
        executable="trainer_node",
        name="obstacle_trainer",
        namespace=value("namespace"),
        parameters=[
            {name: ParameterValue(text, value_type=str) for name, text in texts.items()}
            # An empty list has no type, so it cannot be a parameter.
            | {name: ParameterValue(items, value_type=list[str]) for name, items in lists.items() if items}
            | {"skip_bad_bags": ParameterValue(value("skip_bad_bags"), value_type=bool)}
        ],
        output="screen",
        emulate_tty=True,
        sigterm_timeout="10",  # s; the node waits for its worker process
    )
    return [RegisterEventHandler(OnProcessExit(target_action=node, on_exit=ended)), node]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])
