# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Hand-made streets, and drives through them without traffic and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from obstacle_classifier.sensing import parse_message
from obstacle_classifier.simulation.scenario import (
    Corridor,
    Fault,
    RobotOptions,
    Scenario,
    SensorOptions,
    Traffic,
    parse_scenario,
)
from obstacle_classifier.simulation.things import Thing

__all__ = ["LIDAR_X", "exact", "fields", "quiet", "thing"]

LIDAR_X = 0.25
"""Distance (m) from the robot's origin to the default lidar."""

_EXACT = dict.fromkeys(
    [
        "latency",
        "noise",
        "dropout",
        "slip",
        "accelerometer_noise",
        "gyroscope_noise",
        "accelerometer_bias",
        "gyroscope_bias",
        "ambient",
    ],
    0.0,
)


def exact(name: str, kind: str, **options: Any) -> SensorOptions:
    """A sensor without noise, bias, losses and latency, except for the given options."""
    document = {"sensors": {name: {"type": kind, "topic": f"/{name}"}}}
    sensor = parse_scenario(document, "test").sensors[0]
    silent = {key: value for key, value in _EXACT.items() if key in sensor.options}
    return SensorOptions(sensor.name, sensor.type, sensor.topic, {**sensor.options, **silent, **options})


def quiet(
    *sensors: SensorOptions, speed: float = 0.0, duration: float = 1.0, faults: Sequence[Fault] = (), seed: int = 0
) -> Scenario:
    """A drive without traffic; the robot is at rest unless a speed is given."""
    return Scenario(
        duration=duration,
        seed=seed,
        corridor=Corridor(),
        traffic=Traffic(0.0, 0.0, 0.0, 0.0, 0.0),
        robot=RobotOptions(speed, 0.0),
        sensors=sensors,
        faults=tuple(faults),
    )


def thing(kind: str, x: float, y: float, size: Sequence[float], label: str | None = None, **more: Any) -> Thing:
    """A static object of size (length, width, height) at a place; white to a lidar."""
    length, width, height = size
    defaults = {"yaw": 0.0, "reflectivity": 0.8}
    return Thing(kind=kind, x=x, y=y, length=length, width=width, height=height, label=label, **{**defaults, **more})


def fields(message: Any) -> Mapping[str, Any]:
    """All fields of a simulated message."""
    return parse_message(message.type, message.data)
