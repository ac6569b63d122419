# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The keys of a scenario file: each is declared once, with its JSON schema, unit and meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from obstacle_classifier.names import TOPIC_NAME

__all__ = ["DEFAULTS", "FAULTS", "FAULT_KEYS", "KEYS", "SENSORS", "file_schema", "mapping"]


def _number(
    description: str, low: float | None = None, high: float | None = None, *, above: float | None = None
) -> Any:
    limits = {"minimum": low, "maximum": high, "exclusiveMinimum": above}
    return {
        "type": "number",
        "description": description,
        **{key: value for key, value in limits.items() if value is not None},
    }


def _count(description: str, low: int, high: int) -> Any:
    return {"type": "integer", "description": description, "minimum": low, "maximum": high}


def _pair(description: str) -> Any:
    return {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "items": {"type": "number"},
        "description": description,
    }


_DENSITY = {
    "trash_can": _number("bins on the sidewalk", 0),
    "bollard": _number("rows of one to three bollards", 0),
    "parked_bicycle": _number("bicycles left on the sidewalk", 0),
    "standing_pedestrian": _number("standing people", 0),
    "blocking_vehicle": _number("vans parked with two wheels on the sidewalk", 0),
    "tree": _number("trees along the kerb", 0, 25),
    "lamp_post": _number("lamp posts and sign poles along the kerb", 0, 25),
    "parked_car": _number("cars parked at the kerb", 0, 18),
    "driveway": _number("driveways, where vehicles may cross the sidewalk", 0, 8),
    "rough_patch": _number("patches of broken pavement, 2 to 5 m long", 0, 12),
}
_SENSOR: dict[str, Any] = {
    "topic": TOPIC_NAME,
    "rate": _number("messages per second", 0.01, 400),
    "latency": _number("s between measuring and receiving", 0, 1),
    "dropout": _number("probability that a message is lost", 0, 1),
}
_MOUNT: dict[str, Any] = {
    "position": {
        "type": "array",
        "minItems": 3,
        "maxItems": 3,
        "items": {"type": "number", "minimum": -10, "maximum": 10},
        "description": "m forward and left of the axle's middle, and above the ground",
    },
    "yaw": _number("rad, counterclockwise from straight ahead", -math.pi, math.pi),
    "min_range": _number("m", 0, 100),
    "max_range": _number("m", high=100, above=0),
    "noise": _number("m, standard deviation of a distance", 0, 100),
}

KEYS: dict[str, dict[str, Any]] = {
    "": {
        "duration": _number("s of driving", high=3600, above=0),
        "seed": _count("seed of street, traffic and noise", 0, 2**63 - 1),
        "start_time": _count("s since the epoch, receive time of the first message", 0, 2_100_000_000),
        "storage": {"enum": ["mcap", "sqlite3"], "description": "storage format of the bag"},
        "label_topic": TOPIC_NAME,
    },
    "corridor": {
        "length": _number("m, from the robot's front", high=50, above=0),
        "width": _number("m, centred on the robot", high=20, above=0),
        "rate": _number("messages per second on the label topic", 0.01, 100),
    },
    "street": {
        "width": _number("m of sidewalk between kerb and houses", 2.4, 12),
        "houses": {"enum": ["left", "right", "random"], "description": "side of the houses"},
    },
    "street.density": _DENSITY,
    "traffic": {
        "pedestrian": _number("pedestrians that enter per minute", 0, 60),
        "bicycle": _number("cyclists that enter per minute", 0, 30),
        "dog": _number("dogs that enter per minute, half of them with an owner", 0, 30),
        "vehicle": _number("vehicles on the road that enter per minute", 0, 60),
        "crossing": _number("probability that a vehicle crosses at a driveway when the robot approaches", 0, 1),
    },
    "robot": {
        "speed": _number("m/s, when the way is free", 0.2, 2.5),
        "weave": _number("m, sideways amplitude of the path", 0, 1),
    },
}
"""JSON schema, unit and meaning of every key outside `sensors` and `faults`. Densities are per 100 m."""

SENSORS: dict[str, dict[str, Any]] = {
    "lidar": {
        **_SENSOR,
        **_MOUNT,
        "beams": _count("number of beams over the field of view", 2, 4096),
        "field_of_view": _pair("rad, first and last angle relative to the sensor's axis"),
        "dropout": _number("probability that a beam is lost (NaN)", 0, 1),
    },
    "sonar": {**_SENSOR, **_MOUNT, "field_of_view": _number("rad, full angle of the cone", high=math.pi / 2, above=0)},
    "imu": {
        **_SENSOR,
        "accelerometer_noise": _number("m/s^2, standard deviation of a sample", 0, 1000),
        "gyroscope_noise": _number("rad/s, standard deviation of a sample", 0, 1000),
        "accelerometer_bias": _number("m/s^2, standard deviation of the constant bias of each axis", 0, 1000),
        "gyroscope_bias": _number("rad/s, standard deviation of the constant bias of each axis", 0, 1000),
    },
    "odometry": {
        **_SENSOR,
        "slip": _number("standard deviation of the constant relative scale error of each wheel", 0, 0.5),
        "noise": _number("rad/s, standard deviation of a wheel's speed", 0, 1000),
    },
    "microphone": {
        **_SENSOR,
        "ambient": _number("dB, of an empty street; plus up to 6 dB, by seed", 0, 140),
        "noise": _number("dB, standard deviation", 0, 100),
    },
    "light": {**_SENSOR, "noise": _number("relative standard deviation", 0, 100)},
    "thermometer": {**_SENSOR, "noise": _number("K, standard deviation", 0, 1000)},
}
"""JSON schema, unit and meaning of every option, by type of sensor."""

DEFAULTS: dict[str, dict[str, Any]] = {
    "lidar": {
        "rate": 10.0,
        "latency": 0.01,
        "dropout": 0.01,
        "position": [0.25, 0.0, 0.3],
        "yaw": 0.0,
        "min_range": 0.05,
        "max_range": 12.0,
        "noise": 0.015,
        "beams": 360,
        "field_of_view": [-1.05, 1.05],
    },
    "sonar": {
        "rate": 10.0,
        "latency": 0.01,
        "dropout": 0.01,
        "position": [0.3, 0.0, 0.2],
        "yaw": 0.0,
        "min_range": 0.05,
        "max_range": 4.0,
        "noise": 0.02,
        "field_of_view": 0.5,
    },
    "imu": {
        "rate": 100.0,
        "latency": 0.001,
        "dropout": 0.0,
        "accelerometer_noise": 0.05,
        "gyroscope_noise": 0.005,
        "accelerometer_bias": 0.03,
        "gyroscope_bias": 0.003,
    },
    "odometry": {"rate": 20.0, "latency": 0.002, "dropout": 0.0, "slip": 0.01, "noise": 0.02},
    "microphone": {"rate": 10.0, "latency": 0.005, "dropout": 0.0, "ambient": 45.0, "noise": 0.7},
    "light": {"rate": 5.0, "latency": 0.005, "dropout": 0.0, "noise": 0.03},
    "thermometer": {"rate": 2.0, "latency": 0.005, "dropout": 0.0, "noise": 0.1},
}
"""The default of every option."""

FAULTS: dict[str, dict[str, Any]] = {
    "dropout": {},
    "freeze": {},
    "clock_offset": {"offset": _number("s added to the header stamps", -1_000_000, 1_000_000)},
    "noise": {"factor": _number("factor on the standard deviation of the noise", 1, 10_000)},
}
"""The kinds of faults and the options of each kind.

`dropout`: no messages. `freeze`: the last values again, with new stamps. `clock_offset`: wrong header stamps, correct
receive times. `noise`: a burst of noise.
"""

FAULT_KEYS = {
    "start": _number("s from the start of the drive", 0, 3600),
    "duration": _number("s", high=3600, above=0),
}
"""The keys of every fault besides its sensor and kind."""


def mapping(properties: Mapping[str, Any], **rules: Any) -> dict[str, Any]:
    """The schema of a mapping with these keys only."""
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), **rules}


def file_schema() -> dict[str, Any]:
    """The schema of a scenario file. Sensors and faults have schemas of their own, by type and kind."""
    street = mapping({**KEYS["street"], "density": mapping(KEYS["street.density"])})
    sections = {name: mapping(KEYS[name]) for name in ("corridor", "traffic", "robot")}
    sensors = {"type": "object", "minProperties": 1}
    return mapping({**KEYS[""], **sections, "street": street, "sensors": sensors, "faults": {"type": "array"}})
