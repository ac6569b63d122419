# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scores of a multilabel classifier on labelled intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_precision", "format_scores", "precision_recall", "scores"]

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


def scores(Y: Floats, P: Floats, present: NDArray[np.bool_], labels: Sequence[str], coverage: float) -> dict[str, Any]:
    """Scores per label, macro (mean over labels with positives) and micro (all decisions pooled).

    Args:
        Y: (n, c) 0 or 1.
        P: (n, c) probabilities.
        present: (n, c) decisions.
        labels: The c names.
        coverage: Share of the intervals that were known.

    Returns:
        JSON-able: `{"n", "coverage", "labels": {label: {...}}, "macro": {...}, "micro": {...}}` with the keys
        average_precision, precision, recall, f1 and, per label, prevalence; None where a score is undefined.
    """
    per_label = {}
    for index, label in enumerate(labels):
        row = _row(Y[:, index], P[:, index], present[:, index])
        per_label[label] = {
            **row,
            "prevalence": _defined(float(Y[:, index].mean(dtype=np.float64)) if len(Y) else float("nan")),
        }
    known = [row for row in per_label.values() if row["average_precision"] is not None]
    macro = {key: _mean([row[key] for row in known]) for key in ("average_precision", "precision", "recall", "f1")}
    micro = _row(Y.ravel(), P.ravel(), present.ravel())
    return {"n": len(Y), "coverage": coverage, "labels": per_label, "macro": macro, "micro": micro}


def format_scores(result: dict[str, Any]) -> str:
    """A plain-text table of `scores`' result."""
    width = max(len(name) for name in [*result["labels"], "label", "macro"])
    header = f"{'label':<{width}}  {'AP':>6}  {'F1':>6}  {'precision':>9}  {'recall':>6}  {'prevalence':>10}"
    lines = [header]
    rows = {**result["labels"], "macro": result["macro"], "micro": result["micro"]}
    for name, row in rows.items():
        cells = [_cell(row[key]) for key in ("average_precision", "f1", "precision", "recall")]
        prevalence = _cell(row["prevalence"]) if "prevalence" in row else ""
        lines.append(
            f"{name:<{width}}  {cells[0]:>6}  {cells[1]:>6}  {cells[2]:>9}  {cells[3]:>6}  {prevalence:>10}".rstrip()
        )
    lines.append(f"{result['n']} intervals, {100 * result['coverage']:.1f} % of them known")
    return "\n".join(lines)


def _row(y: Floats, p: Floats, present: NDArray[np.bool_]) -> dict[str, float | None]:
    hits = float(np.sum(y[present]))
    precision = hits / float(present.sum()) if present.any() else float("nan")
    recall = hits / float(np.sum(y)) if np.sum(y) else float("nan")
    decided = float(present.sum() + np.sum(y))
    f1 = 2 * hits / decided if decided else float("nan")
    return {
        "average_precision": _defined(average_precision(y, p)),
        "precision": _defined(precision),
        "recall": _defined(recall),
        "f1": _defined(f1),
    }


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value


def _mean(values: list[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
