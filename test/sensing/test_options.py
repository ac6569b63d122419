# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Options of the sensor types, and the errors for invalid options."""

from __future__ import annotations

import math
from typing import Any

import jsonschema
import pytest

from obstacle_classifier.sensing import MESSAGE_TYPES, OptionError, make_decoder

pytestmark = pytest.mark.runtime

SCAN, CLOUD, IMU, JOINTS = (
    "sensor_msgs/msg/LaserScan",
    "sensor_msgs/msg/PointCloud2",
    "sensor_msgs/msg/Imu",
    "sensor_msgs/msg/JointState",
)


def test_known_types() -> None:
    assert sorted(name.rsplit("/", 1)[1] for name in MESSAGE_TYPES) == [
        "BatteryState", "Bool", "Float32", "Float64", "FluidPressure", "Illuminance", "Imu", "Int16", "Int32", "Int64",
        "Int8", "JointState", "LaserScan", "MagneticField", "NavSatFix", "Odometry", "PointCloud2", "Pose",
        "PoseStamped", "PoseWithCovarianceStamped", "Range", "Temperature", "Twist", "TwistStamped", "UInt16", "UInt32",
        "UInt64", "UInt8", "Vector3", "Vector3Stamped",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
def test_default_channels_are_those_of_the_decoder(name: str) -> None:
    kind = MESSAGE_TYPES[name]
    assert kind.name == name
    if name == JOINTS:
        assert kind.default_channels == ()
    else:
        assert make_decoder(name, {}).channels == kind.default_channels


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
def test_option_schema_is_a_json_schema_that_describes_every_key(name: str) -> None:
    properties = MESSAGE_TYPES[name].option_schema
    jsonschema.Draft202012Validator.check_schema({"properties": dict(properties)})
    for key, schema in properties.items():
        assert schema["description"], key
        if "default" in schema:
            jsonschema.validate(schema["default"], schema)
            if name != JOINTS:
                assert make_decoder(name, {key: schema["default"]}).channels == make_decoder(name, {}).channels


@pytest.mark.parametrize(
    ("name", "options", "key", "text"),
    [
        (
            IMU,
            {"channels": ["orientation.q"]},
            "channels",
            "found 'orientation.q', expected a list of different names out of",
        ),
        (IMU, {"channels": []}, "channels", "found []"),
        (IMU, {"channels": ["orientation.x", "orientation.x"]}, "channels", "different names"),
        (IMU, {"sectors": 3}, "sectors", "found 3, expected no such key, only channels"),
        (JOINTS, {}, "channels", "found None, expected a list of different names like position.<joint>"),
        (JOINTS, {"channels": ["left"]}, "channels", "found 'left'"),
        (JOINTS, {"channels": ["position."]}, "channels", "found 'position.'"),
        (JOINTS, {"channels": ["speed.left"]}, "channels", "found 'speed.left'"),
        (
            SCAN,
            {"field_of_view": [1, -1]},
            "field_of_view",
            "found [1, -1], expected two finite numbers, the lower first",
        ),
        (SCAN, {"field_of_view": [0, 0]}, "field_of_view", "the lower first"),
        (SCAN, {"field_of_view": [0, math.inf]}, "field_of_view", "finite"),
        (SCAN, {"field_of_view": [-3.2, 3.2]}, "field_of_view", "at most a full circle"),
        (SCAN, {"max_range": math.inf}, "max_range", "found inf, expected a finite distance above 0"),
        (SCAN, {"max_range": math.nan}, "max_range", "found nan"),
        (SCAN, {"max_range": 0}, "max_range", "above 0"),
        (SCAN, {"sectors": 0}, "sectors", "at least 1"),
        (SCAN, {"reduce": ["median"]}, "reduce", "found 'median', expected one of min, max, mean, std, count"),
        (SCAN, {"reduce": ["min", "min"]}, "reduce", "different"),
        (SCAN, {"zero": "keep"}, "zero", "one of drop, no_return"),
        (SCAN, {"height": [0, 1]}, "height", "no such key"),
        (CLOUD, {"height": [2, 1]}, "height", "the lower first"),
        (CLOUD, {"zero": "drop"}, "zero", "no such key"),
        (
            "sensor_msgs/msg/Image",
            {},
            "type",
            "found 'sensor_msgs/msg/Image', expected a definition of it, or one of sensor_msgs/msg/LaserScan",
        ),
    ],
)
def test_mistakes(name: str, options: dict[str, Any], key: str, text: str) -> None:
    with pytest.raises(OptionError) as caught:
        make_decoder(name, options)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{key}: found ")
    assert text in str(caught.value)


def test_rounded_full_circle_is_a_full_circle() -> None:
    make_decoder(SCAN, {"field_of_view": [-3.1416, 3.1416]})
