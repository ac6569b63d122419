# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.training.metrics import average_precision, format_scores, scores

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


def test_average_precision_by_hand() -> None:
    # Thresholds 0.9, 0.8, 0.6: precisions 1, 1/2, 2/3 at recalls 1/2, 1/2, 1.
    y, score = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.8, 0.6, 0.1])
    assert average_precision(y, score) == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)


def test_equal_scores_are_one_threshold() -> None:
    assert average_precision(np.array([0.0, 1, 0, 0]), np.full(4, 0.5)) == 0.25


@pytest.mark.parametrize(("y", "expected"), [([1, 1], 1.0), ([0, 0], None), ([], None)])
def test_average_precision_of_one_class(y: list[int], expected: float | None) -> None:
    found = average_precision(np.array(y, float), np.linspace(0, 1, len(y)))
    assert np.isnan(found) if expected is None else found == expected


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=60))
def test_average_precision_is_scikit_learns(pairs: list[tuple[bool, int]]) -> None:
    y, score = np.array([one for one, _ in pairs], float), np.array([s / 8 for _, s in pairs])
    if y.any():
        assert average_precision(y, score) == pytest.approx(
            sklearn_metrics.average_precision_score(y, score), abs=1e-12
        )


Y = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], float)
P = np.array([[0.9, 0.1, 0.2], [0.4, 0.2, 0.1], [0.6, 0.8, 0.7], [0.1, 0.7, 0.1]])


def test_scores_by_hand() -> None:
    result = scores(Y, P, P >= 0.5, ["near", "far", "never"], 0.75)
    near, far, never = (result["labels"][name] for name in ("near", "far", "never"))
    assert near == pytest.approx(
        {"average_precision": 5 / 6, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "prevalence": 1 / 2}
    )
    assert far == {"average_precision": 1.0, "precision": 1.0, "recall": 1.0, "f1": 1.0, "prevalence": 0.5}
    assert never == {"average_precision": None, "precision": 0.0, "recall": None, "f1": 0.0, "prevalence": 0.0}
    # Labels without a positive are left out of the mean; pooled, 3 of 5 decisions are right and 3 of 4 are found.
    expected = {"average_precision": 11 / 12, "precision": 3 / 4, "recall": 3 / 4, "f1": 3 / 4}
    assert result["macro"] == pytest.approx(expected)
    micro = result["micro"]
    assert (micro["precision"], micro["recall"], micro["f1"]) == pytest.approx((3 / 5, 3 / 4, 6 / 9))
    assert micro["average_precision"] == pytest.approx(average_precision(Y.ravel(), P.ravel()))
    assert (result["n"], result["coverage"]) == (4, 0.75)


def test_scores_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    y, p = (rng.random((200, 3)) < 0.3).astype(float), rng.random((200, 3)).round(1)
    result = scores(y, p, p >= 0.5, ["a", "b", "c"], 1.0)
    for average in ("macro", "micro"):
        precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(y, p >= 0.5, average=average)
        expected: dict[str, Any] = {"precision": precision, "recall": recall, "f1": f1}
        expected["average_precision"] = sklearn_metrics.average_precision_score(y, p, average=average)
        assert result[average] == pytest.approx(expected)


def test_nothing_decided_present_has_no_precision() -> None:
    row = scores(Y, P, np.zeros(Y.shape, bool), ["near", "far", "never"], 1.0)["labels"]["near"]
    assert (row["precision"], row["recall"], row["f1"]) == (None, 0.0, 0.0)


def test_the_table_shows_what_is_undefined_as_a_dash() -> None:
    lines = format_scores(scores(Y, P, P >= 0.5, ["near", "far", "never"], 0.75)).splitlines()
    assert lines[0].split() == ["label", "AP", "F1", "precision", "recall", "prevalence"]
    assert lines[1].split() == ["near", "0.833", "0.500", "0.500", "0.500", "0.500"]
    assert lines[3].split() == ["never", "-", "0.000", "0.000", "-", "0.000"]
    assert lines[4].split() == ["macro", "0.917", "0.750", "0.750", "0.750"]
    assert lines[-1] == "4 intervals, 75.0 % of them known"
