# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node over DDS and the command line offline give the same bits for the same recording."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy", reason="rclpy is not installed")

from obstacle_classifier.bags import Bag, find_bags
from obstacle_classifier.bags.complete import complete_sensors
from obstacle_classifier.features import SensorsConfig, load_sensors
from obstacle_classifier.model import Model
from obstacle_classifier.networks import registered
from obstacle_classifier.nodes.classifier.installed_types import installed_schema
from obstacle_classifier.nodes.classifier.outputs import array_names
from obstacle_classifier.sensing import BEAMS
from test.conftest import SHARED_DATA
from test.helpers.bags import START, Message, write_bag
from test.helpers.kinds import SIZES
from test.helpers.lockstep import Lockstep
from test.helpers.messages import SCHEMAS, encode_schema, random_fields, random_message
from test.helpers.models import make_kind, make_model

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("shared_memory")
SENSORS_OF_KIND = {
    "borealtc": ROOT / "config" / "sensors" / "borealtc.yaml",
    "leg_tracker": ROOT / "config" / "sensors" / "leg_tracker.yaml",
    "robot_localization": ROOT / "test" / "data" / "robot_localization.yaml",
}
ONE_OF_EACH = ("borealtc/asphalt_02", "leg_tracker/positive_2", "robot_localization/jackal")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recording" in metafunc.fixturenames:
        found = sorted(
            path.parent.relative_to(SHARED_DATA).as_posix() for path in SHARED_DATA.glob("*/*/metadata.yaml")
        )
        all_bags = metafunc.config.getoption("--all-bags")
        chosen = [(recording, "mlp") for recording in (found if all_bags else ONE_OF_EACH)]
        if all_bags:
            others = [kind for kind in registered() if kind not in ("mlp", "scan")]
            chosen += [(recording, kind) for recording in ONE_OF_EACH for kind in others]
            chosen.append(("leg_tracker/positive_2", "scan"))
        metafunc.parametrize(("recording", "kind"), chosen)


def make(kind: str, sensors: SensorsConfig) -> Model:
    """A model with random parameters; a kind that can have members has three."""
    return make_model(sensors) if kind == "mlp" else make_kind(kind, sensors, **SIZES.get(kind, {}))


def with_beams(sensors_path: Path, folder: Path) -> Path:
    """A sensors file whose scans have beams instead of sectors."""
    document = yaml.safe_load(sensors_path.read_text())
    for sensor in document["sensors"].values():
        if sensor["type"] == "sensor_msgs/msg/LaserScan":
            sensor.update(reduce=BEAMS, sectors=90)
    path = folder / "beams.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def assert_parity(bag: Path, sensors_path: Path, sensors: SensorsConfig, folder: Path, kind: str = "mlp") -> int:
    model_path = folder / "model.npz"
    members = SIZES.get(kind, {}).get("members", 1)
    make(kind, sensors).save(model_path)
    with Lockstep(model_path, sensors) as lockstep:
        topics = sensors.topics
        with Bag(bag) as reader:
            lockstep.play((topics[topic], time, data) for topic, time, data in reader.messages(topics))
    features, predictions = folder / "features.npz", folder / "predictions.csv"
    command = [sys.executable, "-m", "obstacle_classifier.cli"]
    offline = [*command, "features", "--sensors", str(sensors_path), "--bags", str(bag), "--output", str(features)]
    subprocess.run(offline, check=True, capture_output=True)
    offline = [*command, "predict", "--model", str(model_path), "--bag", str(bag), "--output", str(predictions)]
    offline += ["--spread"] if members > 1 else []
    subprocess.run(offline, check=True, capture_output=True)

    with np.load(features) as arrays:
        assert [int(message.layout.dim[0].label) for message in lockstep.features] == arrays["time_ns"].tolist()
        assert list(array_names(lockstep.features[0])) == arrays["columns"].tolist()
        live = np.array([message.data for message in lockstep.features], np.float64)
        assert live.tobytes() == arrays["X"].tobytes()
    with predictions.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    labels = list(array_names(lockstep.probabilities[0]))
    spreads = [f"{label}_spread" for label in labels] if members > 1 else []
    assert header == ["time_ns", *labels, *spreads]
    assert [message.layout.dim[0].label for message in lockstep.probabilities] == [row[0] for row in rows]
    table = np.array([row[1:] for row in rows], np.float32)
    live_p = np.array([message.data for message in lockstep.probabilities], np.float32)
    np.testing.assert_array_equal(live_p, table[:, : len(labels)])
    assert array_names(lockstep.spreads[0]) == labels
    assert [message.layout.dim[0].label for message in lockstep.spreads] == [row[0] for row in rows]
    live_spread = np.array([message.data for message in lockstep.spreads], np.float32)
    if members > 1:
        np.testing.assert_array_equal(live_spread, table[:, len(labels) :])
        np.testing.assert_array_equal(np.isnan(live_spread), np.isnan(live_p))
        assert np.nanmax(live_spread) > 0
    else:
        assert np.isnan(live_spread).all(), "one network has no members that could disagree"
    return len(rows)


def test_node_equals_offline_on_a_recording(recordings: Path, recording: str, kind: str, tmp_path: Path) -> None:
    sensors_path = SENSORS_OF_KIND[recording.split("/", maxsplit=1)[0]]
    if kind == "scan":
        sensors_path = with_beams(sensors_path, tmp_path)
    (bag,) = find_bags([recordings / recording])
    assert assert_parity(bag, sensors_path, load_sensors(sensors_path), tmp_path, kind) > 10


def message_of(type_name: str, rng: np.random.Generator, time: int = 0, little_endian: bool = True) -> bytes:
    """A plausible message of any installed type, received at `time`."""
    stamp = max(0, time - 10**6)
    if type_name in SCHEMAS:
        return random_message(type_name, rng, stamp_ns=stamp, little_endian=little_endian, old_ranges=True)
    schema = installed_schema(type_name)
    return encode_schema(schema, random_fields(schema, rng, stamp), little_endian=little_endian)


def traffic(sensors: SensorsConfig, rng: np.random.Generator, count: int) -> list[Message]:
    """Messages of all sensors: at equal times, in pauses, of both byte orders, some cut off."""
    messages: list[Message] = []
    time = START
    for _ in range(count):
        time += int(
            rng.choice([0, 1, 999_983, 3_000_000, 100_000_000, 450_000_000], p=[0.1, 0.1, 0.5, 0.27, 0.02, 0.01])
        )
        spec = sensors.sensors[rng.integers(len(sensors.sensors))]
        data = message_of(spec.type, rng, time, bool(rng.random() < 0.9))
        if rng.random() < 0.05:
            data = data[: rng.integers(4, len(data))]
        messages.append((spec.topic, spec.type, time, data))
    # A pause in which every sensor goes stale, and a start on the grid itself.
    time = (time // 10**8 + 31) * 10**8
    messages += [(spec.topic, spec.type, time, message_of(spec.type, rng)) for spec in sensors.sensors]
    messages.append((messages[-1][0], messages[-1][1], time + 10**9, messages[-1][3]))
    return messages


@pytest.mark.parametrize(
    ("storage", "kind"),
    [("mcap", "mlp"), ("sqlite3", "ensemble"), ("mcap", "lstm"), ("mcap", "scan"), ("mcap", "window")],
)
def test_node_equals_offline_on_every_message_type(storage: str, kind: str, tmp_path: Path) -> None:
    sensors_path = ROOT / "test" / "data" / "every_type.yaml"
    if kind == "scan":
        sensors_path = with_beams(sensors_path, tmp_path)
    sensors = load_sensors(sensors_path)
    bag = write_bag(tmp_path / "bag", traffic(sensors, np.random.default_rng(7), 2500), storage=storage)
    assert assert_parity(bag, sensors_path, sensors, tmp_path, kind) > 60


def test_node_equals_offline_on_types_by_their_definitions(tmp_path: Path) -> None:
    sensors_path = ROOT / "test" / "data" / "any_type.yaml"
    sensors = load_sensors(sensors_path)
    assert all(spec.lacks_definition for spec in sensors.sensors)
    bag = write_bag(tmp_path / "bag", traffic(sensors, np.random.default_rng(8), 1500))
    completed = complete_sensors(sensors, [bag], str(sensors_path))
    assert assert_parity(bag, sensors_path, completed, tmp_path, "mlp") > 60
    with np.load(tmp_path / "features.npz") as arrays:
        values = arrays["columns"][np.isfinite(arrays["X"]).any(axis=0)]
        assert set(values) == set(arrays["columns"]), "every column has a number in some interval"
