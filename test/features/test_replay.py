# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Many windows at once give the bits of one window at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obstacle_classifier import pipeline
from obstacle_classifier.features import parse_sensors, replay
from obstacle_classifier.features.replay import newest_finite, tables
from obstacle_classifier.features.statistics import STATISTICS, Statistic, window_statistics
from obstacle_classifier.features.window import Floats, Window, total
from obstacle_classifier.pipeline import FeaturePipeline
from test.helpers.messages import make_imu, make_odometry

pytestmark = pytest.mark.runtime

MS = 10**6
ALL = list(STATISTICS.values())


def numbers(rng: np.random.Generator, shape: tuple[int, int], special: float) -> Floats:
    """Random numbers of many magnitudes, some of them zeros of either sign, or not finite."""
    values: Floats = rng.standard_normal(shape) * 10.0 ** rng.uniform(-3, 3, shape)
    chosen = rng.random(shape) < special
    values[chosen] = rng.choice([0.0, -0.0, math.nan, math.inf, -math.inf], int(chosen.sum()))
    return values


@pytest.mark.parametrize("samples", [1, 2, 7, 8, 9, 16, 129, 400, 9000])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 8, 17])
def test_samples_are_added_in_the_order_of_time_for_any_number_of_channels(samples: int, channels: int) -> None:
    values = np.nan_to_num(numbers(np.random.default_rng(0), (samples, channels), 0.1), posinf=0.0, neginf=-0.0)
    expected = values[0].copy()
    for row in values[1:]:
        expected = expected + row
    assert total(values).tobytes() == (expected + 0.0).tobytes()


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32),
    samples=st.integers(0, 60),
    channels=st.integers(1, 5),
    windows=st.integers(1, 40),
    special=st.sampled_from([0.0, 0.1, 0.8]),
    limit=st.sampled_from([1, 30, replay.MAX_STACK]),
)
def test_a_stack_gives_the_bits_of_each_window(
    seed: int, samples: int, channels: int, windows: int, special: float, limit: int
) -> None:
    rng = np.random.default_rng(seed)
    values = numbers(rng, (samples, channels), special)
    times = np.cumsum(rng.integers(0, 3, samples)) * 33 * MS
    starts, stops = np.sort(rng.integers(0, samples + 1, (2, windows)), axis=0)
    last = numbers(rng, (windows, channels), special)
    ends = rng.integers(60 * 2 * 33 * MS, 10**10, windows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "MAX_STACK", limit)
        found = tables(ALL, times, values, starts, stops, last, ends)
    for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        one = Window(times[start:stop].tolist(), values[start:stop], last[row], int(ends[row]))
        assert found[row].tobytes() == window_statistics(ALL, one).ravel().tobytes()


@given(seed=st.integers(0, 2**32), special=st.sampled_from([0.0, 0.1, 0.8]), messages=st.integers(0, 12))
def test_newest_finite_values(seed: int, special: float, messages: int) -> None:
    rng = np.random.default_rng(seed)
    values, before = numbers(rng, (messages, 2), special), np.array([7.0, math.nan])
    counts = np.sort(rng.integers(0, messages + 1, 5))
    for row, count in zip(newest_finite(values, before, counts), counts, strict=True):
        for channel in range(2):
            finite = [value for value in values[:count, channel].tolist() if math.isfinite(value)]
            np.testing.assert_equal(row[channel], finite[-1] if finite else before[channel])


def test_a_statistic_that_takes_no_stacks_gets_one_window_at_a_time() -> None:
    seen: list[tuple[int, ...]] = []

    def compute(window: Window) -> Floats:
        seen.append(window.values.shape)
        return window.last + len(window.values)

    statistic = Statistic(name="first", compute=compute, meaning="", depends_on_end=False)
    values = np.arange(6.0).reshape(3, 2)
    starts = np.arange(3)
    found = tables([statistic], starts, values, starts, starts + 1, values, starts + 9)
    assert seen == [(1, 2)] * 3
    assert found.tolist() == (values + 1).tolist()


IMU_AND_ODOMETRY = parse_sensors(
    {
        "interval": 0.1,
        "labels": ["a"],
        "sensors": {
            "imu": {"type": "sensor_msgs/msg/Imu", "topic": "/imu", "window": 0.25, "statistics": list(STATISTICS)},
            "odom": {
                "type": "nav_msgs/msg/Odometry",
                "topic": "/odom",
                "channels": ["twist.linear.x"],
                "window": 1.0,
                "timeout": 0.4,
                "statistics": ["last", "mean", "count"],
            },
        },
    },
    "test",
)


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**32),
    batch=st.sampled_from([1, 7, 4096]),
    intervals=st.sampled_from([1, 4, 4096]),
    gap=st.sampled_from([0, 250, 3000]),
)
def test_recorded_messages_give_the_bits_of_a_live_node(seed: int, batch: int, intervals: int, gap: int) -> None:
    rng = np.random.default_rng(seed)
    messages, time = [], 1000 * MS
    for _ in range(120):
        time += int(rng.integers(0, 2 + gap * (rng.random() < 0.05))) * MS + int(rng.integers(0, 9)) * MS
        sensor = "imu" if rng.random() < 0.8 else "odom"
        numbers = rng.choice([1.0, 1e-3, 0.0, -0.0, math.nan], 6) * rng.standard_normal(6)
        made = make_imu(angular_velocity=numbers[:3], linear_acceleration=numbers[3:])
        if sensor == "odom":
            made = make_odometry(linear=numbers[:3], angular=numbers[3:])
        messages.append((sensor, time, made[: -9 if rng.random() < 0.1 else None]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "MAX_BATCH", batch)
        patch.setattr(pipeline, "MAX_INTERVALS", intervals)
        replayed = list(FeaturePipeline(IMU_AND_ODOMETRY).run(messages))
    live = FeaturePipeline(IMU_AND_ODOMETRY)
    expected = []
    for sensor, time, data in messages:
        while live.next_end is not None and live.next_end <= time:  # a punctual clock
            expected += live.advance(live.next_end)
        expected += live.push(sensor, time, data)
    assert len(replayed) == len(expected) > 0
    for ours, theirs in zip(replayed, expected, strict=True):
        assert (ours.end, ours.unknown, ours.stale) == (theirs.end, theirs.unknown, theirs.stale)
        assert ours.x.tobytes() == theirs.x.tobytes()
