# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The model: standardise, network, calibrate, decide, and the one file that holds it all."""

from obstacle_classifier.model.description import describe
from obstacle_classifier.model.model import Model
from obstacle_classifier.model.predictor import Calibration, Predictor
from obstacle_classifier.model.standardise import standardise

__all__ = ["Calibration", "Model", "Predictor", "describe", "standardise"]
