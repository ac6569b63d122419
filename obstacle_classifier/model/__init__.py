# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The model: network, calibration and decision rules, and the file that holds them."""

from obstacle_classifier.model.description import describe
from obstacle_classifier.model.model import Model
from obstacle_classifier.model.predictor import Calibration, Predictor
from obstacle_classifier.model.sections import Reference

__all__ = ["Calibration", "Model", "Predictor", "Reference", "describe"]
