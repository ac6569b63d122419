# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The decision rule of each label, from predictions for bags that the judges have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.thresholds import Target, choose_threshold, propose_hysteresis

__all__ = ["TARGET_SCHEMA", "choose_rules", "targets_of"]

_LEAST_BAGS = 2  # with the label: one bag says little of another

_KEYS = {
    "precision": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "recall": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
}
TARGET_SCHEMA: dict[str, Any] = {
    "properties": _KEYS,
    "additionalProperties": {"type": "object", "properties": _KEYS, "additionalProperties": False, "minProperties": 1},
}
"""JSON schema of the option `target`: a precision or recall for all labels, or for one label under its name."""


def targets_of(target: Mapping[str, Any], labels: Sequence[str]) -> list[Target]:
    """The target of each label.

    Args:
        target: As `TARGET_SCHEMA`: `{"precision": 0.9, "bicycle": {"recall": 0.8}}`.
        labels: Names of the labels.

    Raises:
        ConfigError: A precision and a recall at once, or a label that does not exist.
    """
    common = {key: value for key, value in target.items() if key in _KEYS}
    own = {key: value for key, value in target.items() if key not in _KEYS}
    for label in own:
        if label not in labels:
            raise ConfigError(f"key 'target.{label}': found no such label, expected one of: {', '.join(labels)}")
    for key, wish in (("target", common), *((f"target.{label}", wish) for label, wish in own.items())):
        if len(wish) > 1:
            raise ConfigError(f"key '{key}': found precision and recall, expected one of them")
    return [Target(**own.get(label, common)) for label in labels]


def choose_rules(
    judged: Judged, targets: Sequence[Target], labels: Sequence[str], smoothing: Sequence[float]
) -> tuple[tuple[DecisionRule, ...], list[str]]:
    """The rule of each label, and a line for each target that no threshold meets.

    A label that fewer than two bags carry keeps a threshold of 0.5. `smoothing` is the mean delay of each label's
    probabilities, in intervals: a hysteresis adds to it.
    """
    rules, problems = [], []
    follows = judged.follows
    for index, (target, label, delay) in enumerate(zip(targets, labels, smoothing, strict=True)):
        y = judged.Y[:, index]
        threshold = 0.5
        if len(np.unique(judged.bag[y > 0])) >= _LEAST_BAGS:
            chosen = choose_threshold(y, judged.P[:, index], target)
            threshold = chosen.value
            if not chosen.met:
                wish = f"precision of {target.precision:g}" if target.precision else f"recall of {target.recall:g}"
                problems.append(
                    f"label {label}: no threshold gives a {wish} on bags that training has not seen; the nearest "
                    f"gives a precision of {chosen.precision:.2f} and a recall of {chosen.recall:.2f}"
                )
        rules.append(DecisionRule(threshold, *propose_hysteresis(y, follows, delay)))
    return tuple(rules), problems
