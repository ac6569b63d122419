# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from test.helpers.simulation import exact, fields, quiet, thing

pytest.importorskip("mujoco", reason="the simulation needs mujoco")

from obstacle_classifier.simulation.scenario import Fault
from obstacle_classifier.simulation.simulation import Simulation
from obstacle_classifier.simulation.street import empty_street

START = 1_700_000_000 * 10**9
WALL = thing("wall", 3.2, 0.0, (0.4, 40.0, 3.0))


def record(kind: str, sensor: str = "sonar", **options: float) -> list[tuple[float, float, Any]]:
    """(receive time, header stamp, fields), times in s since the start; the fault lasts from 1 to 2 s."""
    fault = Fault("faulty", kind, 1.0, 1.0, **options)
    both = exact("faulty", sensor, noise=0.01), exact("well", sensor, noise=0.01)
    scenario = quiet(*both, duration=3.0, faults=[fault], speed=0.3)
    simulation = Simulation(scenario, street=empty_street(30.0, things=(WALL,)))
    result, others = [], 0
    for message in simulation.messages():
        others += message.topic == "/well"
        if message.topic == "/faulty":
            values = fields(message)
            stamp = values["header"]["stamp"]
            seconds = (stamp["sec"] - 1_700_000_000) + stamp["nanosec"] * 1e-9
            result.append(((message.time - START) * 1e-9, seconds, values))
    assert others == 30
    return result


def during(time: float) -> bool:
    return 1.0 - 1e-9 <= time < 2.0 - 1e-9


def test_a_dropout_leaves_no_message() -> None:
    times = [time for time, _, _ in record("dropout")]
    assert len(times) == 20
    assert not any(during(time) for time in times)


def test_a_freeze_repeats_the_last_values_with_new_stamps() -> None:
    messages = record("freeze")
    frozen = [values["range"] for time, _, values in messages if during(time)]
    before = [values["range"] for time, _, values in messages if time < 1.0 - 1e-9]
    assert len(frozen) == 10
    assert set(frozen) == {before[-1]}
    assert len({values["range"] for time, _, values in messages if not during(time)}) == 20
    assert [stamp for _, stamp, _ in messages] == pytest.approx([time for time, _, _ in messages], abs=1e-6)


def test_a_clock_offset_moves_the_stamps_only() -> None:
    messages = record("clock_offset", offset=-2.5)
    assert [time for time, _, _ in messages] == pytest.approx(np.arange(30) / 10, abs=1e-6)
    for time, stamp, _ in messages:
        assert stamp - time == pytest.approx(-2.5 if during(time) else 0.0, abs=1e-6)


def test_a_noise_burst_multiplies_the_deviation() -> None:
    fault = Fault("scan", "noise", 1.0, 1.0, factor=10.0)
    lidar = exact("scan", "lidar", noise=0.01, field_of_view=[-0.5, 0.5])
    simulation = Simulation(quiet(lidar, duration=3.0, faults=[fault]), street=empty_street(30.0, things=(WALL,)))
    spread: dict[bool, list[np.ndarray]] = {}
    for message in simulation.messages():
        if message.topic == "/scan":
            values = fields(message)
            angles = values["angle_min"] + np.arange(len(values["ranges"])) * values["angle_increment"]
            errors = values["ranges"] - 2.75 / np.cos(angles)
            spread.setdefault(during((message.time - START) * 1e-9), []).append(errors)
    assert np.std(spread[False]) == pytest.approx(0.01, rel=0.1)
    assert np.std(spread[True]) == pytest.approx(0.1, rel=0.1)


def test_lost_messages_are_as_frequent_as_declared() -> None:
    sonar = exact("sonar", "sonar", dropout=0.2, rate=100.0)
    simulation = Simulation(quiet(sonar, duration=10.0), street=empty_street(30.0))
    received = sum(message.topic == "/sonar" for message in simulation.messages())
    assert abs(received - 800) < 4 * (1000 * 0.2 * 0.8) ** 0.5
