# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The screen of the live view, for states and for running nodes."""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="the live view needs ROS 2")

import rclpy
from builtin_interfaces.msg import Time
from rclpy.context import Context
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float32MultiArray, MultiArrayDimension, String

from obstacle_classifier.features import load_sensors, parse_sensors
from obstacle_classifier.tools.live_view import LiveState, LiveView, Status, render, render_line
from test.helpers.messages import make_float32, make_scan
from test.helpers.models import make_model
from test.helpers.ros import NodeProcess, Watcher

ROOT = Path(__file__).parents[2]
SENSORS = {
    "interval": 0.1,
    "labels": ["pedestrian", "bicycle"],
    "sensors": {
        "scan": {"type": "sensor_msgs/msg/LaserScan", "topic": "/scan", "sectors": 4, "required": True},
        "noise": {"type": "std_msgs/msg/Float32", "topic": "/noise_level"},
    },
}
OK = Status("ok", "ok", {"rate [Hz]": "10.0", "age [s]": "0.034"})
OLD = Status("STALE", "stale: newest message is 2.31 s old", {"rate [Hz]": "0.0", "age [s]": "2.310"})


def make_state(**changes: object) -> LiveState:
    state = LiveState(
        labels=("pedestrian", "bicycle"),
        probabilities=(0.75, 0.0),
        obstacles=frozenset({"pedestrian"}),
        truth=frozenset({"bicycle"}),
        statuses={
            "sensor scan": OK,
            "sensor noise": OLD,
            "output": Status("ok", "publishing", {f"latency {name} [ms]": "1.50" for name in ("p50", "p99", "max")}),
        },
        seconds=12.3,
        intervals=123,
    )
    for name, value in changes.items():
        setattr(state, name, value)
    return state


def make_answer(end: int) -> Float32MultiArray:
    message = Float32MultiArray(data=[0.5])
    message.layout.dim = [
        MultiArrayDimension(label=str(end), size=1, stride=1),
        MultiArrayDimension(label="pedestrian", size=1, stride=1),
    ]
    return message


def row(state: LiveState, name: str) -> list[str]:
    (line,) = [line for line in render(state) if line.startswith(f"{name} ")]
    return re.sub(r"\[[# ]*\]", "", line).split()


def test_a_label_has_its_bar_probability_truth_and_decision() -> None:
    assert row(make_state(), "pedestrian") == ["pedestrian", "0.750", "-", "present"]
    assert row(make_state(), "bicycle") == ["bicycle", "0.000", "present", "-"]
    lines = {line.split()[0]: line for line in render(make_state()) if line}
    assert lines["pedestrian"].count("#") == round(0.75 * 34)
    assert "#" not in lines["bicycle"]


def test_unknown_is_shown_as_unknown() -> None:
    unknown = make_state(probabilities=(math.nan, math.nan), obstacles=None, truth=None)
    assert row(unknown, "pedestrian") == ["pedestrian", "unknown", "?", "unknown"]
    assert not any("#" in line for line in render(unknown))
    assert "says unknown; truth ?" in render_line(unknown)


def test_an_old_answer_is_not_shown_as_a_new_one() -> None:
    late = make_state(silence=1.5)
    assert "no answer for 1.5 s" in render(late)[0]
    assert row(late, "pedestrian")[1:] == ["unknown", "-", "unknown"]
    assert "says unknown" in render_line(late)


def test_a_stale_sensor_is_shown() -> None:
    assert row(make_state(), "scan") == ["scan", "10.0", "0.034", "ok"]
    assert row(make_state(), "noise")[:4] == ["noise", "0.0", "2.310", "STALE"]
    assert "stale: newest" in " ".join(row(make_state(), "noise"))
    assert render_line(make_state()).endswith("says pedestrian; truth bicycle; not ok: noise")


def test_latency_is_shown() -> None:
    assert render(make_state())[-1] == "latency in ms, p50 p99 max: node 1.50 1.50 1.50"
    delayed = make_state(delays=[2_000_000, 1_000_000, 4_000_000])
    assert render(delayed)[-1].endswith("; DDS 2.00 4.00 4.00")
    slow = {f"latency {name} [ms]": "23456.78" for name in ("p50", "p99", "max")}
    line = render(make_state(statuses={"output": Status("ok", "publishing", slow)}, delays=[99_990_000] * 3))[-1]
    assert line == "latency in ms, p50 p99 max: node 23457 23457 23457; DDS 99.99 99.99 99.99"


def test_what_is_wrong_with_the_output_stands_on_top() -> None:
    """A small terminal cuts the bottom off."""
    failing = make_state(statuses={"output": Status("ERROR", "unknown: stale: scan", {})})
    assert render(failing)[1] == "output: ERROR unknown: stale: scan"


def test_the_end_of_the_drive_is_shown_as_such() -> None:
    over = make_state(over=True)
    assert render(over)[0] == "12.3 s, 123 intervals; the drive is over"
    assert row(over, "pedestrian") == row(make_state(), "pedestrian"), "the last answer stays"
    assert render_line(over) == "  12.3 s  the drive is over after 123 intervals"
    dead = make_state(over=True, silence=5.0)
    assert "no answer for 5.0 s" in render(dead)[0]
    assert row(dead, "pedestrian")[1] == "unknown"


@pytest.mark.parametrize(
    "state",
    [
        LiveState(),
        make_state(),
        make_state(labels=("x" * 200, "y" * 90), probabilities=(1.0, math.nan), obstacles=None),
        make_state(obstacles=frozenset({"pedestrian", "bicycle"}), seconds=1e9, silence=1e9, delays=[10**15] * 3),
        make_state(
            statuses={
                f"sensor {'n' * 99}": Status("ERROR", "m" * 300, {"rate [Hz]": "1" * 9}),
                "model": Status("WARN", "w" * 200, {}),
            }
        ),
    ],
)
def test_no_line_is_wider_than_80_columns(state: LiveState) -> None:
    lines = [*render(state), render_line(state)]
    assert max(map(len, lines)) <= 80
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("ending", ["silence", "signal"])
def test_it_shows_and_keeps_what_a_node_says(tmp_path: Path, ending: str) -> None:
    """On a terminal of 80 columns, until the drive is over or a signal ends it."""
    make_model(parse_sensors(SENSORS, "test")).save(tmp_path / "model.npz")
    table, health = tmp_path / "live.csv", tmp_path / "live.json"
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "obstacle_classifier.tools.live_view", "--output", table, "--diagnostics", health]
    view = subprocess.Popen(list(map(str, command)), stdout=terminal)
    os.close(terminal)
    os.set_blocking(master, False)
    screen = bytearray()

    def look() -> bytearray:
        with contextlib.suppress(OSError):  # nothing new, or the other side has closed
            screen.extend(os.read(master, 100_000))
        return screen

    try:
        with NodeProcess("classifier_node", f"model_path:={tmp_path / 'model.npz'}") as node, Watcher() as watcher:
            feeders = {
                watcher.publisher("sensor_msgs/msg/LaserScan", "/scan"): lambda: make_scan(
                    np.full(90, 2.0), stamp_ns=time.time_ns()
                ),
                watcher.publisher("std_msgs/msg/Float32", "/noise_level"): lambda: make_float32(50.0),
            }
            truth = watcher.node.create_publisher(String, "/ground_truth", 10)

            def seen() -> bool:
                truth.publish(String(data="bicycle"))
                text = look().decode()
                shown = re.search(r"bicycle +\[#* *\] +0\.\d{3}  present", text) and re.search(r"scan +\d+\.\d", text)
                return bool(shown) and len(watcher.probabilities) >= 20

            watcher.feed(feeders, seen, "a picture of it")
            if ending == "signal":
                view.send_signal(signal.SIGTERM)
            node.signal(signal.SIGTERM)
            assert node.wait() == 0
        deadline = time.monotonic() + 30
        while view.poll() is None:
            assert time.monotonic() < deadline
            look()
        look()
    finally:
        if view.poll() is None:
            view.kill()
            view.wait()
        os.close(master)
    assert view.returncode == (143 if ending == "signal" else 0)
    assert ("the drive is over" in screen.decode()) == (ending == "silence")
    with table.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["time_ns", "pedestrian", "bicycle"]
    received = dict(watcher.probabilities)
    shared = [line for line in rows if int(line[0]) in received]
    assert len(shared) >= 10
    for end, *values in shared:
        assert np.array_equal(np.array(values, np.float32), np.array(received[int(end)], np.float32), equal_nan=True)
    assert json.loads(health.read_text())["sensor scan"]["values"]["topic"] == "/scan"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--output", "/no/live.csv"], 1, "live_view: /no/live.csv: folder /no does not exist\n"),
        (["--output", "live.csv", "--name", "a b"], 2, "--name: found '/a b', expected an absolute topic name"),
        (["--output", "live.csv", "--truth", "truth"], 2, "--truth: found 'truth', expected an absolute topic name"),
    ],
)
def test_what_cannot_be_shown_is_refused_at_once(
    tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    command = [sys.executable, "-m", "obstacle_classifier.tools.live_view", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_clock_that_is_set_back_begins_another_drive() -> None:
    context = Context()
    rclpy.init(context=context)
    view = LiveView("/obstacle_classifier", "/ground_truth", context)
    try:
        for _ in range(2):
            for now in range(0, 10**9, 10**7):
                view._on_clock(serialize_message(Clock(clock=Time(nanosec=now))))
                if now and now % 10**8 == 0:
                    view._on_probabilities(make_answer(now))
            state = view.look()
            assert [end for end, _ in view.answers] == list(range(10**8, 10**9, 10**8))
            assert state.intervals == 9
            assert state.seconds == pytest.approx(0.8)
            assert len(state.delays) == 9
            assert max(state.delays) < 10**8, "ns; a second run's would be as old as the first"
    finally:
        view.destroy_node()
        rclpy.shutdown(context=context)


def test_a_reader_that_has_seen_enough_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "obstacle_classifier.tools.live_view", "--output", str(tmp_path / "live.csv")]
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "live_view: no message came on /obstacle_classifier/probabilities\n"


def test_without_an_answer_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "obstacle_classifier.tools.live_view", "--seconds", "0.5"]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "live.csv")], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "live_view: no message came on /obstacle_classifier/probabilities\n"
    assert (tmp_path / "live.csv").read_text() == "time_ns\n"


SCENARIO = """
seed: 4
duration: 14.0
faults: [{sensor: scan, kind: dropout, start: 4.0, duration: 5.0}]
"""


class Tmux:
    """A terminal of 80 columns and 24 rows that a command runs in."""

    def __init__(self, folder: Path, command: Sequence[object]) -> None:
        self._socket = str(folder / "tmux")
        # The shell after it keeps the last picture.
        shell = f"{shlex.join(map(str, command))}; echo ended with $?; cat"
        self._run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", shell)

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *error: object) -> None:
        self._run("kill-server")

    def resize(self, columns: int, rows: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, *texts: str) -> list[str]:
        """The rows on the screen once they match all of these patterns."""
        deadline = time.monotonic() + 60
        while True:
            screen = self._run("capture-pane", "-p")
            if all(re.search(text, screen, re.MULTILINE) for text in texts):
                return screen.splitlines()
            assert time.monotonic() < deadline, screen
            time.sleep(0.05)  # between two looks

    def _run(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_drive_fits_on_a_terminal_of_80_columns_and_24_rows(tmp_path: Path) -> None:
    pytest.importorskip("mujoco", reason="the simulation needs mujoco")
    sensors = load_sensors(ROOT / "config" / "sensors" / "sidewalk.yaml")
    model, scenario = tmp_path / "model.npz", tmp_path / "scenario.yaml"
    make_model(sensors).save(model)
    scenario.write_text(SCENARIO, encoding="utf-8")
    view = [sys.executable, "-m", "obstacle_classifier.tools.live_view", "--output", tmp_path / "live.csv"]
    awaited = " ".join([*sensors.topics, *(f"/obstacle_classifier/{name}" for name in ("probabilities", "obstacles"))])
    parameters = [f"scenario:={scenario}", "publish_clock:=true", f"wait_for:={awaited}"]
    with (
        NodeProcess("classifier_node", f"model_path:={model}", "use_sim_time:=true") as classifier,
        Tmux(tmp_path, view) as terminal,
        NodeProcess("simulator_node", *parameters) as simulator,
    ):
        labels = [rf"^{label} +\[#* *\] +[01]\.\d{{3}}  (present|-) +(present|-)$" for label in sensors.labels]
        healthy = [rf"^{spec.name} +\d+\.\d +\d+\.\d{{3}}  ok$" for spec in sensors.sensors]
        latency = r"^latency in ms, p50 p99 max: node( [\d.]+){3}; DDS( [\d.]+){3}$"
        rows = terminal.wait_for(r"\A\d+\.\d s, \d+ intervals$", *labels, *healthy, latency)
        assert max(map(len, rows)) <= 80
        unknown = [rf"^{label} +\[ *\] +unknown  (present|-) +unknown$" for label in sensors.labels]
        terminal.wait_for(*unknown, r"^output: ERROR unknown", r"^scan +0\.0 +\d+\.\d{3}  STALE stale: newest message")
        terminal.resize(60, 12)
        terminal.wait_for(r"\A\d+\.\d s, \d+ intervals$", rf"^{sensors.labels[0]} +\[#* *\] +[01]\.\d{{3}}$")
        terminal.resize(80, 24)
        terminal.wait_for(r"^\d+\.\d s, \d+ intervals; the drive is over$", *labels, *healthy, r"^ended with 0$")
        assert simulator.wait() == 0
        classifier.signal(signal.SIGTERM)
        assert classifier.wait() == 0
