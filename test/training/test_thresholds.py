# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.training.thresholds import Target, choose_threshold, propose_hysteresis

Y = np.array([1, 1, 0, 1, 0, 0, 1, 0], np.float64)
P = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
# precision 1, 1, 2/3, 3/4, 3/5, 3/6, 4/7, 4/8; recall 1/4, 2/4, 2/4, 3/4, 3/4, 3/4, 1, 1


def test_best_f1() -> None:
    chosen = choose_threshold(Y, P)
    assert chosen.value == pytest.approx(0.55)
    assert (chosen.precision, chosen.recall, chosen.f1, chosen.met) == (0.75, 0.75, 0.75, True)


@pytest.mark.parametrize(
    ("target", "value", "precision", "recall"),
    [
        (Target(precision=0.9), 0.75, 1.0, 0.5),  # the most recall
        (Target(precision=0.7), 0.55, 0.75, 0.75),
        (Target(precision=0.0), 0.25, 4 / 7, 1.0),
        (Target(recall=0.7), 0.55, 0.75, 0.75),  # the most precision
        (Target(recall=1.0), 0.25, 4 / 7, 1.0),
    ],
)
def test_demanded(target: Target, value: float, precision: float, recall: float) -> None:
    chosen = choose_threshold(Y, P, target)
    assert (chosen.value, chosen.precision, chosen.recall) == pytest.approx((value, precision, recall))
    assert chosen.met


def test_a_precision_out_of_reach_is_said() -> None:
    chosen = choose_threshold(1 - Y, P, Target(precision=0.9))
    assert not chosen.met
    assert chosen.precision == 0.5  # the best there is, with all recall
    assert chosen.recall == 1.0


def test_equal_probabilities_are_not_parted() -> None:
    chosen = choose_threshold(np.array([1.0, 0, 1, 0]), np.array([0.8, 0.8, 0.8, 0.1]), Target(precision=0.9))
    assert chosen.value == pytest.approx(0.45)
    assert not chosen.met


def test_without_a_positive_the_threshold_is_a_half() -> None:
    chosen = choose_threshold(np.zeros(3), P[:3])
    assert (chosen.value, chosen.met) == (0.5, False)


def test_both_demands_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="got both"):
        Target(precision=0.9, recall=0.9)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=32)), min_size=1, max_size=30), st.floats(0, 1))
def test_a_met_precision_holds_at_the_threshold(rows: list[tuple[bool, float]], demanded: float) -> None:
    y, p = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    chosen = choose_threshold(y, p, Target(precision=demanded))
    if chosen.met:
        present = p >= chosen.value
        assert y[present].mean() == pytest.approx(chosen.precision)
        assert chosen.precision >= demanded


def test_hysteresis_by_hand() -> None:
    follows = np.arange(80) > 0
    y = np.zeros(80)
    y[10:30] = y[36:60] = 1  # events of 20 and 24, a gap of 6 between them
    assert propose_hysteresis(y, follows) == (5, 1)  # a quarter of 20.4 and of 6
    assert propose_hysteresis(y, follows, 2.0) == (3, 1)  # the probabilities are late already
    y[22] = 0  # events of 12, 7 and 24: the decile is 8
    assert propose_hysteresis(y, follows) == (2, 1)


def test_hysteresis_does_not_join_bags() -> None:
    y, follows = np.ones(12), np.arange(12) % 6 > 0
    assert propose_hysteresis(y, follows) == (1, 1)  # two events of 6, not one of 12


@pytest.mark.parametrize("n", [0, 1, 40])
def test_hysteresis_without_events_is_none(n: int) -> None:
    assert propose_hysteresis(np.zeros(n), np.arange(n) > 0) == (1, 1)
