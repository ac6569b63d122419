# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Bags to a model: split, fit, measure."""

from obstacle_classifier.training.config import load_train_config, parse_train_config
from obstacle_classifier.training.evaluate import evaluate
from obstacle_classifier.training.metrics import format_scores
from obstacle_classifier.training.recipes import (
    AdamWSettings,
    DefaultSettings,
    ReferenceSettings,
    SGDSettings,
    SingleSettings,
)
from obstacle_classifier.training.settings import Settings
from obstacle_classifier.training.train import Training, train

__all__ = [
    "AdamWSettings",
    "DefaultSettings",
    "ReferenceSettings",
    "SGDSettings",
    "Settings",
    "SingleSettings",
    "Training",
    "evaluate",
    "format_scores",
    "load_train_config",
    "parse_train_config",
    "train",
]
