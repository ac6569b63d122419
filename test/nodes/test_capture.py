# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which predictions lead to a recording, and when: interval by interval, without ROS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.model import Model, Reference
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.nodes.classifier.capture import HOUR, REASONS, Capture, CaptureOptions, CapturePolicy
from obstacle_classifier.pipeline import Prediction
from test.helpers.models import SENSORS, make_model

pytestmark = pytest.mark.runtime

SECOND = 10**9
INTERVAL = SENSORS.interval  # 0.1 s
D, LABELS = len(SENSORS.columns), SENSORS.labels
ROWS = np.where(SENSORS.layout.is_missing, 0.0, np.random.default_rng(0).normal(size=(2000, D)))
MODEL = make_model(reference=Reference.of(ROWS))
RULES = (DecisionRule(0.5, 1, 1),) * 3
QUICK = CaptureOptions(delay=0, hold=0, per_hour=1000, per_reason=1000)
CALM: dict[str, Any] = {"p": (0.05, 0.05, 0.05), "spread": (0.0, 0.0, 0.0), "x": np.zeros(D), "obstacles": ()}
DISAGREE: dict[str, Any] = {**CALM, "spread": (0.0, 0.3, 0.0)}
UNCERTAIN: dict[str, Any] = {**CALM, "p": (0.05, 0.05, 0.55)}
UNLIKE: dict[str, Any] = {**CALM, "x": np.full(D, 9.0)}
PRESENT: dict[str, Any] = {**CALM, "obstacles": ("pedestrian",)}
UNKNOWN = None


def prediction(k: int, state: dict[str, Any] | None) -> Prediction:
    """Interval k in one of the states above."""
    if state is None:
        return Prediction(k * INTERVAL, np.full(D, np.nan), True, ("scan",), np.full(3, np.nan, np.float32), None)
    spread = None if state["spread"] is None else np.array(state["spread"], np.float32)
    return Prediction(k * INTERVAL, state["x"], False, (), np.array(state["p"], np.float32), state["obstacles"], spread)


def policy(options: CaptureOptions = QUICK, model: Model = MODEL, rules: Sequence[DecisionRule] = RULES) -> Any:
    return CapturePolicy(model, rules, options)


def run(subject: CapturePolicy, states: Iterable[dict[str, Any] | None], first: int = 1) -> list[tuple[int, Capture]]:
    """The recordings asked for, with the interval of the request."""
    found = []
    for k, state in enumerate(states, first):
        step = subject.update(prediction(k, state))
        if step.due is not None:
            found.append((k, step.due))
    return found


def test_it_runs_without_ros() -> None:
    program = (
        "import sys; import obstacle_classifier.nodes.classifier.capture; "
        "sys.exit(any(name.split('.')[0] in ('rclpy', 'rosbag2_interfaces') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("state", "reason", "detail"),
    [
        (DISAGREE, "disagreement", "bicycle: spread 0.300"),
        (UNCERTAIN, "uncertain", "trash_can: probability 0.550, threshold 0.5"),
        (UNLIKE, "unlike", "100% of the columns, most of scan"),
        (PRESENT, "event", "pedestrian began"),
    ],
)
def test_each_reason_triggers_once_with_its_numbers(state: dict[str, Any], reason: str, detail: str) -> None:
    subject = policy()
    ((k, capture),) = run(subject, [CALM, CALM, state, state, state])
    assert k == 3
    assert capture.reasons == (reason,)
    (trigger,) = capture.triggers
    assert (trigger.time, trigger.detail) == (3 * INTERVAL, detail)
    assert subject.asked == {reason: 1}


def test_a_label_that_ends_triggers_too() -> None:
    found = run(policy(), [CALM, PRESENT, PRESENT, CALM, CALM])
    assert [(k, capture.triggers[0].detail) for k, capture in found] == [
        (2, "pedestrian began"),
        (4, "pedestrian ended"),
    ]


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({"spread": 0.0}, DISAGREE),
        ({"band": 0.0}, UNCERTAIN),
        ({"unlike": 0.0}, UNLIKE),
        ({"events": False}, PRESENT),
    ],
)
def test_a_reason_that_is_switched_off_never_triggers(options: dict[str, Any], state: dict[str, Any]) -> None:
    assert run(policy(replace(QUICK, **options)), [CALM, CALM, *[state] * 20]) == []


@pytest.mark.parametrize(
    ("threshold", "low", "high"), [(0.5, 0.4, 0.6), (0.05, 0.04, 0.24), (0.9, 0.72, 0.92), (1.0, 0.8, 1.0)]
)
def test_the_band_is_a_share_of_the_way_to_0_and_1(threshold: float, low: float, high: float) -> None:
    rules = (DecisionRule(threshold, 1, 1),) * 3
    for p, expected in ((low - 0.01, 0), (low + 0.001, 1), (high - 0.001, 1), (high + 0.01, 0)):
        subject = policy(rules=rules)
        subject.update(prediction(1, {**CALM, "p": (p, p, p)}))
        assert subject.asked["uncertain"] == expected, p


@pytest.mark.parametrize("pattern", ["x" * 9, ("x" * 9 + ".") * 5, "x.x.x.x.x.x.x.x.x.x.x.x"])
def test_a_condition_must_hold(pattern: str) -> None:
    options = replace(QUICK, hold=SECOND)  # 10 intervals
    assert run(policy(options), [DISAGREE if mark == "x" else CALM for mark in pattern]) == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("x" * 30, [10]),
        ("x" * 10 + "." * 9 + "x" * 30, [10]),
        ("x" * 10 + "." * 10 + "x" * 10, [10, 30]),
        ("x" * 10 + ".........x" * 4 + "x" * 30, [10]),
    ],
)
def test_a_condition_triggers_again_only_after_it_was_absent_as_long(pattern: str, expected: list[int]) -> None:
    options = replace(QUICK, hold=SECOND)
    found = run(policy(options), [DISAGREE if mark == "x" else CALM for mark in pattern])
    assert [k for k, _ in found] == expected


def test_labels_disagree_one_by_one() -> None:
    other = {**CALM, "spread": (0.3, 0.0, 0.0)}
    options = replace(QUICK, hold=SECOND)
    assert run(policy(options), [DISAGREE, other] * 20) == [], "no label held for a second"


def test_the_recorder_is_asked_after_the_delay_for_all_triggers_until_then() -> None:
    options = replace(QUICK, delay=SECOND)
    ((k, capture),) = run(policy(options), [CALM, CALM, PRESENT, PRESENT, UNLIKE, *[CALM] * 10])
    assert (k, capture.due) == (13, 13 * INTERVAL)
    assert [(trigger.reason, trigger.time // INTERVAL) for trigger in capture.triggers] == [
        ("event", 3),
        ("unlike", 5),
        ("event", 5),
    ]
    assert capture.reasons == ("unlike", "event")


def test_unknown_intervals_trigger_nothing_and_interrupt_nothing_but_the_count() -> None:
    options = replace(QUICK, hold=SECOND)
    assert run(policy(QUICK), [CALM, *[UNKNOWN] * 100, CALM]) == []
    assert run(policy(options), [*[DISAGREE] * 9, UNKNOWN, *[DISAGREE] * 9]) == []
    found = run(policy(options), [*[DISAGREE] * 10, UNKNOWN, *[DISAGREE] * 20])
    assert [k for k, _ in found] == [10], "the condition goes on after the unknown interval"


def test_the_delay_passes_in_unknown_intervals_too() -> None:
    options = replace(QUICK, delay=SECOND)
    assert [k for k, _ in run(policy(options), [CALM, CALM, PRESENT, *[UNKNOWN] * 20])] == [13]


def test_labels_that_return_after_unknown_intervals_are_no_event() -> None:
    rules = (DecisionRule(0.5, 3, 1),) * 3
    states = [*[CALM] * 4, *[PRESENT] * 4, UNKNOWN, CALM, CALM, PRESENT, PRESENT, CALM]
    found = run(policy(rules=rules), states)
    assert [(k, capture.triggers[0].detail) for k, capture in found] == [
        (5, "pedestrian began"),
        (14, "pedestrian ended"),
    ]


def test_a_gap_between_intervals_counts_as_an_unknown_one() -> None:
    subject = policy(replace(QUICK, hold=SECOND))
    assert run(subject, [*[DISAGREE] * 9]) == []
    assert run(subject, [*[DISAGREE] * 9], first=11) == []
    assert [k for k, _ in run(subject, [DISAGREE], first=20)] == [20]


def test_a_clock_that_was_set_back_drops_the_recording_and_forgets_conditions() -> None:
    subject = policy(replace(QUICK, delay=SECOND))
    run(subject, [CALM, DISAGREE], first=1000)
    assert subject.pending is not None
    step = subject.update(prediction(5, DISAGREE), jumps_back=1)
    assert step.dropped is not None
    assert step.dropped.reasons == ("disagreement",)
    assert subject.pending.triggers[0].time == 5 * INTERVAL, "the condition began anew"
    assert run(subject, [CALM] * 5, first=6) == []
    assert subject.asked == {}


def test_a_clock_that_is_set_back_again_and_again_does_not_defeat_the_caps() -> None:
    """As when a bag is played in a loop."""
    subject = policy(replace(QUICK, per_hour=3))
    for loop in range(20):
        subject.update(prediction(1, CALM), jumps_back=loop)
        subject.update(prediction(2, DISAGREE), jumps_back=loop)
    assert subject.asked["disagreement"] == 3
    assert subject.capped["disagreement"] == 17


def alternate(count: int) -> list[dict[str, Any]]:
    return [CALM, DISAGREE] * count


def test_the_cap_per_hour_counts_all_reasons() -> None:
    subject = policy(replace(QUICK, per_hour=3))
    run(subject, [CALM, DISAGREE, CALM, UNCERTAIN, CALM, UNLIKE])
    step = subject.update(prediction(7, {**CALM, "obstacles": ("bicycle",)}))
    assert step.due is None
    assert [trigger.detail for trigger in step.capped] == ["bicycle began"]
    assert subject.capped == {"event": 1}


def test_the_cap_per_reason_leaves_the_others_alone() -> None:
    subject = policy(replace(QUICK, per_reason=2))
    run(subject, alternate(5))
    assert (subject.asked["disagreement"], subject.capped["disagreement"]) == (2, 3)
    assert [capture.reasons for _, capture in run(subject, [CALM, UNLIKE], first=11)] == [("unlike",)]


def test_a_recording_leaves_the_cap_after_an_hour() -> None:
    subject = policy(replace(QUICK, per_reason=1))
    hour = HOUR // INTERVAL
    for k, expected in ((10, 1), (hour + 9, 1), (hour + 10, 2)):
        subject.update(prediction(k - 1, CALM))
        subject.update(prediction(k, DISAGREE))
        assert subject.asked["disagreement"] == expected, k


def test_a_recording_that_failed_does_not_count() -> None:
    subject = policy(replace(QUICK, per_hour=1))
    ((_, capture),) = run(subject, [CALM, DISAGREE])
    subject.failed(capture)
    assert subject.asked["disagreement"] == 0
    assert len(run(subject, [CALM, DISAGREE, CALM, DISAGREE], first=3)) == 1


def test_a_request_waits_for_the_delay_and_obeys_the_caps() -> None:
    subject = policy(replace(QUICK, delay=SECOND, per_reason=1))
    assert subject.request() == "no interval was evaluated yet"
    run(subject, [CALM])
    waits = [(subject.wait, subject.request(), subject.wait) for _ in range(2)]
    assert waits == [(None, None, SECOND), (SECOND, None, SECOND)], "the second joins the recording in preparation"
    ((k, capture),) = run(subject, [CALM] * 20, first=2)
    assert (k, capture.reasons) == (11, ("request",))
    assert subject.request() == "1 recordings for 'request' in the last hour, at most 1 are allowed"
    assert subject.capped == {"request": 1}


def test_a_stop_drops_the_recording() -> None:
    subject = policy(replace(QUICK, delay=SECOND))
    run(subject, [CALM, DISAGREE])
    dropped = subject.reset()
    assert dropped is not None
    assert run(subject, [CALM] * 30, first=3) == []


def test_another_model_forgets_conditions_and_keeps_caps() -> None:
    subject = policy(replace(QUICK, per_hour=1))
    run(subject, [CALM, DISAGREE])
    subject.serve(make_model(seed=1), RULES, replace(QUICK, per_hour=1))
    step = subject.update(prediction(3, DISAGREE))
    assert [trigger.reason for trigger in step.capped] == ["disagreement"]


def test_other_rules_keep_the_conditions() -> None:
    subject = policy()
    run(subject, [CALM, DISAGREE])
    subject.serve(MODEL, (DecisionRule(0.9, 1, 1),) * 3, QUICK)
    assert run(subject, [DISAGREE] * 5, first=3) == []
    assert [capture.reasons for _, capture in run(subject, [{**CALM, "p": (0.9, 0, 0)}], first=8)] == [("uncertain",)]


def test_reasons_that_the_model_cannot_give_are_named() -> None:
    subject = policy(model=make_model())
    assert subject.unavailable == ("unlike",)
    run(subject, [{**UNLIKE, "spread": None}] * 5)
    assert subject.unavailable == ("disagreement", "unlike")
    assert subject.asked == {}


STATES = st.sampled_from([CALM, DISAGREE, UNCERTAIN, UNLIKE, PRESENT, UNKNOWN])
OPTIONS = st.builds(
    CaptureOptions,
    delay=st.integers(0, 3 * SECOND),
    hold=st.integers(0, SECOND),
    per_hour=st.integers(1, 4),
    per_reason=st.integers(1, 3),
)


@given(states=st.lists(STATES, min_size=1, max_size=200), options=OPTIONS)
def test_caps_and_delay_hold_for_every_sequence(states: list[dict[str, Any] | None], options: CaptureOptions) -> None:
    subject = policy(options)
    found = run(subject, states)
    assert len(found) <= options.per_hour
    for k, capture in found:
        assert k * INTERVAL >= capture.due == capture.triggers[0].time + options.delay > (k - 1) * INTERVAL
        assert all(states[trigger.time // INTERVAL - 1] is not UNKNOWN for trigger in capture.triggers)
    for reason in REASONS:
        first = [capture for _, capture in found if capture.triggers[0].reason == reason]
        assert len(first) <= options.per_reason
        assert subject.asked[reason] == sum(reason in capture.reasons for _, capture in found)
    assert run(policy(options), states) == found, "equal predictions give equal recordings"


@given(states=st.lists(STATES, max_size=60), shift=st.integers(1, 10**9))
def test_only_differences_of_times_count(states: list[dict[str, Any] | None], shift: int) -> None:
    options = replace(QUICK, delay=SECOND // 2, hold=SECOND // 5)
    moved = [k - shift for k, _ in run(policy(options), states, first=1 + shift)]
    assert moved == [k for k, _ in run(policy(options), states)]
