# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.training.decision_rules import choose_rules, targets_of
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.thresholds import Target

SECOND = 10**9


def judged(bags: int = 4, rows: int = 200) -> Judged:
    """Label 0 is hard to tell, label 1 is present in one bag only; events last 20 intervals."""
    rng = np.random.default_rng(0)
    n = bags * rows
    bag = np.repeat(np.arange(bags), rows)
    Y = np.zeros((n, 2), np.float32)
    Y[:, 0] = np.arange(n) // 20 % 2
    Y[:, 1] = (np.arange(n) // 20 % 2) * (bag == 0)
    P = np.clip(0.25 * Y + 0.75 * rng.random((n, 2)), 0, 1)
    time_ns = np.arange(n, dtype=np.int64) * SECOND
    return Judged(tuple("abcd"[:bags]), bag, time_ns, Y, P, np.zeros((n, 2), bool), SECOND)


@pytest.mark.parametrize("target", [Target(precision=0.9), Target(recall=0.9)])
def test_a_demand_is_met_and_no_more_is_given_up_than_need_be(target: Target) -> None:
    table = judged()
    rules, problems = choose_rules(table, [target] * 2, ["near", "rare"], [0.0, 0.0])
    assert problems == []
    y, called = table.Y[:, 0] > 0, table.P[:, 0] >= rules[0].threshold
    precision, recall = (y & called).sum() / called.sum(), (y & called).sum() / y.sum()
    found = precision if target.precision else recall
    assert 0.9 <= found < 0.95


def test_a_demand_out_of_reach_is_said() -> None:
    table = judged()
    flipped = Judged(table.names, table.bag, table.time_ns, 1 - table.Y, table.P, table.present, SECOND)
    _, problems = choose_rules(flipped, [Target(precision=0.9)] * 2, ["near", "rare"], [0.0, 0.0])
    assert problems[0].startswith(
        "label near: no threshold gives a precision of 0.9 on bags that training has not seen"
    )


def test_a_label_of_one_bag_keeps_a_threshold_of_a_half() -> None:
    rules, _ = choose_rules(judged(), [Target()] * 2, ["near", "rare"], [0.0, 0.0])
    assert rules[1].threshold == 0.5
    assert rules[0].threshold != 0.5


def test_hysteresis_is_a_quarter_of_a_short_event() -> None:
    rules, _ = choose_rules(judged(), [Target()] * 2, ["near", "rare"], [0.0, 0.0])
    assert (rules[0].enter, rules[0].exit) == (5, 5)
    assert isinstance(rules[0], DecisionRule)


def test_targets_are_common_or_by_label() -> None:
    assert targets_of({}, ["a", "b"]) == [Target(), Target()]
    assert targets_of({"precision": 0.9, "b": {"recall": 0.5}}, ["a", "b"]) == [
        Target(precision=0.9),
        Target(recall=0.5),
    ]
