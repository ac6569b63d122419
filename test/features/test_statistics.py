# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.features.statistics import STATISTICS, window_statistics
from obstacle_classifier.features.window import Window

pytestmark = pytest.mark.runtime

SECOND = 10**9


def compute(times: list[int], values: list[list[float]], end: int = 10 * SECOND) -> dict[str, list[float]]:
    table = np.array(values, float).reshape(len(times), -1)
    last = np.full(table.shape[1], 7.0)
    result = window_statistics(list(STATISTICS.values()), Window(times, table, last, end))
    return {name: result[:, index].tolist() for index, name in enumerate(STATISTICS)}


def test_hand_worked_window() -> None:
    result = compute([8 * SECOND, 9 * SECOND, int(9.5 * SECOND)], [[1.0], [3.0], [8.0]])
    assert result["min"] == [1.0]
    assert result["max"] == [8.0]
    assert result["mean"] == [4.0]
    assert result["peak_to_peak"] == [7.0]
    assert result["std"] == pytest.approx([math.sqrt((9 + 1 + 16) / 3)], rel=1e-15)
    assert result["rms"] == pytest.approx([math.sqrt((1 + 9 + 64) / 3)], rel=1e-15)
    # Offsets from the mean time -5/6, 1/6, 4/6 s: sum of products 2.5 - 1/6 + 16/6 = 5, sum of squares 42/36.
    assert result["slope"] == pytest.approx([5 / (42 / 36)], rel=1e-12)
    assert result["count"] == [3.0]
    assert result["last"] == [7.0]


def test_non_finite_samples_are_skipped_channel_by_channel() -> None:
    result = compute([SECOND, 2 * SECOND, 3 * SECOND], [[1.0, math.nan], [math.inf, 5.0], [3.0, -math.inf]])
    assert result["count"] == [2.0, 1.0]
    assert result["mean"] == [2.0, 5.0]
    assert result["min"] == [1.0, 5.0]
    assert result["max"] == [3.0, 5.0]
    assert result["std"] == [1.0, 0.0]
    assert result["slope"][0] == pytest.approx(1.0)
    assert math.isnan(result["slope"][1]), "one sample has no slope"


def test_empty_window_knows_only_last_and_count() -> None:
    table = window_statistics(list(STATISTICS.values()), Window([], np.empty((0, 2)), np.array([1.0, 2.0]), SECOND))
    by_name = dict(zip(STATISTICS, table.T.tolist(), strict=True))
    assert by_name.pop("last") == [1.0, 2.0]
    assert by_name.pop("count") == [0.0, 0.0]
    assert all(math.isnan(value) for row in by_name.values() for value in row)


def test_equal_times_have_no_slope() -> None:
    assert math.isnan(compute([SECOND, SECOND, SECOND], [[1.0], [2.0], [3.0]])["slope"][0])


def test_overflow_is_unknown_and_silent() -> None:
    result = compute([SECOND, 2 * SECOND], [[1e308], [-1e308]])
    assert math.isnan(result["rms"][0])
    assert math.isnan(result["peak_to_peak"][0])
    assert result["max"] == [1e308]


@given(st.lists(st.tuples(st.integers(0, 10 * SECOND - 1), st.floats(-1e6, 1e6) | st.just(math.nan)), max_size=30))
def test_agrees_with_the_standard_library(samples: list[tuple[int, float]]) -> None:
    samples = sorted(samples, key=lambda sample: sample[0])
    times = [time for time, _ in samples]
    result = compute(times, [[value, 1.0] for _, value in samples]) if samples else None
    kept = [(time, value) for time, value in samples if math.isfinite(value)]
    if result is None or not kept:
        return
    values = [value for _, value in kept]
    scale = max(1.0, *map(abs, values))
    assert result["mean"][0] == pytest.approx(statistics.fmean(values), abs=1e-12 * scale)
    assert result["std"][0] == pytest.approx(statistics.pstdev(values), abs=1e-7 * scale)
    assert result["min"][0] == min(values)
    assert result["max"][0] == max(values)
    assert result["count"][0] == len(values)
    if len(kept) > 1 and max(t for t, _ in kept) - min(t for t, _ in kept) > SECOND:
        slope = statistics.linear_regression([t * 1e-9 for t, _ in kept], values).slope
        assert result["slope"][0] == pytest.approx(slope, abs=1e-6 * scale)
