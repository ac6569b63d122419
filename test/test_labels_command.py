# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""`obstacle_classifier labels`: label files of bags to one file and back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import Bag, load_labels
from obstacle_classifier.bags.label_file import read_label_file
from test.helpers.bags import START, drives, string, write_bag

pytestmark = pytest.mark.runtime

LABELS = ["pedestrian", "bicycle"]
SECOND = 10**9
FILE = "start,end,label\n1,3.25,pedestrian\n2.000000001,9,bicycle\n4,5,ignore\n"


def run(*arguments: object, status: int = 0) -> str:
    """The stderr of a command."""
    command = [sys.executable, "-m", "obstacle_classifier.cli", "labels", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def bag(path: Path, start: int = START, labels: str | None = FILE) -> Path:
    """A bag of 10 s."""
    messages = [(topic, kind, time - START + start, data) for topic, kind, time, data in drives(100, step=SECOND // 10)]
    write_bag(path, messages)
    if labels is not None:
        (path / "labels.csv").write_text(labels, encoding="utf-8")
    return path


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """A folder of two bags of one robot, one after the other."""
    bag(tmp_path / "day" / "run_0")
    bag(tmp_path / "day" / "run_1", START + 20 * SECOND, "start,end,label\n0,4,bicycle\n")
    return tmp_path / "day"


def unlabelled(day: Path, folder: Path) -> Path:
    copy = shutil.copytree(day, folder)
    for path in copy.rglob("labels.csv"):
        path.unlink()
    return copy


def tracks(folder: Path) -> list[list[frozenset[str] | None]]:
    """The labels of each bag of a folder every 50 ms, and just before and after each edge of a row."""
    found = []
    for path in sorted(folder.iterdir()):
        with Bag(path) as each:
            track = load_labels(each, LABELS)
            times = [each.start + k * SECOND // 20 for k in range(220)]
            edges = [2 * SECOND, 2 * SECOND + 1, 3_249_999_999, 3_250_000_000, 4 * SECOND - 1, 4 * SECOND]
            found.append([track.at(time) for time in [*times, *(each.start + edge for edge in edges)]])
    return found


@pytest.mark.parametrize("name", ["labels.json", "labels.csv"])
def test_labels_come_back_as_they_were(day: Path, tmp_path: Path, name: str) -> None:
    run("export", "--bags", day, "--output", tmp_path / name)
    copy = unlabelled(day, tmp_path / "copy")
    assert run("import", tmp_path / name, "--bags", copy) == ""
    assert tracks(copy) == tracks(day)
    again = tmp_path / f"again.{name}"
    run("export", "--bags", copy, "--output", again)
    assert again.read_bytes() == (tmp_path / name).read_bytes()


def test_events_carry_device_key_and_bag(day: Path, tmp_path: Path) -> None:
    output = tmp_path / "events.json"
    run("export", "--bags", day, "--output", output, "--device-id", "dev_1", "--key", "obstacle")
    events = json.loads(output.read_text(encoding="utf-8"))
    assert len(events) == 4
    assert {event["deviceId"] for event in events} == {"dev_1"}
    assert events[3]["metadata"] == {"bag": "run_1", "obstacle": "bicycle"}
    warning = run("import", output, "--bags", unlabelled(day, tmp_path / "copy"), status=1)
    assert "4 events have no metadata 'label' and are left out" in warning
    assert f"{output}: found no label in the time of a bag, expected some" in warning


def test_a_label_topic_is_exported_where_there_is_no_label_file(tmp_path: Path) -> None:
    said = ((0, ""), (2, "pedestrian"), (5, ""))
    truth = [("/truth", "std_msgs/msg/String", START + k * SECOND, string(text)) for k, text in said]
    write_bag(tmp_path / "run", [*truth, *drives(100, step=SECOND // 10)])
    output = tmp_path / "labels.csv"
    refused = run("export", "--bags", tmp_path / "run", "--output", output, status=1)
    assert "run: no labels: no labels.csv beside it, and no label topic is configured" in refused
    run("export", "--bags", tmp_path / "run", "--output", output, "--label-topic", "/truth")
    rows = read_label_file(output).rows
    assert (START + 2 * SECOND, START + 5 * SECOND, "pedestrian") in rows


def test_a_label_file_is_replaced_only_on_request(day: Path, tmp_path: Path) -> None:
    output = tmp_path / "labels.json"
    run("export", "--bags", day, "--output", output)
    before = (day / "run_0" / "labels.csv").read_bytes()
    refused = run("import", output, "--bags", day, status=1)
    assert f"{day / 'run_0' / 'labels.csv'}: found a label file, expected none; --replace replaces it" in refused
    assert (day / "run_0" / "labels.csv").read_bytes() == before
    run("import", output, "--bags", day, "--replace")
    assert (day / "run_0" / "labels.csv").read_text(encoding="utf-8").startswith("start_time,end_time,label\n")


def test_labels_go_to_the_bags_of_their_time(day: Path, tmp_path: Path) -> None:
    text = "start_time,end_time,label\n"
    rows = [(9, 21, "bicycle"), (1, 2, "pedestrian"), (15, 16, "pedestrian")]
    text += "".join(f"{START // SECOND + start},{START // SECOND + end},{label}\n" for start, end, label in rows)
    (tmp_path / "fleet.csv").write_text(text, encoding="utf-8")
    copy = unlabelled(day, tmp_path / "copy")
    warning = run("import", tmp_path / "fleet.csv", "--bags", copy)
    assert warning == "warning: 1 of 3 labels are in the time of no bag\n"
    assert [label for _, _, label in read_label_file(copy / "run_0" / "labels.csv").rows] == ["bicycle", "pedestrian"]
    assert [label for _, _, label in read_label_file(copy / "run_1" / "labels.csv").rows] == ["bicycle"]


def test_a_bag_without_a_label_in_its_time_stays_unlabelled(day: Path, tmp_path: Path) -> None:
    run("export", "--bags", day / "run_1", "--output", tmp_path / "one.csv")
    copy = unlabelled(day, tmp_path / "copy")
    warning = run("import", tmp_path / "one.csv", "--bags", copy)
    assert warning == f"warning: {copy / 'run_0'}: no label in its time, its labels stay as they are\n"
    assert not (copy / "run_0" / "labels.csv").exists()


def test_bags_of_one_time_need_labels_that_name_them(day: Path, tmp_path: Path) -> None:
    """As of two robots on one street."""
    bag(day / "run_2", START + SECOND, "start,end,label\n0,4,bicycle\n")
    for name in ("all.json", "all.csv"):
        run("export", "--bags", day, "--output", tmp_path / name)
    copy = unlabelled(day, tmp_path / "copy")
    refused = run("import", tmp_path / "all.csv", "--bags", copy, status=1)
    assert f"found a label in the time of both {copy / 'run_0'} and {copy / 'run_2'}, expected the name of " in refused
    assert not list(copy.rglob("labels.csv")), "nothing is half-written"
    run("import", tmp_path / "all.json", "--bags", copy)
    assert tracks(copy) == tracks(day)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("labels.txt", "", "found the suffix '.txt', expected Foxglove events (.json), or start_time,end_time,label"),
        ("labels.csv", "start,end,label\n1,2,a\n", "found times of one recording, expected the header 'start_time,"),
        ("labels.csv", "start_time,end_time,label\n5,2,a\n", "labels.csv:2: found end 2, expected more than the start"),
        ("labels.json", "[1]", "event 0: found a number, expected an event"),
        ("absent.json", None, "absent.json: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_line(tmp_path: Path, name: str, text: str | None, problem: str) -> None:
    bag(tmp_path / "run", labels=None)
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    refused = run("import", tmp_path / name, "--bags", tmp_path / "run", status=1)
    assert problem in refused
    assert refused.count("\n") == 1
