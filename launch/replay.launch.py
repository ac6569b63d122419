# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Play a bag to classifier_node on the bag's own time and record the node's outputs; ends when the bag ends.

    ros2 launch obstacle_classifier replay.launch.py bag:=street_0 model:=model.npz output:=classified

Only the sensor topics that the node subscribes to are played: no recorded command moves the robot. Only the node's
outputs are recorded. On a running robot set another ROS_DOMAIN_ID: every node there receives the played scans. /clock
advances in steps: a message may fall into the next interval. `obstacle_classifier predict` has no such steps.
"""

from __future__ import annotations

import math
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
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

OUTPUTS = ("probabilities", "obstacles", "classification", "features", "markers")
CLOCK_RATE = 100.0  # Hz of the bag's time
FASTEST_CLOCK = 1000.0  # Hz of the wall's
LAST_WORDS = 1.0  # s from the end of the bag to the end of the recording


ARGUMENTS = (
    DeclareLaunchArgument("bag", description="Bag to play: a rosbag2 folder or file."),
    DeclareLaunchArgument("model", description="Model file to serve."),
    DeclareLaunchArgument(
        "output",
        default_value="",
        description="Folder of the new bag; must not exist. Empty: <bag>_classified_<date> in this folder.",
    ),
    DeclareLaunchArgument("rate", default_value="1.0", description="Recorded seconds per second."),
    DeclareLaunchArgument(
        "topics",
        default_value="",
        description="Further topics to play, separated by spaces, such as '/tf /tf_static'.",
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
        description="FROM:=TO rules, separated by spaces, where the bag's topic has another name than the model's.",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="",
        choices=["", "debug", "info", "warn", "error", "fatal"],
        description="Least severe level of the classifier's log. Empty: info.",
    ),
)


def ended(event: ProcessExited, context: LaunchContext) -> TimerAction | None:
    """Fail if a helper failed: launch by itself would go on. End when the bag has been played."""
    if context.is_shutdown:
        return None
    if event.returncode != 0:
        raise RuntimeError(f"{event.process_name} ended with status {event.returncode}")
    if not event.process_name.startswith("player"):
        return None
    return TimerAction(period=LAST_WORDS, actions=[Shutdown(reason="the bag has been played")])


def parse_rate(text: str) -> float:
    """The value of `rate`."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise ValueError(f"rate: found '{text}', expected a number above 0")
    return rate


def start(context: LaunchContext) -> list[Any]:
    """Classifier, recorder, player, and the helper that resumes the player once the others have subscribed."""

    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    bag = Path(value("bag")).expanduser()
    if not bag.exists():
        raise ValueError(f"bag: {bag} does not exist")
    output = Path(value("output") or f"{bag.stem}_classified_{time.strftime('%Y%m%d_%H%M%S')}").expanduser()
    if output.exists():
        raise ValueError(f"output: {output} exists already")
    rate = parse_rate(value("rate"))
    model = Path(value("model")).expanduser()
    node = node_name(value("name"), value("namespace"))
    params_file = Path(value("params_file")).expanduser()
    sensors = sensor_topics(Model.load(model).sensors, node, params_file, value("remappings"))
    outputs = [f"{node}/{topic}" for topic in OUTPUTS]

    classifier = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(PathJoinSubstitution([ThisLaunchFileDir(), "classifier.launch.py"])),
        launch_arguments={
            **{name: value(name) for name in ("params_file", "name", "namespace", "remappings", "log_level")},
            "model": str(model),
            "use_sim_time": "true",
            "autostart": "true",
            "respawn": "false",
            "required": "true",
        }.items(),
    )
    recorder = ExecuteProcess(
        name="recorder",
        cmd=[
            *("ros2", "bag", "record", "--output", str(output), "--use-sim-time", "--disable-keyboard-controls"),
            *("--topics", *outputs, "/diagnostics"),
        ],
        output="screen",
    )
    player = ExecuteProcess(
        name="player",
        cmd=[
            *("ros2", "bag", "play", str(bag), "--start-paused", "--disable-keyboard-controls"),
            *("--rate", str(rate), "--clock", str(min(CLOCK_RATE * max(rate, 1.0), FASTEST_CLOCK))),
            *("--topics", *sensors, *shlex.split(value("topics"))),
        ],
        output="screen",
    )
    listeners = [*sensors, f"{node}/probabilities", f"{node}/obstacles"]
    resume = ExecuteProcess(
        name="resume",
        cmd=[sys.executable, "-m", "obstacle_classifier.tools.resume_player", "--listened", *listeners],
        output="screen",
    )
    helpers = (recorder, player, resume)
    handlers = [RegisterEventHandler(OnProcessExit(target_action=helper, on_exit=ended)) for helper in helpers]
    return [*handlers, classifier, *helpers]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])
