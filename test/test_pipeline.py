# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obstacle_classifier.features import parse_sensors
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.pipeline import FeaturePipeline, FeatureVector, Pipeline
from test.helpers.messages import make_float32, make_float64
from test.helpers.models import make_model

pytestmark = pytest.mark.runtime

MS = 10**6
SECOND = 10**9
DOCUMENT: dict[str, Any] = {
    "interval": 0.1,
    "labels": ["a"],
    "sensors": {
        "slow": {
            "type": "std_msgs/msg/Float32",
            "topic": "/slow",
            "statistics": ["last", "mean", "count", "slope"],
            "window": 0.25,
            "timeout": 0.3,
        },
        "fast": {
            "type": "std_msgs/msg/Float64",
            "topic": "/fast",
            "statistics": ["last", "std", "count"],
            "timeout": 0.2,
        },
    },
}
SENSORS = parse_sensors(DOCUMENT, "test")
REQUIRED = parse_sensors(
    {**DOCUMENT, "sensors": {**DOCUMENT["sensors"], "fast": {**DOCUMENT["sensors"]["fast"], "required": True}}}, "test"
)


def row(interval: FeatureVector) -> dict[str, float]:
    return dict(zip(SENSORS.columns, interval.x.tolist(), strict=True))


def same(a: list[FeatureVector], b: list[FeatureVector]) -> bool:
    return [(i.end, i.x.tobytes(), i.unknown) for i in a] == [(i.end, i.x.tobytes(), i.unknown) for i in b]


def test_intervals_end_on_the_grid_of_the_epoch() -> None:
    pipeline = FeaturePipeline(SENSORS)
    assert pipeline.push("slow", 1234 * MS, make_float32(1)) == []
    assert [interval.end for interval in pipeline.push("slow", 1450 * MS, make_float32(1))] == [1300 * MS, 1400 * MS]


def test_first_interval_ends_after_the_first_message_and_the_last_not_after_the_last() -> None:
    messages = [("slow", time * MS, make_float32(1)) for time in (1000, 1050, 1200)]
    assert [interval.end for interval in FeaturePipeline(SENSORS).run(messages)] == [1100 * MS, 1200 * MS]


def test_a_window_holds_its_start_and_not_its_end() -> None:
    pipeline = FeaturePipeline(SENSORS)
    for time in (750, 850, 950):
        pipeline.push("slow", time * MS, make_float32(time))
    (interval,) = pipeline.push("slow", 1000 * MS, make_float32(9999))
    assert row(interval)["slow.data.mean"] == (750 + 850 + 950) / 3
    assert row(interval)["slow.data.last"] == 950
    (interval,) = pipeline.advance(1100 * MS)
    assert row(interval)["slow.data.count"] == 3
    assert row(interval)["slow.data.mean"] == (850 + 950 + 9999) / 3, "[850, 1100): its own start, not 750"


def test_a_message_at_the_end_of_an_interval_counts_for_the_next() -> None:
    pipeline = FeaturePipeline(SENSORS)
    pipeline.push("fast", 50 * MS, make_float64(1))
    (interval,) = pipeline.push("fast", 100 * MS, make_float64(2))
    assert row(interval)["fast.data.count"] == 1
    (interval,) = pipeline.advance(200 * MS)
    assert row(interval)["fast.data.last"] == 2


def test_a_sensor_goes_stale_after_its_timeout() -> None:
    pipeline = FeaturePipeline(SENSORS)
    pipeline.push("fast", 100 * MS, make_float64(5))
    at_timeout = pipeline.advance(300 * MS)[-1]
    assert row(at_timeout)["fast.missing"] == 0, "100 ms lies in [300 - 200, 300)"
    assert row(at_timeout)["fast.data.last"] == 5
    assert row(at_timeout)["fast.data.count"] == 0, "its window is empty"
    assert math.isnan(row(at_timeout)["fast.data.std"])
    (stale,) = pipeline.advance(400 * MS)
    assert row(stale)["fast.missing"] == 1
    assert all(math.isnan(row(stale)[f"fast.data.{statistic}"]) for statistic in ("last", "std", "count"))
    pipeline.push("fast", 450 * MS, make_float64(6))
    (back,) = pipeline.advance(500 * MS)
    assert row(back)["fast.missing"] == 0
    assert row(back)["fast.data.last"] == 6


def test_last_is_the_newest_finite_value_ever_received() -> None:
    pipeline = FeaturePipeline(SENSORS)
    pipeline.push("slow", 10 * MS, make_float32(3))
    for time in range(60, 1000, 50):
        pipeline.push("slow", time * MS, make_float32(math.nan))
    (interval,) = pipeline.advance(1000 * MS)
    assert row(interval)["slow.data.last"] == 3
    assert row(interval)["slow.data.count"] == 0
    assert row(interval)["slow.missing"] == 0


def test_undecodable_messages_are_no_sign_of_life() -> None:
    pipeline = FeaturePipeline(SENSORS)
    pipeline.push("fast", 10 * MS, make_float64(1))
    for time in range(20, 400, 20):
        pipeline.push("fast", time * MS, b"\x00\x01\x00\x00\x01")
    assert row(pipeline.advance(400 * MS)[-1])["fast.missing"] == 1
    counters = pipeline.health(400 * MS)["fast"].counters
    assert (counters.received, counters.undecodable, counters.newest) == (20, 19, 10 * MS)
    assert counters.error


@pytest.mark.parametrize(("sensors", "pushed", "unknown"), [(SENSORS, "slow", False), (REQUIRED, "slow", True)])
def test_unknown_without_a_required_sensor(sensors: Any, pushed: str, unknown: bool) -> None:
    pipeline = FeaturePipeline(sensors)
    pipeline.push(pushed, 10 * MS, make_float32(1))
    (interval,) = pipeline.advance(100 * MS)
    assert interval.unknown is unknown


def test_unknown_without_any_sensor() -> None:
    pipeline = FeaturePipeline(SENSORS)
    pipeline.push("slow", 10 * MS, make_float32(1))
    assert not pipeline.advance(300 * MS)[-1].unknown
    assert pipeline.advance(400 * MS)[-1].unknown, "nothing is known, so nothing is absent either"


def test_a_backlog_up_to_a_second_is_caught_up_in_order() -> None:
    pipeline = FeaturePipeline(SENSORS)
    pipeline.push("slow", 10 * MS, make_float32(1))
    assert [interval.end for interval in pipeline.advance(1050 * MS)] == [k * 100 * MS for k in range(1, 11)]
    assert pipeline.missed == 0


def test_a_longer_backlog_is_skipped_to_its_last_and_counted() -> None:
    pipeline = FeaturePipeline(SENSORS)
    pipeline.push("slow", 10 * MS, make_float32(1))
    assert [interval.end for interval in pipeline.advance(1150 * MS)] == [1100 * MS]
    assert pipeline.missed == 10
    assert [interval.end for interval in pipeline.advance(1200 * MS)] == [1200 * MS]


def test_a_clock_set_an_hour_ahead_gives_one_interval() -> None:
    pipeline = FeaturePipeline(SENSORS)
    pipeline.push("slow", 10 * MS, make_float32(1))
    (interval,) = pipeline.push("slow", 3600 * SECOND, make_float32(2))
    assert interval.end == 3600 * SECOND
    assert pipeline.missed == 3600 * 10 - 1


def test_a_clock_set_back_starts_anew() -> None:
    pipeline = FeaturePipeline(SENSORS)
    for time in (1000, 1050, 1150):
        pipeline.push("slow", time * MS, make_float32(1))
    assert pipeline.push("slow", 500 * MS, make_float32(2)) == []
    assert pipeline.jumps_back == 1
    (interval,) = pipeline.advance(600 * MS)
    assert row(interval)["slow.data.count"] == 1
    assert row(interval)["fast.missing"] == 1


def test_replay_evaluates_a_pause_interval_by_interval_and_skips_a_set_clock() -> None:
    pause = [("slow", 10 * MS, make_float32(1)), ("slow", 5 * SECOND, make_float32(1))]
    assert len(list(FeaturePipeline(SENSORS).run(pause))) == 50
    step = [("slow", 10 * MS, make_float32(1)), ("slow", 10**18, make_float32(1))]
    pipeline = FeaturePipeline(SENSORS)
    assert [interval.end for interval in pipeline.run(step)] == [10**18]
    assert pipeline.missed == 10**10 - 1


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["slow", "fast", "bad"]),
            st.sampled_from([0, 10 * MS, 90 * MS, 700 * MS, -2 * SECOND]),
            st.floats(-9, 9),
        ),
        max_size=60,
    ),
    st.integers(1, 9),
)
def test_decoding_ahead_changes_no_bit(drawn: list[tuple[str, int, float]], batch: int) -> None:
    """Also across undecodable messages and a clock that is set back."""
    time, messages = 5 * SECOND, []
    for sensor, step, value in drawn:
        time += step
        data = make_float64(value) if sensor == "fast" else make_float32(value)
        messages.append(("slow", time, data[:-1]) if sensor == "bad" else (sensor, time, data))
    ahead, plain = FeaturePipeline(SENSORS), FeaturePipeline(SENSORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("obstacle_classifier.pipeline.MAX_BATCH", batch)
        outputs = list(ahead.run(messages))
    expected: list[FeatureVector] = []
    for sensor, time, data in messages:
        while plain.next_end is not None and plain.next_end <= time:
            expected += plain.advance(plain.next_end)
        expected += plain.push(sensor, time, data)
    assert same(outputs, expected)
    for sensor in ("slow", "fast"):
        assert ahead.counters(sensor).received == plain.counters(sensor).received
        assert ahead.counters(sensor).newest == plain.counters(sensor).newest


def test_a_consumer_may_stop_a_replay_and_push_other_messages() -> None:
    replay, fresh = FeaturePipeline(SENSORS), FeaturePipeline(SENSORS)
    next(replay.run([("fast", SECOND + k * 50 * MS, make_float64(k)) for k in range(20)]))
    replay.restart()
    other = [("fast", 3 * SECOND + k * 50 * MS, make_float64(-k)) for k in range(8)]
    replayed, pushed = ([each for message in other for each in pipeline.push(*message)] for pipeline in (replay, fresh))
    assert pushed
    assert same(replayed, pushed)


def test_health_is_right_between_intervals_too() -> None:
    pipeline = FeaturePipeline(SENSORS)
    assert pipeline.health(0)["slow"].stale
    pipeline.push("slow", 10 * MS, make_float32(1))
    health = pipeline.health(40 * MS)["slow"]
    assert (health.age, health.stale, health.counters.received) == (30 * MS, False, 1)
    assert pipeline.health(400 * MS)["slow"].stale


def test_a_timeout_changed_at_run_time_moves_health_and_unknown_only() -> None:
    pipeline = FeaturePipeline(REQUIRED)
    pipeline.set_timeouts({"fast": 50 * MS})
    pipeline.push("fast", 10 * MS, make_float64(1))
    pipeline.push("slow", 10 * MS, make_float32(1))
    (interval,) = pipeline.advance(100 * MS)
    assert interval.unknown
    assert pipeline.health(100 * MS)["fast"].stale
    assert row(interval)["fast.missing"] == 0
    assert row(interval)["fast.data.last"] == 1


VALUES = st.floats(width=32) | st.sampled_from([0.0, 1.0, math.nan, math.inf])
STEPS = st.sampled_from([0, 1, 7 * MS, 33 * MS, 50 * MS, 100 * MS, 450 * MS])
MESSAGES = st.lists(st.tuples(st.sampled_from(["slow", "fast", "junk"]), STEPS, VALUES), min_size=1, max_size=60)


def stream(drawn: list[tuple[str, int, float]], start: int = 990 * MS) -> list[tuple[str, int, bytes]]:
    messages, time = [], start
    for sensor, step, value in drawn:
        time += step
        data = {"slow": make_float32(value), "fast": make_float64(value), "junk": b"\x00\x01junk"}[sensor]
        messages.append(("fast" if sensor == "junk" else sensor, time, data))
    return messages


@given(MESSAGES, st.lists(st.tuples(st.integers(0, 80), st.sampled_from([0, 1, 20 * MS, 99 * MS])), max_size=20))
@settings(max_examples=200)
def test_any_ticking_gives_the_same_intervals_as_the_whole_bag(
    drawn: list[tuple[str, int, float]], ticks: list[tuple[int, int]]
) -> None:
    messages = stream(drawn)
    whole = list(FeaturePipeline(SENSORS).run(messages))
    # The same messages one at a time, with a clock that ticks here and there, never early and up to a second late.
    pipeline, online = FeaturePipeline(SENSORS), []
    for index, (sensor, time, data) in enumerate(messages):
        before = messages[index - 1][1] if index else time
        for tick in sorted(before + late for after, late in ticks if after == index and before + late <= time):
            online += pipeline.advance(tick)
        online += pipeline.push(sensor, time, data)
        pipeline.health(time)  # decodes what is pending: must change nothing
    assert same(online, whole)


@given(MESSAGES)
def test_columns_equal_the_definition(drawn: list[tuple[str, int, float]]) -> None:
    messages = stream(drawn)
    for interval in FeaturePipeline(SENSORS).run(messages):
        values = row(interval)
        for spec in SENSORS.sensors:
            own = [
                (time, float(np.frombuffer(data[4:], "<f4" if spec.name == "slow" else "<f8")[0]))
                for sensor, time, data in messages
                if sensor == spec.name and time < interval.end and not data.endswith(b"junk")
            ]
            if not any(time >= interval.end - spec.timeout for time, _ in own):
                assert values[f"{spec.name}.missing"] == 1
                assert math.isnan(values[f"{spec.name}.data.count"])
                continue
            finite = [(time, value) for time, value in own if math.isfinite(value)]
            window = [value for time, value in finite if time >= interval.end - spec.window]
            assert values[f"{spec.name}.missing"] == 0
            assert values[f"{spec.name}.data.count"] == len(window)
            last = finite[-1][1] if finite else math.nan
            np.testing.assert_equal(values[f"{spec.name}.data.last"], last)


def warmed_up() -> Pipeline:
    """A pipeline on which labels count as present after two intervals in a row, and are."""
    pipeline = Pipeline(make_model(SENSORS))
    pipeline.set_rules([DecisionRule(threshold=0.0, enter=2)])
    pipeline.push("fast", 10 * MS, make_float64(1))
    assert [prediction.obstacles for prediction in pipeline.advance(200 * MS)] == [(), ("a",)]
    return pipeline


def test_a_prediction_without_sensors_has_neither_probabilities_nor_obstacles() -> None:
    pipeline = warmed_up()
    known, unknown = pipeline.advance(210 * MS), pipeline.advance(300 * MS)
    assert known == []
    (prediction,) = unknown
    assert prediction.unknown
    assert prediction.stale == ("slow", "fast")
    assert np.isnan(prediction.p).all()
    assert prediction.p.shape == (1,)
    assert prediction.p.dtype == np.float32
    assert prediction.obstacles is None


def test_a_prediction_holds_the_features_that_a_feature_pipeline_makes() -> None:
    messages = stream([("fast", 33 * MS, 1.0), ("slow", 50 * MS, 2.0)] * 5)
    model = make_model(SENSORS)
    predictions, vectors = list(Pipeline(model).run(messages)), list(FeaturePipeline(SENSORS).run(messages))
    assert len(vectors) > 3
    for prediction, vector in zip(predictions, vectors, strict=True):
        assert (prediction.end, prediction.x.tobytes(), prediction.stale) == (
            vector.end,
            vector.x.tobytes(),
            vector.stale,
        )
        np.testing.assert_array_equal(prediction.p, model.predictor().probabilities(vector.x))


def unknown_interval(pipeline: Pipeline) -> int:
    assert pipeline.advance(300 * MS)[0].unknown
    pipeline.push("fast", 310 * MS, make_float64(1))
    return 400 * MS


def skipped_backlog(pipeline: Pipeline) -> int:
    pipeline.set_timeouts({"fast": 10 * SECOND})  # the interval after the backlog is known
    return 3000 * MS


def clock_set_back(pipeline: Pipeline) -> int:
    pipeline.push("fast", 60 * MS, make_float64(1))
    return 100 * MS


def restart(pipeline: Pipeline) -> int:
    pipeline.restart()
    pipeline.push("fast", 210 * MS, make_float64(1))
    return 300 * MS


@pytest.mark.parametrize("interrupt", [unknown_interval, skipped_backlog, clock_set_back, restart])
def test_an_interruption_ends_the_memory_of_past_intervals(interrupt: Callable[[Pipeline], int]) -> None:
    pipeline = warmed_up()
    (first,) = pipeline.advance(interrupt(pipeline))
    assert first.obstacles == (), "one interval since: the second makes it present"
