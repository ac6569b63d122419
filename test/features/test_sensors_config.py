# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import load_sensors, parse_sensors

pytestmark = pytest.mark.runtime

GOOD: dict[str, Any] = yaml.safe_load("""
interval: 0.1
labels: [pedestrian, bicycle, trash_can]
label_topic: /ground_truth
sensors:
  scan:  {type: sensor_msgs/msg/LaserScan, topic: /scan, sectors: 12, reduce: [min, std], field_of_view: [-1.57, 1.57],
          max_range: 8.0, statistics: [last, min, mean], timeout: 0.5, required: true}
  imu:   {type: sensor_msgs/msg/Imu, topic: /imu/data, channels: [linear_acceleration.z, angular_velocity.x],
          window: 1.0, statistics: [mean, std, peak_to_peak], timeout: 1.0}
  noise: {type: std_msgs/msg/Float32, topic: /noise_level, statistics: [mean, max], timeout: 1.0}
""")


def test_a_good_file_means_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump(GOOD, sort_keys=False))
    sensors = load_sensors(path)
    assert sensors.interval == 10**8
    assert sensors.labels == ("pedestrian", "bicycle", "trash_can")
    scan, imu, noise = sensors.sensors
    assert (scan.window, scan.timeout, scan.required) == (10**8, 5 * 10**8, True)
    assert (imu.window, imu.timeout, imu.required) == (10**9, 10**9, False)
    assert noise.columns == ("noise.data.mean", "noise.data.max", "noise.missing")
    assert "scan.sector_03_min.last" in sensors.columns
    assert len(sensors.columns) == 12 * 2 * 3 + 1 + 2 * 3 + 1 + 3
    assert sensors.topics == {"/scan": "scan", "/imu/data": "imu", "/noise_level": "noise"}


def test_parsing_its_document_again_gives_the_same() -> None:
    sensors = parse_sensors(GOOD, "s.yaml")
    assert parse_sensors(sensors.document, "elsewhere") == sensors


def changed(path: str, value: object) -> dict[str, Any]:
    document = copy.deepcopy(GOOD)
    *parents, key = path.split("/")
    place = document
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return document


LABEL = "letters, digits and underscores, a letter first, and neither ignore nor unknown"
TOPIC = "a topic name such as /scan, or scan for a topic in the node's namespace"
STATISTICS = "one of: last, min, max, mean, std, rms, peak_to_peak, slope, count"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("interval", ..., "key 'interval' is missing"),
        ("interval", 0, "key 'interval': found 0, expected at least 0.001"),
        ("interval", -0.1, "key 'interval': found -0.1, expected at least 0.001"),
        ("interval", 1e-6, "key 'interval': found 1e-06, expected at least 0.001"),
        ("interval", 1e12, "key 'interval': found 1000000000000.0, expected at most 3600"),
        ("interval", "fast", "key 'interval': found 'fast', expected a number"),
        ("interval", float("nan"), "key 'interval': found nan, expected a finite number"),
        ("interval", float("inf"), "key 'interval': found inf, expected a finite number"),
        ("interval", 1 / 3, "key 'interval': found 0.3333333333333333, expected a whole number of nanoseconds"),
        ("interval", None, "key 'interval': found nothing, expected a number"),
        ("interval", True, "key 'interval': found true, expected a number"),
        (
            "intervall",
            0.1,
            "unknown key 'intervall', expected one of: corridor, interval, label_topic, labels, other_labels, sensors",
        ),
        ("labels", [], "key 'labels': found [], expected at least 1 item"),
        ("labels", ["a", "a"], "key 'labels': found ['a', 'a'], expected no item twice"),
        ("labels", ["ignore"], f"key 'labels[0]': found 'ignore', expected {LABEL}"),
        ("labels", ["a", "unknown"], f"key 'labels[1]': found 'unknown', expected {LABEL}"),
        ("labels", ["a,b"], f"key 'labels[0]': found 'a,b', expected {LABEL}"),
        ("labels", [True], "key 'labels[0]': found true, expected text"),
        ("labels", "a", "key 'labels': found 'a', expected a list"),
        ("label_topic", "truth", "key 'label_topic': found 'truth', expected an absolute topic name such as /scan"),
        ("sensors", {}, "key 'sensors': found {}, expected at least 1 entry"),
        ("sensors", [1], "key 'sensors': found [1], expected a mapping"),
        (
            "sensors/Scan",
            {},
            "key 'sensors': found 'Scan', expected a sensor name of lower-case letters, digits and underscores, "
            "a letter first",
        ),
        ("sensors/scan", 3, "key 'sensors.scan': found 3, expected a mapping"),
        ("sensors/scan/type", ..., "key 'sensors.scan': key 'type' is missing"),
        ("sensors/scan/topic", ..., "key 'sensors.scan': key 'topic' is missing"),
        (
            "sensors/scan/type",
            "sensor_msgs/msg/Image",
            "key 'sensors.scan.channels' is missing: sensor_msgs/msg/Image has no channels by default; known types are "
            "sensor_msgs/msg/Range, sensor_msgs/msg/Imu",
        ),
        (
            "sensors/scan/type",
            "LaserScan",
            "key 'sensors.scan.type': found 'LaserScan', expected a message type such as sensor_msgs/msg/Imu",
        ),
        (
            "sensors/scan/topic",
            "/imu/data",
            "key 'sensors.imu.topic': found '/imu/data', expected a topic of its own (sensors.scan has this one)",
        ),
        (
            "sensors/scan/topic",
            "imu/data",
            "key 'sensors.imu.topic': found '/imu/data', expected a topic of its own (sensors.scan has this one)",
        ),
        ("sensors/scan/topic", "scan/", f"key 'sensors.scan.topic': found 'scan/', expected {TOPIC}"),
        (
            "sensors/scan/topic",
            "~/scan",
            f"key 'sensors.scan.topic': found '~/scan', expected {TOPIC}",
        ),
        (
            "label_topic",
            "/scan",
            "key 'sensors.scan.topic': found '/scan', expected a topic of its own (label_topic has this one)",
        ),
        ("sensors/scan/timeout", 0, "key 'sensors.scan.timeout': found 0, expected more than 0"),
        ("sensors/imu/window", -1, "key 'sensors.imu.window': found -1, expected more than 0"),
        (
            "sensors/imu/window",
            1e-10,
            "key 'sensors.imu.window': found 1e-10, expected a whole number of nanoseconds",
        ),
        ("sensors/imu/required", "yes", "key 'sensors.imu.required': found 'yes', expected true or false"),
        (
            "sensors/noise/statistics",
            ["median"],
            f"key 'sensors.noise.statistics[0]': found 'median', expected {STATISTICS}",
        ),
        ("sensors/noise/statistics", [], "key 'sensors.noise.statistics': found [], expected at least 1 item"),
        (
            "sensors/noise/sectors",
            3,
            "key 'sensors.noise': unknown key 'sectors', expected one of: channels, required, statistics, timeout, "
            "topic, type, window",
        ),
    ],
)
def test_bad_files_are_refused_with_the_exact_reason(path: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape('s.yaml: ' + message)}$"):
        parse_sensors(changed(path, value), "s.yaml")


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ("sensors/imu/channels", ["linear_acceleration.w"], "sensors.imu.channels"),
        ("sensors/scan/field_of_view", [1.0, -1.0], "sensors.scan.field_of_view"),
        ("sensors/scan/sectors", 0, "sensors.scan.sectors"),
        ("sensors/scan/reduce", ["median"], "sensors.scan.reduce[0]"),
        ("sensors/scan/max_range", -8.0, "sensors.scan.max_range"),
    ],
)
def test_bad_options_of_a_type_name_their_key(path: str, value: object, key: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(f's.yaml: key {chr(39)}{key}')}.*found .*expected"):
        parse_sensors(changed(path, value), "s.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("interval: 0.1\ninterval: 0.2\n", "line 2, column 1: key 'interval' is written twice"),
        ("interval: [0.1\n", "line 2, column 1: expected ',' or ']', but got '<stream end>'"),
        ("", "key 'interval' is missing"),
        ("a: &a {b: 1}\nc: *a\n", "line 2, column 4: an alias: aliases are not read"),
        ("a: &a [*a]\n", "line 1, column 8: an alias: aliases are not read"),
        ("- 1\n", "found a list, expected a mapping of keys to values"),
    ],
)
def test_bad_yaml_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"^{re.escape(f'{path}: {message}')}$"):
        load_sensors(path)


def test_whole_numbers_and_exponents_may_be_written_as_people_do(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    text = (
        "interval: 1e-1\nlabels: [a]\nsensors: {scan: {type: sensor_msgs/msg/LaserScan, topic: /scan, sectors: %s}}\n"
    )
    path.write_text(text % "8")
    plain = load_sensors(path)
    assert plain.interval == 10**8
    for sectors in ("8.0", "8e0", "0.8e+1"):
        path.write_text(text % sectors)
        assert load_sensors(path) == plain
        assert parse_sensors(load_sensors(path).document, "again") == plain
    path.write_text(text % "8.5")
    with pytest.raises(ConfigError, match=r"key 'sensors\.scan\.sectors': found 8\.5, expected a whole number$"):
        load_sensors(path)


def test_a_comma_in_a_joint_is_refused() -> None:
    """Published column names are separated by commas."""
    sensors = {"arm": {"type": "sensor_msgs/msg/JointState", "topic": "/joints", "channels": ["position.a,b"]}}
    message = (
        "s.yaml: key 'sensors.arm.channels': found 'position.a,b', "
        "expected a name without a comma: commas separate the column names in published messages"
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        parse_sensors({"interval": 0.1, "labels": ["x"], "sensors": sensors}, "s.yaml")


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read: No such file or directory$"):
        load_sensors(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(ConfigError, match=r"binary\.yaml: "):
        load_sensors(tmp_path / "binary.yaml")
    (tmp_path / "deep.yaml").write_text("[" * 5000)
    with pytest.raises(ConfigError, match=r"deep\.yaml: "):
        load_sensors(tmp_path / "deep.yaml")
