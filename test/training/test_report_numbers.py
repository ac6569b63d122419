# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The numbers behind the report's plots, by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.training.calibration import expected_calibration_error
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.report_curves import reliability, threshold_sweep
from obstacle_classifier.training.report_stretches import worst_stretches

SECOND = 10**9


def test_a_sweep_by_hand() -> None:
    y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.75, 0.5, 0.25, 0.1])
    sweep = threshold_sweep(y, p, steps=4)
    assert sweep.threshold.tolist() == [0, 0.25, 0.5, 0.75, 1]
    np.testing.assert_array_equal(sweep.precision, [0.5, 2 / 3, 0.5, 1, np.nan])  # at or above the threshold
    np.testing.assert_array_equal(sweep.recall, [1, 1, 0.5, 0.5, 0])
    np.testing.assert_allclose(sweep.f1, [2 / 3, 0.8, 0.5, 2 / 3, 0])


def test_reliability_by_hand_and_as_the_ece() -> None:
    y, p = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.1, 0.3, 1.0, 0.5])
    found = reliability(y, p, bins=2)
    assert found.probability.tolist() == [0.2, 0.75]
    assert found.share.tolist() == [0.5, 0.5]
    assert found.count.tolist() == [2, 2]
    rng = np.random.default_rng(0)
    p = rng.random(500)
    y = (rng.random(500) < p**2).astype(np.float64)
    found = reliability(y, p)
    ece = (found.count * np.abs(found.probability - found.share)).sum() / 500
    assert ece == pytest.approx(expected_calibration_error(y, p))


def judged(bags: Mapping[str, Sequence[tuple[float, float]]]) -> Judged:
    """Intervals (end in s, probability of an absent label) of bags that begin at 100 s."""
    rows = [(index, end, p) for index, own in enumerate(bags.values()) for end, p in own]
    bag, ends, P = zip(*rows, strict=True)
    return Judged(
        names=tuple(bags),
        bag=np.array(bag, np.intp),
        time_ns=np.array([100 * SECOND + round(end * SECOND) for end in ends], np.int64),
        Y=np.zeros((len(rows), 1), np.float32),
        P=np.array(P)[:, None],
        present=np.zeros((len(rows), 1), np.bool_),
        interval=SECOND,
    )


def test_the_worst_stretch_comes_first_and_is_placed_in_its_bag() -> None:
    table = judged(
        {
            "a": [(end, 0.1) for end in range(1, 11)] + [(end, 0.5) for end in range(11, 21)],
            "b": [(end, 0.9) for end in range(1, 11)],
        }
    )
    begins = dict.fromkeys("ab", 100 * SECOND)
    found = worst_stretches(table, begins, count=2, length=10 * SECOND)
    assert [(stretch.bag, stretch.start) for stretch in found] == [("b", 0.0), ("a", 10.0)]
    assert found[0].loss == pytest.approx(-np.log(0.1))
    np.testing.assert_allclose(found[1].seconds, range(11, 21))
    assert found[1].rows.tolist() == list(range(10, 20))


def test_a_few_wrong_intervals_at_the_end_are_no_stretch() -> None:
    table = judged({"a": [(end, 0.1) for end in range(1, 11)] + [(11, 0.99)]})
    (only,) = worst_stretches(table, {"a": 100 * SECOND}, length=10 * SECOND)
    assert only.start == 0.0
