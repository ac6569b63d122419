# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import DTypeLike

from obstacle_classifier.nn import (
    Sigmoid,
    get_grad_log_loss,
    grad_log_loss_from_logits,
    log_loss,
    log_loss_from_logits,
    sigmoid,
)
from obstacle_classifier.nn.arrays import Array

pytestmark = pytest.mark.runtime

FAR = np.concatenate([-np.logspace(4, -4, 400), [0.0], np.logspace(-4, 4, 400)])


def composed(Y: Array, Z: Array) -> Array:
    """dL/dZ through the probabilities."""
    layer = Sigmoid(Z.shape[1])
    return layer.backward(get_grad_log_loss(Y, layer.forward(Z)))[0]


def test_loss_by_hand() -> None:
    Y = np.array([[1, 0], [0, 1]])
    P = np.array([[0.5, 0.25], [0.75, 0.125]])
    expected = -(math.log(0.5) + math.log(0.75) + math.log(0.25) + math.log(0.125)) / 2  # over 2 examples, not 4 terms
    assert log_loss(Y, P) == pytest.approx(expected, rel=1e-15)
    assert log_loss_from_logits(Y, np.log(P / (1 - P))) == pytest.approx(expected, rel=1e-15)


def test_gradient_by_hand() -> None:
    Y, P = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.5, 0.25], [0.75, 0.5]])
    np.testing.assert_allclose(
        get_grad_log_loss(Y, P, eps=0), [[-0.5 / 0.25 / 2, 0.25 / 0.1875 / 2], [0.75 / 0.1875 / 2, -0.5 / 0.25 / 2]]
    )
    np.testing.assert_array_equal(get_grad_log_loss(Y, P), (P - Y) / (P * (1 - P) + 1e-8) / 2)
    np.testing.assert_allclose(
        grad_log_loss_from_logits(Y, np.log(P / (1 - P))), [[-0.25, 0.125], [0.375, -0.25]], rtol=1e-15
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 1])
def test_quiet_and_finite_far_out(dtype: DTypeLike, label: int) -> None:
    Z = FAR.astype(dtype)[:, None]
    Y = np.full_like(Z, label)
    with np.errstate(all="raise"):
        P = sigmoid(Z)
        values = [log_loss(Y, P), log_loss_from_logits(Y, Z)]
        gradients = [get_grad_log_loss(Y, P), composed(Y, Z), grad_log_loss_from_logits(Y, Z)]
    assert P.min() == 0
    assert P.max() == 1
    assert np.isfinite(values).all()
    assert all(np.isfinite(g).all() and g.dtype == dtype for g in gradients)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 15.95), (np.float64, 36.05)])
def test_probabilities_of_exactly_0_and_1(dtype: DTypeLike, bound: float) -> None:
    P: Array = np.array([[0.0, 1.0]], dtype)
    with np.errstate(all="raise"):
        assert 0 <= log_loss([[0, 1]], P) < 1e-6
        assert log_loss([[1, 0]], P) == pytest.approx(2 * bound, rel=1e-2)
        np.testing.assert_array_equal(get_grad_log_loss([[0, 1]], P), [[0, 0]])
        np.testing.assert_allclose(get_grad_log_loss([[1, 0]], P), [[-1e8, 1e8]], rtol=1e-6)


def test_loss_from_logits_is_exact_where_probabilities_saturate() -> None:
    Z = np.array([[50.0], [-50.0], [1e4]])
    assert log_loss_from_logits([[1], [1], [0]], Z) == pytest.approx((math.exp(-50) + 50 + 1e4) / 3, rel=1e-15)
    assert log_loss_from_logits([[1]], [[50.0]]) == pytest.approx(math.exp(-50), rel=1e-12)  # not cancelled
    assert log_loss([[1], [1], [0]], sigmoid(Z)) < (36.1 + 36.1) / 3  # clipped
    near = np.linspace(-8, 8, 33)[:, None]
    assert log_loss(near > 1, sigmoid(near)) == pytest.approx(log_loss_from_logits(near > 1, near), rel=1e-11)


def test_composed_and_fused_gradients_agree_away_from_saturation() -> None:
    Z = np.linspace(-5, 5, 41).reshape(-1, 1)
    P = sigmoid(Z)
    for Y in (np.zeros_like(Z), np.ones_like(Z), np.full_like(Z, 0.3)):
        fused = grad_log_loss_from_logits(Y, Z)
        np.testing.assert_allclose(composed(Y, Z), fused, rtol=2e-6)
        np.testing.assert_allclose(composed(Y, Z), fused * (P * (1 - P)) / (P * (1 - P) + 1e-8), rtol=1e-12)


@pytest.mark.parametrize(("dtype", "z"), [(np.float64, 40.0), (np.float32, 17.5)])
def test_composed_gradient_is_lost_where_probabilities_saturate(dtype: DTypeLike, z: float) -> None:
    Z: Array = np.array([[z], [-40.0]], dtype)
    Y = np.array([[0], [1]])  # certain, and wrong
    np.testing.assert_allclose(grad_log_loss_from_logits(Y, Z), [[0.5], [-0.5]], rtol=1e-6)
    lost = composed(Y, Z)
    assert lost[0, 0] == 0  # P is exactly 1
    assert abs(lost[1, 0]) < 1e-9  # P is 4e-18, far within eps of 0


@pytest.mark.parametrize("function", [log_loss, log_loss_from_logits, get_grad_log_loss, grad_log_loss_from_logits])
def test_shapes_must_match(function: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"labels of shape \(5, 3\) .* predictions of shape \(5, 2\)"):
        function(np.zeros((5, 3)), np.zeros((5, 2)))
    with pytest.raises(ValueError, match=r"labels of shape \(5,\) .* predictions of shape \(5, 1\)"):
        function(np.zeros(5), np.zeros((5, 1)))
    with pytest.raises(ValueError, match=r"at least one, got shape \(0, 2\)"):
        function(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize("labels", [bool, np.int64, np.float32, np.float64])
def test_labels_of_any_type_leave_the_dtype_alone(labels: DTypeLike) -> None:
    Y: Array = np.array([[1, 0]], labels)
    P = np.array([[0.25, 0.25]], np.float32)
    assert get_grad_log_loss(Y, P).dtype == np.float32
    assert grad_log_loss_from_logits(Y, P).dtype == np.float32
    assert log_loss(Y, P) == pytest.approx(-math.log(0.25) - math.log(0.75), rel=1e-6)
