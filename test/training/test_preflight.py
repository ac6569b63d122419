# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Problems of bags that are told before any bag is read whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags.glance import nearest_topics
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.training.preflight import UsableBags, list_columns, preflight
from test.helpers.bags import START, Message, cdr, write_bag
from test.helpers.messages import make_joint_state, make_scan
from test.helpers.training import Recorder

FLOAT, SCAN, JOINTS = "std_msgs/msg/Float32", "sensor_msgs/msg/LaserScan", "sensor_msgs/msg/JointState"
NONE = "start,end,label\n"
NOISE = ("/noise", FLOAT, cdr(FLOAT, data=1.0))


def write(path: Path, *topics: tuple[str, str, bytes], labels: str | None = NONE) -> Path:
    """A bag that begins at a time of its own, with ten messages a topic."""
    begin = START + len(list(path.parent.iterdir())) * 10**12
    messages: list[Message] = [(name, kind, begin + k * 10**8, data) for k in range(10) for name, kind, data in topics]
    return write_bag(path, messages, labels=labels)


def look(
    *paths: Path, recorder: Recorder, labels_required: bool = True, skip_bad: bool = False, **sensors: Any
) -> UsableBags:
    entries = {"noise": {"type": FLOAT, "topic": "/noise"}, **sensors}
    config = parse_sensors({"interval": 0.1, "labels": ["dog"], "sensors": entries}, "test")
    return preflight(paths, config, recorder, labels_required=labels_required, skip_bad=skip_bad)


def told(*paths: Path, labels_required: bool = True, **sensors: Any) -> list[str]:
    """The lines of a preflight of bags that can all be used."""
    recorder = Recorder()
    usable = look(*paths, recorder=recorder, labels_required=labels_required, **sensors)
    assert (usable.paths, usable.left_out) == (paths, ())
    return recorder.lines


def refused(*paths: Path, **sensors: Any) -> tuple[list[str], str]:
    """The lines of a preflight that fails, and its error."""
    recorder = Recorder()
    with pytest.raises(BagError) as caught:
        look(*paths, recorder=recorder, **sensors)
    return recorder.lines, str(caught.value)


def test_sound_bags_are_passed_over_in_silence(tmp_path: Path) -> None:
    assert told(*(write(tmp_path / name, NOISE) for name in "abc")) == []


def test_a_topic_that_some_bags_lack_is_told_with_the_nearest_names(tmp_path: Path) -> None:
    joints = {"type": JOINTS, "topic": "/joint_states", "channels": ["velocity.a"]}
    state = make_joint_state(["a"], velocity=[1.0])
    a, b = write(tmp_path / "a", NOISE, ("/joint_states", JOINTS, state)), write(tmp_path / "b", NOISE)
    c = write(tmp_path / "c", NOISE, ("/husky/joint_states", JOINTS, state))
    assert told(a, b, c, joints=joints) == [
        "warning: sensor joints: no topic /joint_states in 2 of 3 bags (b, c); nearest there: /husky/joint_states"
    ]


def test_a_required_topic_that_no_bag_has_is_an_error_at_once(tmp_path: Path) -> None:
    light = {"type": FLOAT, "topic": "/nose", "required": True}
    with pytest.raises(BagError) as caught:
        told(*(write(tmp_path / name, NOISE) for name in "ab"), light=light)
    text = "sensor light is required, and none of 2 bags has its topic /nose; nearest there: /noise"
    assert str(caught.value) == text


def test_an_optional_topic_that_no_bag_has_is_a_warning(tmp_path: Path) -> None:
    lines = told(write(tmp_path / "a", NOISE), light={"type": FLOAT, "topic": "/light"})
    assert lines == ["warning: sensor light: no topic /light in 1 of 1 bags (a)"]


def test_other_frames_and_beams_are_told(tmp_path: Path) -> None:
    front = write(tmp_path / "a", NOISE, ("/scan", SCAN, make_scan([1.0] * 90, frame_id="front")))
    same = write(tmp_path / "b", NOISE, ("/scan", SCAN, make_scan([1.0] * 90, frame_id="front")))
    rear = write(tmp_path / "c", NOISE, ("/scan", SCAN, make_scan([1.0] * 45, frame_id="rear")))
    assert told(front, same, rear, scan={"type": SCAN, "topic": "/scan"}) == [
        "warning: sensor scan: frames differ: 'front' in 2 bags, 'rear' in c",
        "warning: sensor scan: beams differ: 90 from -3.142 to 3.072 rad in 2 bags, 45 from -3.142 to 3.002 rad in c",
    ]


def test_sectors_outside_the_scanner_are_one_sentence(tmp_path: Path) -> None:
    scan = make_scan([1.0] * 419, angle_min=-2.09, angle_increment=0.01)
    sensor = {"type": SCAN, "topic": "/scan", "sectors": 24, "field_of_view": [-2.09, 3.0], "reduce": ["min", "mean"]}
    paths = [write(tmp_path / name, NOISE, ("/scan", SCAN, scan)) for name in "ab"]
    assert told(*paths, scan=sensor) == [
        "warning: sensor scan: sectors 20 to 23 lie outside the scanner's -2.09 to 2.09 rad"
    ]


def test_bags_without_labels_are_told_where_labels_matter(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, NOISE, labels=labels) for name, labels in (("a", NONE), ("b", None))]
    assert refused(*paths) == (
        ["warning: no labels in 1 of 2 bags: b"],
        "1 of 2 bags cannot be used: b; --skip-bad-bags goes on without them",
    )
    assert told(*paths, labels_required=False) == []


def test_all_unknown_labels_are_told_and_stop_at_once(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, NOISE, labels=f"{NONE}0,1,cat\n") for name in "ab"]
    texts = [f"{path}/labels.csv:2: found label 'cat', expected one of dog or ignore" for path in paths]
    assert refused(*paths) == (
        [f"warning: {text}: the bag cannot be used" for text in texts],
        f"{texts[0]} (and none of the 1 other bags can be used)",
    )


def test_bags_that_cannot_be_used_stop_the_run_or_are_left_out(tmp_path: Path) -> None:
    good, other = write(tmp_path / "a", NOISE), write(tmp_path / "b", ("/noise", SCAN, make_scan([1.0])))
    broken = tmp_path / "c.mcap"
    broken.write_bytes(b"x" * 99)
    lines, error = refused(good, other, broken)
    kind = f"topic /noise: found type {SCAN}, expected {FLOAT}"
    assert lines[0] == f"warning: {other}: {kind}: the bag cannot be used"
    assert lines[1].startswith(f"warning: {broken}: ")
    assert len(lines) == 2
    assert error == "2 of 3 bags cannot be used: b, c.mcap; --skip-bad-bags goes on without them"
    recorder = Recorder()
    usable = look(good, other, broken, recorder=recorder, skip_bad=True)
    assert usable.paths == (good,)
    assert [bad.name for bad in usable.left_out] == ["b", "c.mcap"]
    assert usable.left_out[0].problem == f"{other}: {kind}"
    assert recorder.lines == lines
    _, error = refused(other, broken)
    assert error.endswith("(and none of the 1 other bags can be used)")


def test_copies_of_a_recording_are_told(tmp_path: Path) -> None:
    first = write(tmp_path / "a", NOISE)
    copy = shutil.copytree(first, tmp_path / "copy")
    messages = [("/noise", FLOAT, START + k * 10**8, cdr(FLOAT, data=2.0)) for k in range(10)]
    other = write_bag(tmp_path / "other", messages, labels=NONE)
    said = "warning: copies of one recording, by their times, counts and first messages: a, copy"
    assert told(first, copy, other) == [said]


def test_long_lists_of_names_are_cut(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, NOISE) for name in "abcdefghi"]
    (line,) = told(*paths, light={"type": FLOAT, "topic": "/light"})
    assert line.endswith("in 9 of 9 bags (a, b, c, d, e, f and 3 more)")


def test_the_nearest_names_have_the_same_end_or_look_alike() -> None:
    topics = {"/husky/joint_states": JOINTS, "/joint_state": FLOAT, "/tf": JOINTS, "/scan": SCAN}
    assert nearest_topics("/joint_states", JOINTS, topics) == ["/husky/joint_states", "/joint_state"]
    assert nearest_topics("/camera", SCAN, topics) == []


def test_many_columns_of_a_sensor_are_told_by_the_first_and_the_last() -> None:
    many = [f"scan.sector_{number}_min.last" for number in range(12, 20)]
    text = "noise.data.mean, scan.sector_12_min.last to scan.sector_19_min.last (8 columns)"
    assert list_columns(["noise.data.mean", *many]) == text
    assert list_columns(many[:2]) == "scan.sector_12_min.last, scan.sector_13_min.last"
