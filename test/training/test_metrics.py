# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.training.judged import Judged
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


Y = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], np.float32)
P = np.array([[0.9, 0.1, 0.2], [0.4, 0.2, 0.1], [0.6, 0.8, 0.7], [0.1, 0.7, 0.1]])
SECOND = 10**9
LABELS = ["near", "far", "never"]


def judged(Y: Any, P: Any, present: Any = None, bag: Any = None, group: Any = None) -> Judged:
    """One interval a second; by default a label is called present from 0.5 on, in one bag."""
    bag = np.zeros(len(Y), np.intp) if bag is None else np.asarray(bag)
    return Judged(
        names=tuple(f"bag_{index}" for index in range(int(bag.max(initial=0)) + 1)),
        bag=bag,
        time_ns=np.arange(len(Y)) * SECOND,
        Y=np.asarray(Y, np.float32),
        P=np.asarray(P, np.float64),
        present=np.asarray(P) >= 0.5 if present is None else np.asarray(present),
        interval=SECOND,
        group=group,
    )


def test_scores_by_hand() -> None:
    result = scores(judged(Y, P), LABELS, 0.75)
    near, far, never = (result["labels"][name] for name in LABELS)
    by_hand = {"average_precision": 5 / 6, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "prevalence": 1 / 2}
    # 3 of 4 pairs of a present and an absent interval are in order; squares of 0.1, 0.6, 0.6 and 0.1.
    by_hand |= {"auroc": 3 / 4, "brier": (0.01 + 0.36 + 0.36 + 0.01) / 4, "support": 2, "bags": 1}
    # Two bins hold one present interval (0.9, 0.4), two one absent interval (0.6, 0.1).
    by_hand |= {"ece": (0.1 + 0.6 + 0.6 + 0.1) / 4}
    assert {key: near[key] for key in by_hand} == pytest.approx(by_hand)
    assert (far["average_precision"], far["precision"], far["recall"], far["auroc"]) == (1.0, 1.0, 1.0, 1.0)
    assert (never["average_precision"], never["recall"], never["auroc"], never["precision"]) == (None, None, None, 0.0)
    # Labels without a positive are left out of the mean; pooled, 3 of 5 decisions are right and 3 of 4 are found.
    expected = {"average_precision": 11 / 12, "precision": 3 / 4, "recall": 3 / 4, "f1": 3 / 4}
    assert {key: result["macro"][key] for key in expected} == pytest.approx(expected)
    micro = result["micro"]
    assert (micro["precision"], micro["recall"], micro["f1"]) == pytest.approx((3 / 5, 3 / 4, 6 / 9))
    assert micro["average_precision"] == pytest.approx(average_precision(Y.ravel(), P.ravel()))
    assert (result["n"], result["bags"], result["coverage"]) == (4, 1, 0.75)
    # Wrong are: near at 1 and 2, never at 2; wholly right are the first and the last interval.
    assert (result["hamming_loss"], result["subset_accuracy"]) == (3 / 12, 2 / 4)


def test_events_by_hand() -> None:
    # Two events, from 1 to 3 and at 6; the first is found after two intervals; one false alarm at 8 and 9.
    y = np.array([0, 1, 1, 1, 0, 0, 1, 0, 0, 0])[:, np.newaxis]
    present = np.array([0, 0, 0, 1, 1, 0, 0, 0, 1, 1], bool)[:, np.newaxis]
    row = scores(judged(y, np.full(y.shape, 0.5), present), ["near"], 1.0)["labels"]["near"]
    assert (row["events"], row["detected"], row["delay"]) == (2, 0.5, 2.0)
    assert row["false_alarms_per_hour"] == pytest.approx(1 / (10 / 3600))


def test_an_event_ends_with_its_bag() -> None:
    y = np.ones((6, 1))
    row = scores(judged(y, y, bag=[0, 0, 0, 1, 1, 1]), ["near"], 1.0)["labels"]["near"]
    assert (row["events"], row["detected"], row["delay"]) == (2, 1.0, 0.0)


def test_labels_that_say_little_are_named() -> None:
    warnings = scores(judged(Y, P), LABELS, 1.0)["warnings"]
    assert warnings == [
        "label near: present in one bag only (bag_0), so its scores say little",
        "label far: present in one bag only (bag_0), so its scores say little",
        "label never: present in no interval, so its scores are undefined",
    ]


def test_ranking_scores_are_means_over_the_groups() -> None:
    # Within each group the order is right; pooled, the first group's absent interval outranks the second's present one.
    y, p = np.array([[1.0], [0], [1], [0]]), np.array([[0.9], [0.8], [0.2], [0.1]])
    group = np.array([0, 0, 1, 1])
    pooled, grouped = (scores(judged(y, p, group=own), ["near"], 1.0)["labels"]["near"] for own in (None, group))
    assert (grouped["average_precision"], grouped["auroc"]) == (1.0, 1.0)
    assert pooled["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert pooled["auroc"] == pytest.approx(3 / 4)


def test_confidence_is_over_bags() -> None:
    rng = np.random.default_rng(0)
    bag = np.repeat(np.arange(8), 50)
    y = (rng.random((400, 2)) < 0.3).astype(float)
    p = np.clip(y * 0.4 + rng.random((400, 2)) * 0.6, 0, 1)
    result = scores(judged(y, p, bag=bag), ["a", "b"], 1.0)
    for row in (*result["labels"].values(), result["macro"]):
        low, high = row["interval"]
        assert 0 < low < row["average_precision"] < high <= 1
        assert high - low < 0.2
    assert scores(judged(y, p, bag=bag // 4), ["a", "b"], 1.0)["macro"]["interval"] is None, "two bags say nothing"


def test_scores_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    y, p = (rng.random((200, 3)) < 0.3).astype(float), rng.random((200, 3)).round(1)
    result = scores(judged(y, p), ["a", "b", "c"], 1.0)
    for average in ("macro", "micro"):
        precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(y, p >= 0.5, average=average)
        expected: dict[str, Any] = {"precision": precision, "recall": recall, "f1": f1}
        expected["average_precision"] = sklearn_metrics.average_precision_score(y, p, average=average)
        expected["auroc"] = sklearn_metrics.roc_auc_score(y, p, average=average)
        assert {key: result[average][key] for key in expected} == pytest.approx(expected)
    assert result["hamming_loss"] == pytest.approx(sklearn_metrics.hamming_loss(y, p >= 0.5))
    assert result["subset_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(y, p >= 0.5))


def test_nothing_decided_present_has_no_precision() -> None:
    row = scores(judged(Y, P, np.zeros(Y.shape, bool)), LABELS, 1.0)["labels"]["near"]
    assert (row["precision"], row["recall"], row["f1"]) == (None, 0.0, 0.0)


def test_the_table_shows_what_is_undefined_as_a_dash() -> None:
    lines = format_scores(scores(judged(Y, P), LABELS, 0.75)).splitlines()
    assert lines[0].split()[:6] == ["label", "AP", "AUROC", "F1", "precision", "recall"]
    assert lines[1].split()[:6] == ["near", "0.833", "0.750", "0.500", "0.500", "0.500"]
    assert lines[3].split()[:6] == ["never", "-", "-", "0.000", "0.000", "-"]
    assert lines[4].split()[:6] == ["macro", "0.917", "0.875", "0.750", "0.750", "0.750"]
    assert lines[6] == "4 intervals of 1 bag, 75.0 % of them known"
    assert lines[-1] == "warning: label never: present in no interval, so its scores are undefined"
