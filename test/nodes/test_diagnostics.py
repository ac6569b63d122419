# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The diagnostics for plain numbers, without a graph."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from diagnostic_msgs.msg import DiagnosticStatus

from obstacle_classifier.features import SensorCounters
from obstacle_classifier.nodes.classifier.diagnostics import (
    ChangeLog,
    GrowthMeter,
    Report,
    clock_report,
    model_report,
    output_report,
    sensor_report,
    unconfigured_report,
)
from obstacle_classifier.nodes.classifier.health import HealthMonitor, until_quiet
from obstacle_classifier.nodes.classifier.subscriptions import TopicState
from obstacle_classifier.pipeline import Pipeline, Prediction, SensorHealth
from test.helpers.models import make_ensemble

OK, WARN, ERROR, STALE = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE
SECOND = 10**9
NOW = 100 * SECOND
LIVE: dict[str, Any] = {"received": 10, "newest": NOW, "stamp": NOW, "finite": NOW}
MISMATCH = "/scan: publisher /driver has type std_msgs/msg/Bool, expected sensor_msgs/msg/LaserScan"


def sensor(
    counters: dict[str, Any],
    *,
    age: int | None = 0,
    required: bool = True,
    waited: int = 60 * SECOND,
    undecodable: int = 0,
    mismatches: tuple[str, ...] = (),
) -> Report:
    health = SensorHealth(SensorCounters(**counters), age, age is None or age > SECOND, required, SECOND)
    return sensor_report("scan", health, waited, 40.0, undecodable, TopicState("/scan", 1, mismatches))


@pytest.mark.parametrize(
    ("report", "level", "message"),
    [
        (sensor(LIVE), OK, "ok"),
        (sensor({}, age=None), ERROR, "no message on /scan yet"),
        (sensor({}, age=None, waited=5 * SECOND), OK, "waiting for the first message on /scan"),
        (sensor({}, age=None, waited=5 * SECOND, mismatches=(MISMATCH,)), ERROR, MISMATCH),
        (
            sensor({"received": 3, "undecodable": 3}, age=None, waited=2 * SECOND),
            ERROR,
            "no decodable message on /scan yet",
        ),
        (sensor({}, age=None, required=False), WARN, "no message on /scan yet"),
        (sensor({"received": 3}, age=None), ERROR, "no message on /scan since the clock was set"),
        (sensor({"received": 3, "undecodable": 3}, age=None), ERROR, "no decodable message on /scan yet"),
        (sensor(LIVE, age=3 * SECOND), STALE, "stale: newest message is 3.00 s old"),
        (
            sensor({**LIVE, "error": "ranges: 8 bytes needed"}, age=3 * SECOND, undecodable=7),
            STALE,
            "stale: newest decodable message is 3.00 s old; 7 undecodable messages: ranges: 8 bytes needed",
        ),
        (sensor({**LIVE, "error": "bad"}, undecodable=2), WARN, "2 undecodable messages: bad"),
        (sensor(LIVE, mismatches=(MISMATCH,)), WARN, MISMATCH),
        (sensor({}, age=None, mismatches=(MISMATCH,)), ERROR, f"no message on /scan yet; {MISMATCH}"),
        (
            sensor(LIVE, age=3 * SECOND, mismatches=(MISMATCH,)),
            ERROR,
            f"stale: newest message is 3.00 s old; {MISMATCH}",
        ),
        (sensor({**LIVE, "stamp": 0}), WARN, "header stamps are zero"),
        (sensor({**LIVE, "stamp": NOW - 2 * SECOND}), WARN, "header stamps are 2.0 s behind the node's clock"),
        (sensor({**LIVE, "stamp": NOW + 2 * SECOND}), WARN, "header stamps are 2.0 s ahead of the node's clock"),
        (sensor({**LIVE, "stamp": NOW + SECOND}), OK, "ok"),
        (sensor({**LIVE, "stamp": None}), OK, "ok"),
        (sensor({**LIVE, "finite": None}), WARN, "messages arrive, but hold no finite value"),
        (sensor({**LIVE, "finite": NOW - 2 * SECOND}), WARN, "messages arrive, but hold no finite value"),
        (unconfigured_report(None), OK, "unconfigured: no model is loaded"),
        (unconfigured_report("/m.npz: cannot be read"), ERROR, "unconfigured: /m.npz: cannot be read"),
        (model_report("d", "/m.npz", None), OK, "serving"),
        (model_report("d", "/m.npz", "why"), WARN, "reload failed, still serving the previous model: why"),
        (output_report(False, False, None, 0, 0, ()), OK, "inactive: nothing is published"),
        (
            output_report(True, False, None, 0, 0, ()),
            WARN,
            "no message of any sensor yet: there is nothing to classify",
        ),
        (output_report(True, True, ("scan", "imu"), 0, 0, ()), ERROR, "unknown: stale: scan, imu"),
        (output_report(True, True, ("scan", "imu"), 0, 0, (), ["imu"]), ERROR, "unknown: stale: scan, imu"),
        (output_report(True, True, ("scan",), 0, 0, (), ["imu", "scan"]), OK, "unknown: waiting for scan"),
        (output_report(True, False, None, 0, 0, (), ["scan"]), OK, "waiting for the first message of a sensor"),
        (output_report(True, True, None, 9, 0, ()), OK, "publishing"),
        (
            output_report(True, True, None, 9, 4, ()),
            WARN,
            "4 intervals missed: the clock was set ahead, or the node stalled",
        ),
        (
            clock_report(0, True, 60 * SECOND, False, 0, 0),
            WARN,
            "waiting for /clock: use_sim_time is set and no message on it has arrived, so nothing is evaluated",
        ),
        (clock_report(0, True, 5 * SECOND, False, 0, 0), OK, "waiting for the first message on /clock"),
        (clock_report(NOW, True, 0, True, 0, 0), WARN, "/clock stands still: nothing is evaluated"),
        (
            clock_report(NOW, False, 0, False, 3, 2),
            WARN,
            "set back 2 times: earlier samples and decisions were dropped",
        ),
        (clock_report(NOW, False, 0, False, 3, 0), OK, "ok"),
    ],
)
def test_level_and_sentence(report: Report, level: bytes, message: str) -> None:
    assert (report.level, report.message) == (level, message)


def test_a_status_holds_all_details_as_text() -> None:
    status = sensor({**LIVE, "stamp": NOW - SECOND // 4}, age=SECOND // 2).status("robot/classifier", "model")
    assert (status.name, status.hardware_id, status.level) == ("robot/classifier: sensor scan", "model", OK)
    assert {item.key: item.value for item in status.values} == {
        "topic": "/scan",
        "required": "True",
        "rate [Hz]": "40.0",
        "age [s]": "0.500",
        "timeout [s]": "1",
        "stale": "False",
        "received": "10",
        "undecodable": "0",
        "stamp lag [s]": "0.250",
        "publishers": "1",
    }


def test_latencies_are_summed_up() -> None:
    values = output_report(True, True, None, 0, 0, [k * 10**6 for k in range(100, 0, -1)]).values
    assert values == {
        "missed intervals": 0,
        "latency p50 [ms]": "51.00",
        "latency p99 [ms]": "100.00",
        "latency max [ms]": "100.00",
    }


def test_spreads_are_summed_up() -> None:
    spreads = [np.array([0.0, 0.1], np.float32), np.array([0.2, 0.3], np.float32)]
    values = output_report(True, True, None, 0, 0, (), spreads=spreads).values
    assert values == {"missed intervals": 0, "spread mean": "0.150", "spread max": "0.300"}


def test_the_spread_is_that_of_the_intervals_since_the_previous_report() -> None:
    monitor, pipeline = HealthMonitor(), Pipeline(make_ensemble())
    topics = {name: TopicState(f"/{name}", 1, ()) for name in pipeline.health(0)}

    def largest(*spreads: float | None) -> object:
        for spread in spreads:
            values = None if spread is None else np.array([spread, 0.0, 0.0], np.float32)
            monitor.evaluated(Prediction(0, np.zeros(1), False, (), np.zeros(3, np.float32), (), values))
        (output,) = (
            report
            for report in monitor.reports(pipeline, topics, now=0, steady=0, active=True)
            if report.name == "output"
        )
        return output.values.get("spread max")

    assert largest(0.3, 0.1) == "0.300"
    assert largest(0.2) == "0.200"
    assert largest() is None
    assert largest(None) is None, "unknown, or a network without members"


def test_growth_of_a_count_that_began_anew_is_the_count() -> None:
    growth = GrowthMeter()
    assert growth.read({"a": 5, "b": 0}) == {"a": 5, "b": 0}
    assert growth.read({"a": 7, "b": 0}) == {"a": 2, "b": 0}
    assert growth.read({"a": 3, "c": 1}) == {"a": 3, "c": 1}


def texts(log: ChangeLog, now: float, *causes: str) -> list[str]:
    reports = [Report("x", OK if cause == "ok" else WARN, cause, cause, {}) for cause in causes]
    return [line for _, line in log.lines(reports, round(now * SECOND))]


def test_a_fault_is_logged_when_it_begins_ends_and_once_a_minute() -> None:
    log = ChangeLog()
    assert texts(log, 0, "ok") == []
    assert texts(log, 1, "stale") == ["x: stale"]
    assert texts(log, 2, "stale") == []
    assert texts(log, 3, "ok") == ["x: ok"]
    assert texts(log, 4, "ok") == []
    assert texts(log, 10, "stale") == ["x: stale"]
    assert [second for second in range(11, 200) if texts(log, second, "stale")] == [70, 130, 190]


def test_a_fault_that_flaps_is_logged_every_5_s_and_ends_right() -> None:
    log = ChangeLog()
    lines = [(second, line) for second in range(20) for line in texts(log, second, "stale" if second % 2 else "ok")]
    for kind in ("x: stale", "x: ok"):
        times = [second for second, line in lines if line == kind]
        assert all(later - time >= 5 for time, later in itertools.pairwise(times))
    assert texts(log, 26, "ok") == ([] if lines[-1][1] == "x: ok" else ["x: ok"])


def test_another_fault_of_the_same_thing_is_logged_at_once() -> None:
    log = ChangeLog()
    assert texts(log, 0, "stale") == ["x: stale"]
    assert texts(log, 1, "stale undecodable") == ["x: stale undecodable"]


@pytest.mark.parametrize(
    ("left_ms", "interval_ms", "wait_ms"),
    [(20, 50, 0), (9, 50, 14), (0, 50, 5), (-1, 50, 0), (4, 8, 0), (3, 8, 5), (None, 50, 0)],
)
def test_diagnostics_wait_for_the_output_of_an_interval_that_is_about_to_end(
    left_ms: int | None, interval_ms: int, wait_ms: int
) -> None:
    ms = 10**6
    next_end = None if left_ms is None else NOW + left_ms * ms
    assert until_quiet(NOW, next_end, interval_ms * ms) == wait_ms * ms
