# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recordings played to classifier_node without `ros2 bag play`, and a node that is killed and started again."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")
pytest.importorskip("rosbags", reason="rosbags is not installed")

import rclpy

from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.example_bags import SENSORS, write_example_bags
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.tools import play_bag
from obstacle_classifier.tools.play_bag import clock_times
from test.helpers.bags import START, write_bag
from test.helpers.messages import make_float32, make_scan
from test.helpers.models import make_model
from test.helpers.ros import NodeProcess, Watcher

INTERVAL = 100_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and a bag of its sensors."""
    folder = tmp_path_factory.mktemp("replay")
    make_model(parse_sensors(SENSORS, "test")).save(folder / "model.npz")
    write_example_bags(folder, count=1, seconds=8)
    return folder


def run(module: str, *arguments: object, status: int = 0, timeout: float | None = None) -> str:
    """stderr of a module's command."""
    command = [sys.executable, "-m", f"obstacle_classifier.{module}", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    assert result.returncode == status, result.stderr
    return result.stderr


def table(path: Path) -> tuple[list[str], list[int], np.ndarray[Any, Any]]:
    """Labels, interval ends and probabilities of a CSV file."""
    with path.open(newline="", encoding="utf-8") as stream:
        (_, *labels), *rows = csv.reader(stream)
    return labels, [int(row[0]) for row in rows], np.array([row[1:] for row in rows], float)


def test_a_replay_has_the_intervals_of_predict(folder: Path, tmp_path: Path) -> None:
    model, bag = folder / "model.npz", folder / "street_0"
    with NodeProcess("classifier_node", f"model_path:={model}", "use_sim_time:=true") as node:
        run("tools.play_bag", "--bag", bag, "--model", model, "--output", tmp_path / "live.csv", "--rate", 4)
        node.signal(signal.SIGTERM)
        assert node.wait(5) == 0
    run("cli", "predict", "--bag", bag, "--model", model, "--output", tmp_path / "offline.csv")
    labels, ends, live = table(tmp_path / "live.csv")
    expected_labels, expected, _ = table(tmp_path / "offline.csv")
    assert labels == expected_labels
    # The node's grid begins with the first message, which on a busy machine may arrive after the clock has passed the
    # end of its interval.
    assert ends in (expected, expected[1:])
    assert ((live >= 0) & (live <= 1)).all()


FLOAT = "std_msgs/msg/Float32"
NOISE = {"type": FLOAT, "topic": "noise", "required": True}
PAUSED = {"interval": 0.1, "labels": ["a", "b"], "sensors": {"noise": NOISE}}


def test_long_pause_is_skipped_and_a_relative_topic_is_played(tmp_path: Path) -> None:
    """A pause of 12 h between two seconds of messages, on a robot with a namespace."""
    model, bag = tmp_path / "model.npz", tmp_path / "bag"
    make_model(parse_sensors(PAUSED, "test")).save(model)
    times = [START + origin + step * 50_000_000 for origin in (0, 12 * 3600 * 10**9) for step in range(21)]
    write_bag(bag, [("/robot1/noise", FLOAT, now, make_float32(float(now % 97))) for now in times])
    with NodeProcess("classifier_node", f"model_path:={model}", "use_sim_time:=true") as node:
        run("tools.play_bag", "--bag", bag, "--model", model, "--output", tmp_path / "live.csv", timeout=60)
        node.signal(signal.SIGTERM)
        assert node.wait() == 0
    run("cli", "predict", "--bag", bag, "--model", model, "--output", tmp_path / "offline.csv")
    live, offline = ((tmp_path / f"{name}.csv").read_text().splitlines() for name in ("live", "offline"))
    assert len(offline) == 22
    assert "nan" in "".join(offline), "the interval at the end of the pause"
    # The node's first message may arrive after the clock has passed the end of its interval.
    for lines in (live, offline):
        del lines[1]
    ends, expected = ([line.split(",")[0] for line in lines] for lines in (live, offline))
    assert ends in (expected, expected[1:])


def test_clock_goes_on_in_a_short_pause_only() -> None:
    second = 10**9
    assert list(clock_times(0, second // 20, second)) == [20_000_000, 40_000_000, 50_000_000]
    assert len(clock_times(0, 600 * second, second)) == 30_000
    assert list(clock_times(0, 601 * second, second)) == [601 * second]


def test_a_replay_of_what_cannot_be_played_says_why(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "live.csv"
    error = run("tools.play_bag", "--bag", "/no/bag", "--model", folder / "model.npz", "--output", output, status=1)
    assert error.startswith("play_bag: /no/bag: ")
    error = run("tools.play_bag", "--bag", folder / "street_0", "--model", "/no/m.npz", "--output", output, status=1)
    assert error.startswith("play_bag: /no/m.npz: ")
    assert not output.exists()
    arguments = ("--bag", folder / "street_0", "--model", folder / "model.npz")
    error = run("tools.play_bag", *arguments, "--output", "/no/live.csv", status=1)
    assert error == "play_bag: /no/live.csv: folder /no does not exist\n", "before a node is waited for"
    assert "--rate: found 0, expected more than 0" in run(
        "tools.play_bag", *arguments, "--output", output, "--rate", 0, status=2
    )


@pytest.mark.parametrize(
    ("number", "ended"), [(signal.SIGINT, (130, "interrupted")), (signal.SIGTERM, (143, "terminated"))]
)
def test_a_replay_that_is_interrupted_says_so(
    folder: Path, tmp_path: Path, number: int, ended: tuple[int, str]
) -> None:
    arguments = ("--bag", folder / "street_0", "--model", folder / "model.npz", "--output", tmp_path / "live.csv")
    command = [sys.executable, "-m", "obstacle_classifier.tools.play_bag", *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        with Watcher() as watcher:
            watcher.wait("the player", lambda: watcher.node.count_publishers("/clock"))
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    status, word = ended
    assert (process.returncode, errors) == (status, f"play_bag: {word}\n")
    assert not list(tmp_path.iterdir())


def test_a_replay_to_nobody_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play_bag, "_DEADLINE", 1.0)
    rclpy.init()
    try:
        with Bag(folder / "street_0") as bag, pytest.raises(BagError) as error:
            play_bag.play_bag(bag, parse_sensors(SENSORS, "test"), rate=4.0)
    finally:
        rclpy.shutdown()
    assert str(error.value) == (
        f"{folder / 'street_0'}: /obstacle_classifier is not active within 1 s: no answer to get_state"
    )


def test_a_node_started_again_after_a_kill_takes_over(folder: Path) -> None:
    parameter = f"model_path:={folder / 'model.npz'}"
    with Watcher() as watcher:
        feeders = {
            watcher.publisher("sensor_msgs/msg/LaserScan", "/scan"): lambda: make_scan(
                np.full(90, 2.0), stamp_ns=time.time_ns()
            ),
            watcher.publisher("std_msgs/msg/Float32", "/noise_level"): lambda: make_float32(50.0),
        }

        def feed_until_known() -> int:
            watcher.probabilities.clear()
            watcher.feed(
                feeders, lambda: sum(not np.isnan(p).any() for _, p in watcher.probabilities) >= 5, "intervals"
            )
            return watcher.probabilities[-1][0]

        with NodeProcess("classifier_node", parameter) as first:
            before = feed_until_known()
            first.signal(signal.SIGKILL)
            assert first.wait() == -signal.SIGKILL
        with NodeProcess("classifier_node", parameter) as second:
            after = feed_until_known()
            ends = np.array([end for end, _ in watcher.probabilities])
            assert after > before
            assert (ends % INTERVAL == 0).all(), "on the same grid"
            assert (np.diff(ends) > 0).all(), "each interval once"
            assert second.alive
