# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run classifier_node: sensor topics and a model in, obstacles out.

    ros2 launch obstacle_classifier classifier.launch.py model:=model.npz
    ros2 launch obstacle_classifier classifier.launch.py model:=model.npz namespace:=robot1 remappings:='/scan:=scan'
    ros2 launch obstacle_classifier classifier.launch.py --show-args

An argument left empty leaves the parameter as `params_file` has it. With `autostart:=false` a lifecycle manager such as
Nav2's brings the node up.
"""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

from launch.actions import DeclareLaunchArgument, EmitEvent, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit, OnProcessStart
from launch.events import matches_action
from launch.events.process import ProcessExited, ProcessStarted, ShutdownProcess
from launch.launch_context import LaunchContext
from launch.launch_description import LaunchDescription
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = "obstacle_classifier"
BOOLEANS = ["true", "false", "True", "False"]
LEVELS = ["debug", "info", "warn", "error", "fatal"]
RESPAWN_DELAY = 2.0  # s
QUICK = 10.0  # s: a node that ends sooner after its start has failed to start
QUICK_EXITS = 3  # in a row, after which starting it again is given up

ARGUMENTS = (
    DeclareLaunchArgument(
        "model", default_value="", description="Model file to serve. Empty: model_path of params_file."
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "classifier.yaml"]),
        description="YAML file of parameters; may hold $(env NAME) and $(find-pkg-share PACKAGE).",
    ),
    DeclareLaunchArgument("name", default_value="obstacle_classifier", description="Name of the node."),
    DeclareLaunchArgument(
        "namespace",
        default_value="",
        description="Namespace of the node, its outputs and the sensor topics with relative names.",
    ),
    DeclareLaunchArgument(
        "remappings",
        default_value="",
        description="FROM:=TO rules, separated by spaces, for sensor topics that have another name on the robot, such "
        "as '/scan:=/front/scan /imu/data:=imu'; a relative name is in the namespace. Or set sensors.<sensor>.topic in "
        "params_file.",
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="",
        choices=["", *BOOLEANS],
        description="Take the time from /clock. Empty: as params_file or a SetParameter around this file says.",
    ),
    DeclareLaunchArgument(
        "autostart",
        default_value="",
        choices=["", *BOOLEANS],
        description="Configure and activate at once; false: a lifecycle manager does. Empty: as params_file says.",
    ),
    DeclareLaunchArgument(
        "recorder",
        default_value="",
        description="Node of a rosbag2 recorder in snapshot mode, such as /rosbag2_recorder: switches capture on. "
        "capture.launch.py starts both. Empty: as params_file says.",
    ),
    DeclareLaunchArgument(
        "respawn",
        default_value="false",
        choices=BOOLEANS,
        description=f"Start the node again {RESPAWN_DELAY:.0f} s after it ended; given up after {QUICK_EXITS} ends "
        f"in a row within {QUICK:.0f} s of the start.",
    ),
    DeclareLaunchArgument(
        "required",
        default_value="true",
        choices=BOOLEANS,
        description="End the whole launch with a non-zero status once the node has failed for good; false: the "
        "rest of the launch goes on without it.",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="",
        choices=["", *LEVELS],
        description="Least severe level of log. Empty: info.",
    ),
    DeclareLaunchArgument(
        "enclave", default_value="", description="SROS 2 enclave of the node, see config/sros2. Empty: '/'."
    ),
)


class Ending:
    """Actions at the end of the node: launch by itself would go on, and end with status 0."""

    def __init__(self, node: Node, *, respawn: bool, required: bool) -> None:
        self.handlers = (
            RegisterEventHandler(OnProcessStart(target_action=node, on_start=self._started)),
            RegisterEventHandler(OnProcessExit(target_action=node, on_exit=self._ended)),
        )
        self._node = node
        self._respawn = respawn
        self._required = required
        self._start = 0.0
        self._quick_exits = 0

    def _started(self, event: ProcessStarted, context: LaunchContext) -> None:
        self._start = time.monotonic()

    def _ended(self, event: ProcessExited, context: LaunchContext) -> EmitEvent | None:
        if context.is_shutdown:
            return None
        verdict = f"{event.process_name} ended with status {event.returncode}"
        if self._respawn:
            quick = time.monotonic() - self._start < QUICK
            self._quick_exits = self._quick_exits + 1 if quick else 0
            if self._quick_exits < QUICK_EXITS:
                return None
            verdict += f", {QUICK_EXITS} times in a row within {QUICK:.0f} s of its start; see its last lines above"
        elif event.returncode == 0:
            return None
        if self._required:
            raise RuntimeError(verdict)
        if self._respawn:
            return EmitEvent(event=ShutdownProcess(process_matcher=matches_action(self._node)))
        return None


def parse_remappings(text: str) -> list[tuple[str, str]]:
    """`/scan:=/front/scan /imu:=imu` as pairs."""
    pairs = []
    for rule in shlex.split(text):
        source, separator, target = rule.partition(":=")
        if not (source and separator and target):
            raise ValueError(f"remappings: found '{rule}', expected FROM:=TO")
        pairs.append((source, target))
    return pairs


def start(context: LaunchContext) -> list[Any]:
    """The node with these arguments."""

    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    params_file = Path(value("params_file")).expanduser()
    if not params_file.is_file():
        raise ValueError(f"params_file: {params_file} is not a file")
    overrides: dict[str, Any] = {}
    if value("model"):
        overrides["model_path"] = ParameterValue(str(Path(value("model")).expanduser().absolute()), value_type=str)
    for name in ("use_sim_time", "autostart"):
        if value(name):
            overrides[name] = value(name).lower() == "true"
    if value("recorder"):
        overrides |= {"capture.enabled": True, "capture.recorder": value("recorder")}
    respawn = value("respawn").lower() == "true"
    node = Node(
        package=PACKAGE,
        executable="classifier_node",
        name=value("name"),
        namespace=value("namespace"),
        parameters=[ParameterFile(str(params_file), allow_substs=True), *([overrides] if overrides else [])],
        remappings=parse_remappings(value("remappings")),
        ros_arguments=[
            *(["--log-level", value("log_level")] if value("log_level") else []),
            *(["--enclave", value("enclave")] if value("enclave") else []),
        ],
        output="screen",
        emulate_tty=True,
        respawn=respawn,
        respawn_delay=RESPAWN_DELAY,
    )
    ending = Ending(node, respawn=respawn, required=value("required").lower() == "true")
    return [*ending.handlers, node]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])
