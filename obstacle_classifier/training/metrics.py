# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scores of a multilabel classifier on labelled intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.bootstrap import bootstrap_average_precision
from obstacle_classifier.training.calibration import brier_score, expected_calibration_error
from obstacle_classifier.training.events import event_scores
from obstacle_classifier.training.judged import Judged

__all__ = [
    "EVENTS",
    "SCORES",
    "area_under_roc",
    "average_precision",
    "format_scores",
    "macro_average_precision",
    "mean_defined",
    "precision_recall",
    "scores",
]

SCORES = ("average_precision", "auroc", "f1", "precision", "recall", "brier", "ece")
"""Scores of each label, of the macro mean, and of all decisions pooled."""

EVENTS = ("events", "detected", "delay", "false_alarms_per_hour")

Floats = NDArray[np.floating[Any]]


def average_precision(y: Floats, score: Floats) -> float:
    """Area under the precision-recall steps: sum over thresholds of (R_n - R_{n-1}) P_n.

    Equal scores form one threshold. The definition is scikit-learn's `average_precision_score`.

    Args:
        y: (n,) 0 or 1.
        score: (n,) finite, larger for "present".

    Returns:
        Average precision in [0, 1]; NaN without a positive example.
    """
    if not np.any(y):
        return float("nan")
    precision, recall = precision_recall(y, score)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def macro_average_precision(Y: Floats, score: Floats, group: NDArray[np.intp] | None = None) -> float:
    """Mean average precision over the labels with positives, each the mean over the groups that have some.

    Args:
        Y: (n, c) 0 or 1.
        score: (n, c), larger for "present".
        group: (n,) group of each row, as `Judged.group`; None: one group.

    Returns:
        0 to 1; NaN without a positive.
    """
    groups = _rows_of_groups(group, len(Y))
    return mean_defined(
        [
            mean_defined([average_precision(y[rows], p[rows]) for rows in groups])
            for y, p in zip(Y.T, score.T, strict=True)
        ]
    )


def _rows_of_groups(group: NDArray[np.intp] | None, n: int) -> list[NDArray[np.bool_]]:
    """The rows (n,) of each group; all rows if `group` is None."""
    return [np.ones(n, np.bool_)] if group is None else [group == index for index in np.unique(group)]


def precision_recall(y: Floats, score: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall at every threshold, from the highest down; equal scores form one threshold.

    Args:
        y: (n,) 0 or 1, at least one 1.
        score: (n,) finite, larger for "present".

    Returns:
        (t,) precision and (t,) recall, which ends with 1.
    """
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.diff(score[order]) != 0, True)
    true_positives = np.cumsum(y[order], dtype=np.float64)[last_of_tie]
    return true_positives / (np.flatnonzero(last_of_tie) + 1), true_positives / true_positives[-1]


def area_under_roc(y: Floats, score: Floats) -> float:
    """Probability that a present interval scores above an absent one, equal scores counted half.

    The definition is scikit-learn's `roc_auc_score` (Mann-Whitney).

    Returns:
        0 to 1; NaN unless there are both.
    """
    positives = float(np.sum(y))
    negatives = len(y) - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(np.sum(ranks[inverse], where=np.asarray(y) > 0))
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def scores(judged: Judged, labels: Sequence[str], coverage: float) -> dict[str, Any]:
    """Scores per label, macro (mean over labels with positives) and micro (all decisions pooled).

    Where the intervals were judged in groups, average precision and AUROC are means over the groups in which they are
    defined: members that have seen different bags are calibrated differently, and their probabilities do not rank
    against each other.

    Args:
        judged: The intervals.
        labels: The c names.
        coverage: Share of the labelled intervals that were known.

    Returns:
        JSON-able: `n`, `bags`, `coverage`, `labels` (per label `SCORES`, `prevalence`, `support`, `bags`, event
        scores, and `interval`, the 90 % confidence interval of average precision), `macro`, `micro`,
        `hamming_loss`, `subset_accuracy`, `warnings`; None where a score is undefined.
    """
    Y, P, present = judged.Y, judged.P, judged.present
    intervals, macro_interval = bootstrap_average_precision(judged)
    per_label: dict[str, dict[str, Any]] = {}
    warnings = []
    for index, label in enumerate(labels):
        y = Y[:, index] > 0
        carriers = len(np.unique(judged.bag[y]))
        per_label[label] = {
            **_row(Y[:, index], P[:, index], present[:, index], judged.group),
            "prevalence": float(y.mean()) if len(y) else None,
            "support": int(y.sum()),
            "bags": carriers,
            "interval": intervals[index],
            **event_scores(y, present[:, index], judged.follows, judged.interval),
        }
        if not carriers:
            warnings.append(f"label {label}: present in no interval, so its scores are undefined")
        elif carriers == 1:
            name = judged.names[int(judged.bag[y][0])]
            warnings.append(f"label {label}: present in one bag only ({name}), so its scores say little")
    known = [row for row in per_label.values() if row["support"]]
    wrong = present != (Y > 0)
    return {
        "n": len(Y),
        "bags": len(np.unique(judged.bag)),
        "coverage": coverage,
        "labels": per_label,
        "macro": {key: _mean([row[key] for row in known]) for key in (*SCORES, *EVENTS[1:])}
        | {"interval": macro_interval},
        "micro": _row(Y.ravel(), P.ravel(), present.ravel(), None),
        "hamming_loss": float(wrong.mean()) if wrong.size else None,
        "subset_accuracy": float((~wrong.any(axis=1)).mean()) if len(Y) else None,
        "warnings": warnings,
    }


def format_scores(result: dict[str, Any]) -> str:
    """A plain-text table of `scores`' result."""
    columns = {
        "AP": "average_precision",
        "AUROC": "auroc",
        "F1": "f1",
        "precision": "precision",
        "recall": "recall",
        "ECE": "ece",
        "prevalence": "prevalence",
        "events": "events",
        "detected": "detected",
        "alarms/h": "false_alarms_per_hour",
    }
    width = max(len(name) for name in [*result["labels"], "label", "macro"])
    lines = [f"{'label':<{width}}" + "".join(f"  {name:>{max(6, len(name))}}" for name in columns)]
    for name, row in {**result["labels"], "macro": result["macro"], "micro": result["micro"]}.items():
        cells = [_cell(row.get(key), blank=key not in row) for key in columns.values()]
        padded = (f"  {cell:>{max(6, len(column))}}" for cell, column in zip(cells, columns, strict=True))
        lines.append((f"{name:<{width}}" + "".join(padded)).rstrip())
    low_high = result["macro"]["interval"]
    if low_high is not None:
        lines.append(f"macro AP with 90 % confidence over bags: {low_high[0]:.3f} to {low_high[1]:.3f}")
    share = f"{100 * result['coverage']:.1f} % of them known"
    lines.append(f"{result['n']} intervals of {_bags(result['bags'])}, {share}")
    lines += [f"warning: {warning}" for warning in result["warnings"]]
    return "\n".join(lines)


def _bags(count: int) -> str:
    return "1 bag" if count == 1 else f"{count} bags"


def _row(y: Floats, p: Floats, present: NDArray[np.bool_], group: NDArray[np.intp] | None) -> dict[str, float | None]:
    hits = float(np.sum(y[present]))
    precision = hits / float(present.sum()) if present.any() else float("nan")
    recall = hits / float(np.sum(y)) if np.sum(y) else float("nan")
    decided = float(present.sum() + np.sum(y))
    f1 = 2 * hits / decided if decided else float("nan")
    groups = _rows_of_groups(group, len(y))
    values = {
        "average_precision": mean_defined([average_precision(y[rows], p[rows]) for rows in groups]),
        "auroc": mean_defined([area_under_roc(y[rows], p[rows]) for rows in groups]),
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "brier": brier_score(y, p),
        "ece": expected_calibration_error(y, p),
    }
    return {key: _defined(value) for key, value in values.items()}


def mean_defined(values: Sequence[float]) -> float:
    """Mean of the numbers that are not NaN; NaN if there is none."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _cell(value: float | None, *, blank: bool) -> str:
    if blank:
        return ""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
