# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The report's tables as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from obstacle_classifier.training.train import Training

__all__ = ["bag_table", "comparison_table", "score_table", "sensor_table", "table"]

_SCORES = {
    "AP": "average_precision",
    "90 % confidence": "interval",
    "AUROC": "auroc",
    "F1": "f1",
    "precision": "precision",
    "recall": "recall",
    "Brier": "brier",
    "ECE": "ece",
    "prevalence": "prevalence",
    "intervals": "support",
    "bags": "bags",
    "events": "events",
    "detected": "detected",
    "delay": "delay",
    "false alarms/h": "false_alarms_per_hour",
}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table of texts, in a box that scrolls where the page is too narrow."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def score_table(metrics: Mapping[str, Any]) -> str:
    """All scores, a row per label, then macro and micro; empty where a row has no such score, `-` where undefined."""
    rows = {**metrics["labels"], "macro": metrics["macro"], "micro": metrics["micro"]}
    return table(
        ("label", *_SCORES),
        ([name, *(_cell(row[key]) if key in row else "" for key in _SCORES.values())] for name, row in rows.items()),
    )


def comparison_table(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """The macro scores of several sets of intervals side by side."""
    keys = ("average_precision", "interval", "auroc", "f1", "precision", "recall", "ece")
    names = {key: name for name, key in _SCORES.items()}
    return table(
        ("judged", "intervals", "bags", *(f"macro {names[key]}" for key in keys)),
        (
            [name, str(part["n"]), str(part["bags"]), *(_cell(part["macro"][key]) for key in keys)]
            for name, part in parts.items()
        ),
    )


def bag_table(training: Training) -> str:
    """A row per bag: its part, its intervals, the share of them that is known, and how many carry each label."""
    labels = training.model.labels
    parts = {bag["name"]: str(bag["part"]) for bag in training.model.bags}
    rows = []
    for shard in training.split.data:
        labelled, usable = int(shard.labelled.sum()), int(shard.usable.sum())
        known = f"{100 * usable / labelled:.1f} %" if labelled else "-"
        counts = shard.Y[shard.usable].sum(axis=0).astype(int).tolist()
        rows.append([shard.name, parts[shard.name], str(len(shard)), str(labelled), known, *map(str, counts)])
    totals = [str(sum(int(row[column]) for row in rows)) for column in range(5, 5 + len(labels))]
    sizes = [str(sum(int(row[column]) for row in rows)) for column in (2, 3)]
    rows.append(["all", "", *sizes, "", *totals])
    return table(("bag", "part", "intervals", "labelled", "known", *labels), rows)


def sensor_table(training: Training) -> str:
    """A row per sensor: its columns, the share of intervals without it, and the bag where that share is largest."""
    layout = training.model.sensors.layout
    rows = []
    for spec in training.model.sensors.sensors:
        place = layout.missing[spec.name]
        rates = {shard.name: float(shard.X[:, place].mean()) for shard in training.split.data if len(shard)}
        total = np.concatenate([shard.X[:, place] for shard in training.split.data])
        worst = max(rates, key=rates.__getitem__, default="")
        rate = f"{100 * total.mean():.1f} %" if len(total) else "-"
        most = f"{worst} ({100 * rates[worst]:.1f} %)" if rates and rates[worst] else "-"
        columns = layout.slices[spec.name]
        rows.append([spec.name, spec.type, str(columns.stop - columns.start), rate, most])
    return table(("sensor", "type", "columns", "missing", "most often missing in"), rows)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " to ".join(f"{limit:.3f}" for limit in value)
    return str(value) if isinstance(value, int) else f"{value:.3f}"
