# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The scenario file: everything that a simulated drive depends on.

Every key has a default; an empty file is a valid scenario. The key `sensors`, if given, replaces the default sensors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from obstacle_classifier.documents import load_yaml, refusal, validate
from obstacle_classifier.names import SENSOR_NAME, TOPIC_NAME
from obstacle_classifier.simulation.options import (
    DEFAULTS,
    FAULT_KEYS,
    FAULTS,
    KEYS,
    SENSORS,
    file_schema,
    mapping,
)

__all__ = [
    "LABELS",
    "SLOT",
    "Corridor",
    "Density",
    "Fault",
    "RobotOptions",
    "Scenario",
    "SensorOptions",
    "Street",
    "Traffic",
    "load_scenario",
    "parse_scenario",
]

LABELS = ("pedestrian", "bicycle", "dog", "trash_can", "bollard", "vehicle")
"""The labels of the ground truth, in their order."""

SLOT = 4.5  # m of sidewalk for each static obstacle on it: the robot must be able to pass

_TAKEN = ("/clock", "/parameter_events", "/rosout")  # ROS 2 uses these topics
_HEADERLESS = ("microphone",)  # types of sensor whose messages have no header
_SIDEWALK_KINDS = ("trash_can", "bollard", "parked_bicycle", "standing_pedestrian", "blocking_vehicle")


@dataclass(frozen=True)
class Corridor:
    """The rectangle ahead of the robot in which a label counts as present."""

    length: float = 4.0
    width: float = 1.4
    rate: float = 20.0


@dataclass(frozen=True)
class Density:
    """Number of static objects per 100 m of street, by kind."""

    trash_can: float = 5.0
    bollard: float = 5.5
    parked_bicycle: float = 4.0
    standing_pedestrian: float = 2.0
    blocking_vehicle: float = 2.5
    tree: float = 6.0
    lamp_post: float = 5.0
    parked_car: float = 9.0
    driveway: float = 4.0
    rough_patch: float = 4.0


@dataclass(frozen=True)
class Street:
    """The layout of the street."""

    width: float = 3.4
    houses: str = "random"
    density: Density = field(default_factory=Density)


@dataclass(frozen=True)
class Traffic:
    """Number of actors that enter per minute, by kind; `crossing` is a probability."""

    pedestrian: float = 6.0
    bicycle: float = 5.0
    dog: float = 3.5
    vehicle: float = 8.0
    crossing: float = 0.7


@dataclass(frozen=True)
class RobotOptions:
    """Speed (m/s) and weave (m) of the robot."""

    speed: float = 1.3
    weave: float = 0.3


@dataclass(frozen=True)
class SensorOptions:
    """One sensor: its type and all options of that type."""

    name: str
    type: str
    topic: str
    options: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.options[key]

    @property
    def latency_ns(self) -> int:
        """Nanoseconds between measuring and receiving."""
        return round(float(self["latency"]) * 1e9)


@dataclass(frozen=True)
class Fault:
    """A fault of one sensor: begins at `start` (s from the start of the drive), lasts `duration` (s)."""

    sensor: str
    kind: str
    start: float
    duration: float
    offset: float = 0.0
    factor: float = 1.0


def _default_sensors() -> tuple[SensorOptions, ...]:
    entries: dict[str, dict[str, Any]] = {
        "scan": {"type": "lidar", "topic": "/scan"},
        "scan_high": {"type": "lidar", "topic": "/scan_high", "position": [0.0, 0.0, 0.95]},
        "sonar_left": {"type": "sonar", "topic": "/sonar/left", "position": [0.28, 0.15, 0.2], "yaw": 0.5},
        "sonar_front": {"type": "sonar", "topic": "/sonar/front"},
        "sonar_right": {"type": "sonar", "topic": "/sonar/right", "position": [0.28, -0.15, 0.2], "yaw": -0.5},
        "imu": {"type": "imu", "topic": "/imu/data"},
        "odometry": {"type": "odometry", "topic": "/odom"},
        "noise_level": {"type": "microphone", "topic": "/noise_level"},
        "illuminance": {"type": "light", "topic": "/illuminance"},
        "surface_temperature": {"type": "thermometer", "topic": "/surface_temperature"},
    }
    return tuple(_sensor(name, entry) for name, entry in entries.items())


def _typed(values: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with floats converted where the schema wants an integer: JSON Schema accepts 7.0 as one."""
    return {key: int(value) if schemas[key].get("type") == "integer" else value for key, value in values.items()}


def _sensor(name: str, entry: Mapping[str, Any]) -> SensorOptions:
    own = _typed({key: value for key, value in entry.items() if key not in ("type", "topic")}, SENSORS[entry["type"]])
    return SensorOptions(name, entry["type"], entry["topic"], {**DEFAULTS[entry["type"]], **own})


@dataclass(frozen=True)
class Scenario:
    """All settings of a drive, with their defaults."""

    duration: float = 60.0
    seed: int = 0
    start_time: int = 1_700_000_000
    storage: str = "mcap"
    label_topic: str = "/ground_truth"
    corridor: Corridor = field(default_factory=Corridor)
    street: Street = field(default_factory=Street)
    traffic: Traffic = field(default_factory=Traffic)
    robot: RobotOptions = field(default_factory=RobotOptions)
    sensors: tuple[SensorOptions, ...] = field(default_factory=_default_sensors)
    faults: tuple[Fault, ...] = ()

    def override(self, duration: float | None = None, seed: int | None = None) -> Scenario:
        """The same scenario with another duration or seed, within the limits of the file.

        Raises:
            ConfigError: A value is out of range; the message names the argument.
        """
        changes: dict[str, Any] = {
            key: value for key, value in (("duration", duration), ("seed", seed)) if value is not None
        }
        for key, value in changes.items():
            validate(value, KEYS[""][key], "the command", key)
        return replace(self, **changes)


def load_scenario(path: str | Path) -> Scenario:
    """Read and check a scenario file.

    Raises:
        ConfigError: The file is wrong; the message names the file and the key, the value and the expected one.
    """
    return parse_scenario(load_yaml(path), str(path))


def parse_scenario(document: Mapping[str, Any], source: str) -> Scenario:
    """Check a parsed scenario; messages name `source`.

    Raises:
        ConfigError: The document is wrong; the message names the source and the key, the value and the expected one.
    """
    validate(document, file_schema(), source)
    sections: dict[str, Any] = {
        "corridor": Corridor(**document.get("corridor", {})),
        "traffic": Traffic(**document.get("traffic", {})),
        "robot": RobotOptions(**document.get("robot", {})),
    }
    street = dict(document.get("street", {}))
    density = Density(**street.pop("density", {}))
    sections["street"] = Street(**street, density=density)
    standing = sum(getattr(density, name) for name in _SIDEWALK_KINDS)
    if standing * SLOT > 100:
        limit = f"{', '.join(_SIDEWALK_KINDS)} to add up to at most {100 / SLOT:g} per 100 m"
        raise refusal(source, "street.density", standing, limit)
    if "sensors" in document:
        sections["sensors"] = _parse_sensors(document["sensors"], source)
    plain = _typed({key: document[key] for key in KEYS[""] if key in document}, KEYS[""])
    scenario = Scenario(**plain, **sections)
    for sensor in scenario.sensors:
        key = f"sensors.{sensor.name}.topic"
        if sensor.topic == scenario.label_topic:
            raise refusal(source, key, sensor.topic, "another topic than label_topic")
        _check_topic(sensor.topic, key, source)
    _check_topic(scenario.label_topic, "label_topic", source)
    return replace(scenario, faults=_parse_faults(document.get("faults", []), scenario, source))


def _check_topic(topic: str, key: str, source: str) -> None:
    if topic in _TAKEN:
        raise refusal(source, key, topic, f"a topic other than {', '.join(_TAKEN)}, which ROS 2 uses")


def _parse_sensors(document: Mapping[str, Any], source: str) -> tuple[SensorOptions, ...]:
    sensors: list[SensorOptions] = []
    for name, entry in document.items():
        key = f"sensors.{name}"
        validate(name, SENSOR_NAME, source, "sensors")
        kinds = {"type": {"enum": list(SENSORS)}, "topic": TOPIC_NAME}
        validate(entry, {"type": "object", "required": ["type", "topic"], "properties": kinds}, source, key)
        validate(entry, mapping({**kinds, **SENSORS[entry["type"]]}), source, key)
        sensor = _sensor(str(name), entry)
        if any(other.topic == sensor.topic for other in sensors):
            raise refusal(source, f"{key}.topic", sensor.topic, "a topic that no other sensor has")
        if "max_range" in sensor.options and sensor["min_range"] >= sensor["max_range"]:
            raise refusal(source, f"{key}.min_range", sensor["min_range"], f"less than max_range {sensor['max_range']}")
        if sensor.type == "lidar":
            first, last = sensor["field_of_view"]
            if not -math.pi <= first < last <= math.pi + 1e-3:
                expected = "two increasing angles between -pi and pi"
                raise refusal(source, f"{key}.field_of_view", sensor["field_of_view"], expected)
        sensors.append(sensor)
    return tuple(sensors)


def _parse_faults(entries: list[Any], scenario: Scenario, source: str) -> tuple[Fault, ...]:
    faults = []
    types = {sensor.name: sensor.type for sensor in scenario.sensors}
    for index, entry in enumerate(entries):
        key = f"faults[{index}]"
        common = {
            "sensor": {"enum": list(types)},
            "kind": {"enum": list(FAULTS)},
            **FAULT_KEYS,
        }
        required = {"type": "object", "required": list(common), "properties": common}
        validate(entry, required, source, key)
        own = FAULTS[entry["kind"]]
        validate(entry, mapping({**common, **own}, required=[*common, *own]), source, key)
        if entry["kind"] == "clock_offset" and types[entry["sensor"]] in _HEADERLESS:
            raise refusal(source, f"{key}.sensor", entry["sensor"], "a sensor whose messages have a header")
        faults.append(Fault(**entry))
    return tuple(faults)
