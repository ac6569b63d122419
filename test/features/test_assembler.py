# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What is kept from interval to interval, and what the pipeline says of its sensors."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.features import SensorsConfig, assembler, parse_sensors
from obstacle_classifier.pipeline import FeaturePipeline, Pipeline
from test.helpers.messages import make_cloud, make_float64, make_imu, make_scan
from test.helpers.models import SENSORS, make_model

pytestmark = pytest.mark.runtime

MS = 10**6
STATISTICS = ["last", "min", "max", "mean", "std", "rms", "peak_to_peak", "count"]


def sensors(**options: Any) -> SensorsConfig:
    sensor = {"type": "std_msgs/msg/Float64", "topic": "/x", "timeout": 10.0, **options}
    return parse_sensors({"interval": 0.1, "labels": ["a"], "sensors": {"x": sensor}}, "test")


CLOUDS = parse_sensors(
    {
        "interval": 0.1,
        "labels": ["a"],
        "sensors": {
            "cloud": {
                "type": "sensor_msgs/msg/PointCloud2",
                "topic": "/cloud",
                "sectors": 1,
                "statistics": ["count", "mean"],
            }
        },
    },
    "test",
)

VALUES = st.floats(-1e3, 1e3) | st.sampled_from([math.nan, math.inf, -math.inf])


@given(st.lists(st.tuples(st.integers(0, 250), VALUES), max_size=40))
def test_statistics_kept_or_not_are_those_of_the_window(steps: list[tuple[int, float]]) -> None:
    file = sensors(statistics=STATISTICS, window=0.35)
    pipeline, time = FeaturePipeline(file), 1000 * MS
    sent: list[tuple[int, float]] = []
    for step, value in [*steps, (500, 1.0)]:
        time += step * MS
        for interval in pipeline.push("x", time, make_float64(value)):
            found = dict(zip(STATISTICS, interval.x.tolist(), strict=False))
            window = [v for t, v in sent if interval.end - 350 * MS <= t < interval.end and math.isfinite(v)]
            finite = [v for _, v in sent if math.isfinite(v)]
            assert found["count"] == len(window)
            np.testing.assert_equal(found["last"], finite[-1] if finite else math.nan)
            expected = dict.fromkeys(STATISTICS, math.nan)
            if window:
                expected = {
                    "min": min(window),
                    "max": max(window),
                    "mean": float(np.mean(window)),
                    "std": float(np.std(window)),
                    "rms": float(np.sqrt(np.mean(np.square(window)))),
                    "peak_to_peak": float(np.ptp(window)),
                }
            for name in ("min", "max", "mean", "std", "rms", "peak_to_peak"):
                np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-9)
        sent.append((time, value))


def test_slope_moves_with_the_end_of_the_window_by_rounding_only() -> None:
    pipeline = FeaturePipeline(sensors(statistics=["slope"], window=1.0))
    for k in range(5):
        pipeline.push("x", (1000 + 10 * k) * MS, make_float64(0.3 * k))
    slopes = [interval.x[0] for interval in pipeline.advance(1900 * MS)]
    np.testing.assert_allclose(slopes, 30.0, rtol=1e-12)
    assert len(slopes) == 9


def test_a_window_holds_a_bounded_number_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when /clock stands still and the sensors go on."""
    monkeypatch.setattr(assembler, "MAX_SAMPLES", 1000)
    for late in (0, 256, 700):  # messages still undecoded when the interval is due
        pipeline = FeaturePipeline(sensors(statistics=["count", "min", "last"]))
        for k in range(5000 - 5000 % 256 + late):
            pipeline.push("x", 1001 * MS, make_float64(k))
        (interval,) = pipeline.advance(1100 * MS)
        newest = 5000 - 5000 % 256 + late - 1
        assert interval.x.tolist() == [1000.0, newest - 999.0, newest, 0.0]


def test_messages_that_wait_to_be_decoded_hold_a_bounded_number_of_bytes() -> None:
    pipeline = FeaturePipeline(CLOUDS)
    cloud = make_cloud(np.full((1 << 16, 3), 1.0))
    size = len(cloud)
    tracemalloc.start()
    try:
        for k in range(5 * assembler.MAX_PENDING_BYTES // size):
            pipeline.push("cloud", 1001 * MS + k, bytes(bytearray(cloud)))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.25 * assembler.MAX_PENDING_BYTES
    (vector,) = pipeline.advance(1100 * MS)
    assert vector.x.tolist() == pytest.approx([5 * assembler.MAX_PENDING_BYTES // size, math.sqrt(2.0), 0.0])


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60), st.booleans()), min_size=1, max_size=30))
def test_the_bound_of_waiting_bytes_changes_no_value(clouds: list[tuple[int, int, bool]]) -> None:
    def vectors(limit: int) -> list[bytes]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(assembler, "MAX_PENDING_BYTES", limit)
            messages, time = [], 1000 * MS
            for size, step, junk in clouds:
                time += step * MS
                points = np.random.default_rng(size).normal(size=(size, 3))
                messages.append(("cloud", time, b"\x00\x01junk" if junk else make_cloud(points)))
            return [
                vector.x.tobytes() for vector in FeaturePipeline(CLOUDS).run([*messages, ("cloud", 4000 * MS, b"")])
            ]

    assert vectors(1) == vectors(700) == vectors(assembler.MAX_PENDING_BYTES)


def test_an_interval_names_its_stale_sensors() -> None:
    file = parse_sensors(
        {
            "interval": 0.1,
            "labels": ["a"],
            "sensors": {
                name: {"type": "std_msgs/msg/Float64", "topic": f"/{name}", "timeout": 0.2, "required": name == "b"}
                for name in "abc"
            },
        },
        "test",
    )
    pipeline = FeaturePipeline(file)
    pipeline.push("a", 1001 * MS, make_float64(1))
    (interval,) = pipeline.push("b", 1101 * MS, make_float64(1))
    assert (interval.unknown, interval.stale) == (True, ("b", "c"))
    (interval,) = pipeline.advance(1200 * MS)
    assert (interval.unknown, interval.stale) == (False, ("c",))


def test_counters_tell_stamps_and_blindness() -> None:
    file = parse_sensors(
        {
            "interval": 0.1,
            "labels": ["a"],
            "sensors": {
                "imu": {"type": "sensor_msgs/msg/Imu", "topic": "/imu"},
                "scan": {"type": "sensor_msgs/msg/LaserScan", "topic": "/scan", "sectors": 2},
                "x": {"type": "std_msgs/msg/Float64", "topic": "/x"},
            },
        },
        "test",
    )
    pipeline = FeaturePipeline(file)
    pipeline.push("imu", 1000 * MS, make_imu(stamp_ns=990 * MS))
    pipeline.push("x", 1000 * MS, make_float64(1))
    pipeline.push("scan", 1000 * MS, make_scan([1.0] * 90))
    pipeline.push("scan", 1010 * MS, make_scan([math.nan] * 90))
    pipeline.push("scan", 1020 * MS, make_scan([]))
    counters = {name: health.counters for name, health in pipeline.health(1030 * MS).items()}
    assert counters["imu"].stamp == 990 * MS
    assert counters["x"].stamp is None
    assert (counters["scan"].newest, counters["scan"].finite) == (1020 * MS, 1000 * MS)
    assert counters["x"].finite == 1000 * MS


def test_a_successor_with_the_same_sensors_goes_on() -> None:
    pipeline = Pipeline(make_model())
    pipeline.push("scan", 1010 * MS, make_scan([1.0] * 90))
    pipeline.advance(1100 * MS)
    successor = pipeline.with_model(make_model(seed=1))
    assert successor.next_end == 1200 * MS
    assert successor.received("scan") == 1
    (interval,) = successor.advance(1200 * MS)
    assert not interval.unknown
    other = parse_sensors({**SENSORS.document, "interval": 0.2}, "test")
    assert pipeline.with_model(make_model(other)).next_end is None
