# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulation needs mujoco")
pytest.importorskip("rosbags", reason="bags are written with rosbags")

from obstacle_classifier.bags import Bag, load_labels
from obstacle_classifier.errors import BagError, ConfigError
from obstacle_classifier.features import load_sensors
from obstacle_classifier.progress import TextProgress
from obstacle_classifier.sensing import parse_message
from obstacle_classifier.simulation import Scenario, Simulation, load_scenario, parse_scenario, simulate, snapshots
from obstacle_classifier.training.dataset import read_dataset

CONFIG = Path(__file__).parents[2] / "config"
ROOT = CONFIG.parent


def contents(bag: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(bag.iterdir())}


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(Scenario(duration=20.0, seed=3), tmp_path_factory.mktemp("bags") / "street")


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_seed_gives_the_same_bytes_in_another_process(storage: str, tmp_path: Path) -> None:
    scenario = parse_scenario({"storage": storage, "duration": 4.0}, "test")
    here = simulate(scenario, tmp_path / "street", seed=5)
    (tmp_path / "there").mkdir()
    there = tmp_path / "there" / "street"
    script = (
        "import sys; from pathlib import Path; from obstacle_classifier.simulation import parse_scenario, simulate; "
        f"simulate(parse_scenario({{'storage': '{storage}', 'duration': 4.0}}, 'test'), Path(sys.argv[1]), seed=5)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "123", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", script, str(there)], check=True, cwd=ROOT, env=environment)
    assert contents(here) == contents(there)


def test_seeds_differ(tmp_path: Path, bag: Path) -> None:
    other = simulate(Scenario(duration=20.0, seed=4), tmp_path / "street")
    assert contents(other)["street.mcap"] != contents(bag)["street.mcap"]


def test_the_bag_has_the_messages_of_the_stream(bag: Path) -> None:
    simulation = Simulation(Scenario(duration=20.0, seed=3))
    streamed = [(m.topic, m.time, m.data) for m in simulation.messages()]
    assert [time for _, time, _ in streamed] == sorted(time for _, time, _ in streamed)
    with Bag(bag) as recording:
        assert {topic: info.type for topic, info in recording.topics.items()} == simulation.topics
        recorded = [(topic, time, bytes(data)) for topic, time, data in recording.messages(list(simulation.topics))]
        assert recording.start == streamed[0][1] == 1_700_000_000 * 10**9
        assert not recording.problems
    assert sorted(recorded) == sorted(streamed)


def test_every_sensor_keeps_its_rate_and_latency(bag: Path) -> None:
    scenario = Scenario()
    with Bag(bag) as recording:
        for sensor in scenario.sensors:
            times, stamps = [], []
            for _, time, data in recording.messages([sensor.topic]):
                times.append(time)
                if sensor.type not in ("microphone",):
                    stamp = parse_message(recording.topics[sensor.topic].type, data)["header"]["stamp"]  # type: ignore[index]
                    stamps.append(stamp["sec"] * 10**9 + stamp["nanosec"])
            lost = 0.0 if sensor.type == "lidar" else sensor["dropout"]
            expected = 20.0 * sensor["rate"] * (1 - lost)
            assert len(times) == pytest.approx(expected, abs=1 + 4 * (expected * lost) ** 0.5), sensor.name
            if stamps:
                assert {time - stamp for time, stamp in zip(times, stamps, strict=True)} == {sensor.latency_ns}


def test_label_file_and_label_topic_agree_everywhere(bag: Path, tmp_path: Path) -> None:
    sensors = load_sensors(CONFIG / "sensors" / "sidewalk.yaml")
    bare = tmp_path / "bare"
    bare.mkdir()
    for name, content in contents(bag).items():
        if name != "labels.csv":
            (bare / name).write_bytes(content)
    with Bag(bag) as with_file, Bag(bare) as without:
        from_file = load_labels(with_file, sensors.labels)
        from_topic = load_labels(without, sensors.labels, sensors.label_topic)
        states = set()
        for time in range(with_file.start, with_file.end + 1, 25_000_000):
            assert from_file.at(time) == from_topic.at(time)
            states.add(from_topic.at(time))
        assert len(states) > 3


def test_the_bag_passes_through_the_pipeline_whole(bag: Path) -> None:
    sensors = load_sensors(CONFIG / "sensors" / "sidewalk.yaml")
    (data,) = read_dataset([bag], sensors, TextProgress(io.StringIO()))
    assert not data.problems
    assert len(data.X) == pytest.approx(199, abs=1)
    assert data.usable.mean() > 0.98
    missing = [column for column in range(data.X.shape[1]) if sensors.columns[column].endswith(".missing")]
    assert data.X[20:, missing].sum() == 0
    known = ~np.isnan(data.X[20:])
    # Sectors in which no beam returns are far, not unknown; lost beams never empty a sector for long.
    assert known.mean() > 0.99


def test_views_from_above_are_those_of_the_recorded_drive(bag: Path) -> None:
    scenario = Scenario(duration=20.0, seed=3)
    with Bag(bag) as recording:
        track = load_labels(recording, ("pedestrian", "bicycle", "dog", "trash_can", "bollard", "vehicle"))
        views = list(snapshots(scenario, 1.0))
        assert [frozenset(view.truth) for view in views] == [track.at(view.time) for view in views]
    assert [view.time for view in views] == [(1_700_000_000 + second) * 10**9 for second in range(21)]


def test_progress_counts_the_seconds(tmp_path: Path) -> None:
    stream = io.StringIO()
    simulate(Scenario(duration=3.0), tmp_path / "street", progress=TextProgress(stream))
    assert [line.split(":")[0] for line in stream.getvalue().splitlines()] == [
        "seconds 1/3",
        "seconds 2/3",
        "seconds 3/3",
    ]


def test_an_existing_bag_is_not_overwritten_and_no_partial_bag_remains(tmp_path: Path) -> None:
    (tmp_path / "street").mkdir()
    with pytest.raises(BagError, match=r"street: exists already"):
        simulate(Scenario(duration=1.0), tmp_path / "street")
    with pytest.raises(ConfigError, match="key 'duration'"):
        simulate(Scenario(), tmp_path / "other", duration=0.0)

    class Stop(TextProgress):
        def stage(self, name: str, total: int):  # type: ignore[no-untyped-def]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(Scenario(duration=1.0), tmp_path / "other", progress=Stop(io.StringIO()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["street"]


@pytest.mark.parametrize("path", sorted((CONFIG / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_scenarios_run(path: Path, tmp_path: Path) -> None:
    with Bag(simulate(load_scenario(path), tmp_path / "street", duration=1.0)) as recording:
        assert len(recording.topics) == 11


@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_signal_leaves_nothing_behind(tmp_path: Path, number: int, status: int, word: str) -> None:
    command = [sys.executable, "-m", "obstacle_classifier.cli", "simulate", "--duration", "600"]
    process = subprocess.Popen([*command, "--output", str(tmp_path / "drive")], stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".drive.*.tmp/drive/*")):
            assert time.monotonic() < deadline
            assert process.poll() is None
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == status
    assert errors.splitlines()[-1] == f"obstacle_classifier: {word}"
    assert list(tmp_path.iterdir()) == []
