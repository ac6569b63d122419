# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Simulate a drive and classify the obstacles ahead; the launch ends with the drive.

    ros2 launch obstacle_classifier simulation.launch.py model:=model.npz
    ros2 launch obstacle_classifier simulation.launch.py model:=model.npz seed:=7 duration:=120 output:=drive

The model must be trained on topics of the scenario, for example with config/sensors/sidewalk.yaml. All nodes use the
simulation's time. The drive begins once classifier and recorder have subscribed. On a running robot set another
ROS_DOMAIN_ID: the robot's nodes would take simulated scans for real ones.
"""

from __future__ import annotations

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
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.topics import node_name, sensor_topics
from obstacle_classifier.simulation import Scenario, load_scenario

PACKAGE = "obstacle_classifier"
OUTPUTS = ("probabilities", "obstacles", "classification", "features", "markers")
RECORDING_TAIL = 1.0  # s between the end of the drive and the end of the recording

ARGUMENTS = (
    DeclareLaunchArgument("model", description="Model file to serve."),
    DeclareLaunchArgument(
        "scenario", default_value="", description="Scenario file to drive through. Empty: the plain sidewalk."
    ),
    DeclareLaunchArgument(
        "seed", default_value="-1", description="Seed of street, traffic and noise. -1: the scenario's."
    ),
    DeclareLaunchArgument(
        "duration", default_value="0.0", description="Simulated seconds of driving. 0: the scenario's."
    ),
    DeclareLaunchArgument("rate", default_value="1.0", description="Simulated seconds per second."),
    DeclareLaunchArgument(
        "output",
        default_value="",
        description="Folder of a new bag with sensors, labels and outputs; must not exist. Empty: no bag.",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "classifier.yaml"]),
        description="YAML file of the classifier's parameters.",
    ),
    DeclareLaunchArgument("name", default_value="obstacle_classifier", description="Name of the classifier."),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the classifier."),
    DeclareLaunchArgument(
        "remappings",
        default_value="",
        description="FROM:=TO rules, separated by spaces, for topics with different names in model and scenario.",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="",
        choices=["", "debug", "info", "warn", "error", "fatal"],
        description="Least severe level of the classifier's log. Empty: info.",
    ),
)


def ended(event: ProcessExited, context: LaunchContext) -> TimerAction | None:
    """End the launch with the drive. Fail if simulator or recorder failed, which launch by itself ignores."""
    if context.is_shutdown:
        return None
    if event.returncode != 0:
        raise RuntimeError(f"{event.process_name} ended with status {event.returncode}")
    if not event.process_name.startswith("simulator_node"):
        return None
    return TimerAction(period=RECORDING_TAIL, actions=[Shutdown(reason="the drive is over")])


def start(context: LaunchContext) -> list[Any]:
    """The actions: classifier, simulator and, if `output` is given, recorder."""

    def value(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    output = Path(value("output")).expanduser() if value("output") else None
    if output is not None and output.exists():
        raise ValueError(f"output: {output} exists already")
    scenario = str(Path(value("scenario")).expanduser().absolute()) if value("scenario") else ""
    drive = load_scenario(scenario) if scenario else Scenario()
    driven = [*(sensor.topic for sensor in drive.sensors), drive.label_topic]
    model = Path(value("model")).expanduser()
    node = node_name(value("name"), value("namespace"))
    params_file = Path(value("params_file")).expanduser()
    sensors = sensor_topics(Model.load(model).sensors, node, params_file, value("remappings"))
    awaited = [topic for topic in sensors if topic in driven]
    if not awaited:
        raise ValueError(f"model: {model} reads {', '.join(sensors)}, expected topics out of {', '.join(driven)}")
    outputs = [f"{node}/{topic}" for topic in OUTPUTS]
    if output is not None:
        awaited = [*driven, f"{node}/probabilities", f"{node}/obstacles"]

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
    simulator = Node(
        package=PACKAGE,
        executable="simulator_node",
        parameters=[
            {
                "scenario": ParameterValue(scenario, value_type=str),
                "seed": int(value("seed")),
                "duration": float(value("duration")),
                "rate": float(value("rate")),
                "publish_clock": True,
                "wait_for": " ".join(awaited),
            }
        ],
        output="screen",
        emulate_tty=True,
    )
    helpers: list[Any] = [simulator]
    if output is not None:
        helpers.insert(
            0,
            ExecuteProcess(
                name="recorder",
                cmd=[
                    *("ros2", "bag", "record", "--output", str(output), "--use-sim-time"),
                    *("--disable-keyboard-controls", "--topics", *driven, *outputs, "/diagnostics"),
                ],
                output="screen",
            ),
        )
    handlers = [RegisterEventHandler(OnProcessExit(target_action=helper, on_exit=ended)) for helper in helpers]
    return [*handlers, classifier, *helpers]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])
