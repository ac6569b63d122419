# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What `--tune` scores: the recipe about its defaults, and scikit-learn's classifiers about the options in use.

No test bag is used. Candidates are fitted on seven in ten of a fold's training bags and scored on the other three; on
the streets, on folds of the training drives. All folds share one recipe, and a test bag of one fold is a training bag
of the other folds. Each recorded bag therefore influences the choice among these few candidates, but never in its own
fold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.evaluate.methods import COMPETITORS, Method, ours, sklearn_mlp
from obstacle_classifier.training import DefaultSettings

__all__ = ["candidates"]

CHANGES: tuple[dict[str, Any], ...] = (
    {"bins": 6},
    {"epochs": 30},
    {"mixup": 0.0},
    {"mixup": 1.0},
    {"dropout": 0.0},
    {"dropout": 0.2},
    {"groups": 4},
    {"learning_rate": 1e-3},
    {"weight_decay": 0.1},
)


def candidates() -> dict[str, Method]:
    """The candidates by name; the recipe with its defaults is the first."""
    found: dict[str, Method] = {"default": ours(DefaultSettings())}
    for change in CHANGES:
        ((key, value),) = change.items()
        found[f"default, {key} {value:g}"] = ours(replace(DefaultSettings(), **change))
    found |= {name: COMPETITORS[name] for name in ("boosting", "small boosting")}
    for epochs in (30, 60, 200):
        found[f"sklearn mlp, max_iter {epochs}"] = sklearn_mlp(
            hidden_layer_sizes=(64, 64), batch_size=32, max_iter=epochs
        )
    return found
