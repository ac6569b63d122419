# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.networks.ensemble import EnsembleNetwork
from obstacle_classifier.progress import Silent
from obstacle_classifier.training.left_out import LeftOut
from obstacle_classifier.training.members import MemberOptions, fit_members
from obstacle_classifier.training.numeric_health import check_finite_step, health_warnings
from obstacle_classifier.training.recipes import DefaultSettings
from test.helpers.training import SENSORS, make_dataset

OPTIONS = replace(DefaultSettings().member_options(2), hidden=8, epochs=2, least_steps=0, dropout=0.0)


def network() -> tuple[EnsembleNetwork, np.ndarray]:
    data = make_dataset()
    fitted = fit_members(data, LeftOut.nothing(data.intervals), SENSORS.layout, OPTIONS, Silent()).network
    return fitted, fitted.inputs(data.stack()[0])


def test_a_sound_network_has_no_warning() -> None:
    assert health_warnings(*network()) == []


def test_dead_units_are_reported_with_their_layer() -> None:
    fitted, inputs = network()
    fitted.stack.b[1][:] = -1e3
    assert health_warnings(fitted, inputs) == ["hidden layer 2: 100 % of the units never fire: lower learning_rate"]


def test_saturated_outputs_are_reported() -> None:
    fitted, inputs = network()
    fitted.stack.b[2][:] = 50.0
    (line,) = health_warnings(fitted, inputs)
    assert line.startswith("100 % of the members' probabilities are within 1e-6 of 0 or 1")


def test_a_training_that_diverges_names_epoch_and_batch() -> None:
    data = make_dataset()
    options = replace(OPTIONS, learning_rate=1e30, epochs=5)
    with pytest.raises(ConfigError, match=r"learning_rate 1e\+30: found .* in epoch \d, batch \d+, expected a smaller"):
        fit_members(data, LeftOut.nothing(data.intervals), SENSORS.layout, options, Silent())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_named_by_its_layer(value: float) -> None:
    gradients = {"W0": np.zeros((2, 3)), "W1": np.array([[0.0, value]])}
    with pytest.raises(ConfigError, match="found a gradient of W1 that is not finite in epoch 3, batch 7"):
        check_finite_step(0.5, gradients, 0.1, 3, 7)


def test_labels_are_smoothed_and_weighted() -> None:
    """A label of weight 0 is not learnt; smoothing keeps probabilities away from 0 and 1."""
    data = make_dataset(bags=10, rows=60)
    nothing = LeftOut.nothing(data.intervals)
    options = replace(OPTIONS, epochs=40, mixup=0.0)
    X = data.stack()[0]

    def spread(changed: MemberOptions) -> np.ndarray:
        fitted = fit_members(data, nothing, SENSORS.layout, changed, Silent()).network
        return np.asarray(np.abs(fitted.logits(fitted.inputs(X))).mean(axis=0))

    plain = spread(options)
    assert (spread(replace(options, label_smoothing=0.2)) < plain).all()
    unlearnt = spread(replace(options, label_weights=(1.0, 0.0)))
    assert unlearnt[1] < plain[1] / 2
    assert unlearnt[0] > plain[0] / 2
