# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `init`: what it writes is accepted without a warning, and trains at once."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags.example_bags import write_example_bags
from obstacle_classifier.bags.first_sensors import first_sensors
from obstacle_classifier.bags.survey import survey
from obstacle_classifier.cli import main
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.sensing import MESSAGE_TYPES
from test.helpers.bags import DATA, FOREIGN, START, Message, cdr, string, write_bag
from test.helpers.messages import make_imu, make_joint_state, make_scan, random_message

MS = 10**6
FLOAT, SCAN, IMU = "std_msgs/msg/Float32", "sensor_msgs/msg/LaserScan", "sensor_msgs/msg/Imu"
JOINTS = "sensor_msgs/msg/JointState"
VECTOR = {"x": 0.0, "y": 0.0, "z": 0.0}
OTHER_TYPES: dict[str, Any] = {
    "geometry_msgs/msg/Twist": {"linear": VECTOR, "angular": VECTOR},
    "geometry_msgs/msg/Vector3": VECTOR,
    "geometry_msgs/msg/Point": VECTOR,
    "std_msgs/msg/Int32": {"data": 3},
    "std_msgs/msg/UInt8": {"data": 3},
    "std_msgs/msg/Empty": {},
    "std_msgs/msg/String": {"data": "hello"},
}


PLACES = {
    "geometry_msgs/msg/Pose",
    "geometry_msgs/msg/PoseStamped",
    "geometry_msgs/msg/PoseWithCovarianceStamped",
    "sensor_msgs/msg/NavSatFix",
}


def messages_of(*topics: tuple[str, str, Any], count: int = 60, step: int = 50 * MS) -> list[Message]:
    """Messages of topics (name, type, bytes or function of the index to bytes)."""
    return [
        (name, kind, START + k * step + place, data(k) if callable(data) else data)
        for k in range(count)
        for place, (name, kind, data) in enumerate(topics)
    ]


def every_type() -> list[Message]:
    """A bag of more than twenty types: all that have default channels, others, and one without a definition."""
    rng = np.random.default_rng(0)

    def random(kind: str) -> Callable[[int], bytes]:
        return lambda k: random_message(kind, rng, stamp_ns=START + k)

    topics: list[tuple[str, str, Any]] = [
        (f"/t/{kind.rsplit('/', 1)[1].lower()}", kind, random(kind)) for kind in MESSAGE_TYPES if kind != SCAN
    ]
    topics.append(("/scan", SCAN, lambda k: make_scan(3 + rng.random(300), stamp_ns=START + k)))
    topics += [(f"/other/{kind.rsplit('/', 1)[1]}", kind, cdr(kind, **fields)) for kind, fields in OTHER_TYPES.items()]
    topics.append(("/foreign", FOREIGN, b"\0\1\0\0\1"))
    assert len({kind for _, kind, _ in topics}) >= 20
    return messages_of(*topics)


def made(*bags: Path) -> tuple[SensorsConfig, str]:
    text = first_sensors([survey(bag) for bag in bags])
    return parse_sensors(yaml.safe_load(text), "made"), text


def check_features(
    folder: Path, bags: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> SensorsConfig:
    """Run `init` and `features` on bags; neither may warn."""
    monkeypatch.chdir(folder)
    assert main(["init", str(bags)]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    Path("sensors.yaml").write_text(output.out)
    arguments = ["--sensors", "sensors.yaml", "--bags", str(bags), "--output", "f.npz", "--jobs", "1"]
    assert main(["features", *arguments]) == 0
    assert "warning" not in capsys.readouterr().err
    with np.load("f.npz") as arrays:
        known = np.isfinite(arrays["X"]).any(axis=0)
        columns = arrays["columns"]
        assert columns[~known].tolist() == [], "every column is known in some interval"
    return parse_sensors(yaml.safe_load(output.out), "made")


@pytest.mark.skipif(not DATA.is_dir(), reason="the real recordings are not here")
@pytest.mark.parametrize("name", ["robot_localization", "leg_tracker", "borealtc"])
def test_real_recordings_are_read_without_a_warning(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sensors = check_features(tmp_path, DATA / name, capsys, monkeypatch)
    labels = {
        "robot_localization": {"obstacle"},
        "leg_tracker": {"person_near", "person_far", "person_left", "person_right", "person_ahead"},
        "borealtc": {"asphalt", "flooring", "ice", "sandy_loam", "snow"},
    }
    assert set(sensors.labels) == labels[name]
    assert not any(sensor.required for sensor in sensors.sensors)


def test_a_bag_of_every_type_is_read_without_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bag(tmp_path / "bags" / "run", every_type())
    sensors = check_features(tmp_path, tmp_path / "bags", capsys, monkeypatch)
    assert {sensor.type for sensor in sensors.sensors} == set(MESSAGE_TYPES) - PLACES


def test_what_it_writes_trains_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_example_bags(tmp_path / "bags", count=4, seconds=15)
    check_features(tmp_path, tmp_path / "bags", capsys, monkeypatch)
    arguments = ["--sensors", "sensors.yaml", "--bags", "bags", "--output", "m.npz", "--jobs", "1"]
    assert main(["train", *arguments, "--set", "epochs=2"]) == 0
    assert (tmp_path / "m.npz").exists()


def test_settings_follow_from_the_messages(tmp_path: Path) -> None:
    topics = [
        ("/front/scan", SCAN, make_scan([1.0] * 241, angle_min=-1.2, angle_increment=0.01)),
        ("/imu/data", IMU, make_imu(angular_velocity_covariance=[-1.0] + [0.0] * 8)),
        ("/joint_states", JOINTS, make_joint_state(["a", "b,c"], position=[0.0, 0.0])),
    ]
    messages = messages_of(*topics, count=200, step=10 * MS)
    path = write_bag(tmp_path / "run", messages, labels="start,end,label\n0,1,tree\n")
    sensors, text = made(path)
    scan, imu, joints = sensors.sensors
    assert (sensors.interval, sensors.labels) == (100 * MS, ("tree",))
    assert (scan.name, scan.options["field_of_view"], scan.options["sectors"]) == ("scan", [-1.2, 1.2], 12)
    assert imu.channels == ("linear_acceleration.x", "linear_acceleration.y", "linear_acceleration.z")
    assert (imu.window, imu.statistics) == (1000 * MS, ("std",))
    assert joints.channels == ("position.a",)
    assert "timeout: 0.2  # s; the longest gap was 0.01 s" in text


def test_scans_of_several_bags_share_their_common_field_of_view(tmp_path: Path) -> None:
    wide = ("/scan", SCAN, make_scan([1.0] * 361, angle_min=-math.pi / 2, angle_increment=math.pi / 360))
    narrow = ("/scan", SCAN, make_scan([1.0] * 11, angle_min=-1.0, angle_increment=0.2))
    paths = [write_bag(tmp_path / f"run_{k}", messages_of(topic)) for k, topic in enumerate((wide, narrow))]
    (scan,) = made(*paths)[0].sensors
    assert (scan.options["field_of_view"], scan.options["sectors"]) == ([-1.0, 1.0], 2)


def test_a_scanner_of_the_whole_circle_has_no_field_of_view(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", messages_of(("/scan", SCAN, make_scan([1.0] * 360))))
    (scan,) = made(path)[0].sensors
    assert "field_of_view" not in scan.options


def test_timeouts_follow_the_gaps_and_intervals_the_rates(tmp_path: Path) -> None:
    slow = messages_of(("/slow", FLOAT, cdr(FLOAT, data=1.0)), count=20, step=3000 * MS)
    sensors, _ = made(write_bag(tmp_path / "run", slow))
    assert sensors.interval == 1000 * MS
    assert 8.5e9 <= sensors.sensors[0].timeout <= 10e9


def test_topics_that_cannot_be_used_are_comments(tmp_path: Path) -> None:
    both = ("/noise", FLOAT, cdr(FLOAT, data=1.0))
    first = write_bag(tmp_path / "a", messages_of(both, ("/once", FLOAT, cdr(FLOAT, data=1.0)), ("/x", FOREIGN, b"")))
    second = write_bag(tmp_path / "b", messages_of(both, ("/bad", FLOAT, b"\0\1\0\0")))
    sensors, text = made(first, second)
    assert [sensor.topic for sensor in sensors.sensors] == ["/noise"]
    assert "#   /once: std_msgs/msg/Float32, in 1 of 2 recordings only\n" in text
    assert f"#   /x: {FOREIGN}, not supported\n" in text


def test_names_of_sensors_differ(tmp_path: Path) -> None:
    value = cdr(FLOAT, data=1.0)
    topics = ["/left/level", "/right/level", "/a/noise", "/b/noise", "/a1/Data"]
    sensors, _ = made(write_bag(tmp_path / "run", messages_of(*((topic, FLOAT, value) for topic in topics))))
    assert sorted(sensor.name for sensor in sensors.sensors) == ["a1", "b_noise", "left", "noise", "right"]


def test_labels_come_from_a_label_topic_where_there_is_no_file(tmp_path: Path) -> None:
    words = ["", "dog", "dog,tree", "ignore"]
    topics: list[tuple[str, str, Any]] = [
        ("/noise", FLOAT, cdr(FLOAT, data=1.0)),
        ("/ground_truth", "std_msgs/msg/String", lambda k: string(words[k % 4])),
        ("/said", "std_msgs/msg/String", string("hello")),
    ]
    sensors, _ = made(write_bag(tmp_path / "run", messages_of(*topics)))
    assert (sensors.label_topic, sensors.labels) == ("/ground_truth", ("dog", "tree"))


def test_labels_that_no_file_can_have_are_told(tmp_path: Path) -> None:
    labels = "start,end,label\n0,1,tree\n1,2,trash can\n"
    sensors, text = made(
        write_bag(tmp_path / "run", messages_of(("/noise", FLOAT, cdr(FLOAT, data=1.0))), labels=labels)
    )
    assert sensors.labels == ("tree",)
    assert "# Labels that no sensors file can have: 'trash can'\n" in text


def test_without_a_usable_topic_it_fails_with_the_reasons(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", messages_of(("/x", FOREIGN, b"\0\1\0\0")))
    with pytest.raises(BagError, match=rf"found no topic for a sensor \(/x: {FOREIGN}, not supported\)"):
        first_sensors([survey(path)])


def test_a_bag_that_cannot_be_read_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bag(tmp_path / "good", messages_of(("/noise", FLOAT, cdr(FLOAT, data=1.0))))
    shutil.copytree(tmp_path / "good", tmp_path / "bad")
    (tmp_path / "bad" / "good.mcap").write_bytes(b"")
    assert main(["init", str(tmp_path)]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("# A first sensors file, from 1 recording.")
    assert output.err.startswith("warning: ")
