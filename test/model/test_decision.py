# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest

from obstacle_classifier.model.decision import Decision, DecisionRule

pytestmark = pytest.mark.runtime


def run(rule: DecisionRule, probabilities: list[float]) -> list[bool]:
    decision = Decision(["a"], [rule])
    return [decision.update(np.array([p], np.float32)) == ("a",) for p in probabilities]


def test_by_default_an_interval_decides_for_itself_and_the_threshold_counts_as_present() -> None:
    assert run(DecisionRule(), [0.4, 0.5, 0.49, 0.9]) == [False, True, False, True]


def test_hysteresis_counts_consecutive_intervals() -> None:
    rule = DecisionRule(threshold=0.5, enter=2, exit=3)
    probabilities = [0.9, 0.1, 0.9, 0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1, 0.9]
    expected = [False, False, False, True, True, True, True, True, True, False, False]
    assert run(rule, probabilities) == expected


def test_labels_keep_counts_of_their_own_and_model_order() -> None:
    decision = Decision(["b", "a"], [DecisionRule(enter=2), DecisionRule(threshold=0.3)])
    assert decision.update(np.array([0.9, 0.4], np.float32)) == ("a",)
    assert decision.update(np.array([0.9, 0.4], np.float32)) == ("b", "a")


def test_reset_forgets_presence_and_counts() -> None:
    decision = Decision(["a"], [DecisionRule(enter=2)])
    decision.update(np.array([0.9], np.float32))
    decision.reset()
    assert decision.update(np.array([0.9], np.float32)) == ()
    assert decision.update(np.array([0.9], np.float32)) == ("a",)
    decision.reset()
    assert decision.update(np.array([0.9], np.float32)) == ()
