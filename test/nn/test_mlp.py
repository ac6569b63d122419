# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike, DTypeLike, NDArray

from obstacle_classifier.nn import MLP, Linear, ScaledReLU, Sigmoid, log_loss_from_logits, sigmoid
from obstacle_classifier.nn.arrays import Array
from test.helpers.networks import inputs_clear_of_jump

pytestmark = pytest.mark.runtime

Floats = NDArray[np.float64]


def data(n: int = 250, d: int = 8, c: int = 3, seed: int = 1) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, (X @ rng.normal(size=(d, c)) > 0).astype(float)


def reference_recipe(X: Floats, Y: Floats, h: int, rng: np.random.Generator) -> tuple[Floats, ...]:
    """The formulas written out, without the package: weights after 10 epochs of batches of 100 in order, lr 0.1."""
    d, c = X.shape[1], Y.shape[1]
    W0, b0 = rng.normal(0, (2 / d) ** 0.5, (d, h)), np.zeros(h)
    W1, b1 = rng.normal(0, (2 / h) ** 0.5, (h, h)), np.zeros(h)
    W2, b2 = rng.normal(0, (2 / h) ** 0.5, (h, c)), np.zeros(c)
    for _ in range(10):
        for i in range(0, len(X), 100):
            x, y = X[i : i + 100], Y[i : i + 100]
            n = len(x)
            z0 = x @ W0 + b0
            a0 = np.where(z0 > 1, 2 * z0, 0)
            z1 = a0 @ W1 + b1
            a1 = np.where(z1 > 1, 2 * z1, 0)
            z2 = a1 @ W2 + b2
            e = np.exp(-np.abs(z2))  # 1 / (1 + e^-z), in the form that does not overflow
            p = np.where(z2 >= 0, 1 / (1 + e), e / (1 + e))
            g2 = (p - y) / (p * (1 - p) + 1e-8) / n * p * (1 - p)
            g1 = g2 @ W2.T * np.where(z1 > 1, 2, 0)
            g0 = g1 @ W1.T * np.where(z0 > 1, 2, 0)
            W2, b2 = W2 - 0.1 * (a1.T @ g2), b2 - 0.1 * g2.sum(0)
            W1, b1 = W1 - 0.1 * (a0.T @ g1), b1 - 0.1 * g1.sum(0)
            W0, b0 = W0 - 0.1 * (x.T @ g0), b0 - 0.1 * g0.sum(0)
    return W0, b0, W1, b1, W2, b2


@pytest.mark.parametrize("seed", range(5))
def test_sgd_agrees_with_the_formulas(seed: int) -> None:
    X, Y = data()  # 250 examples: the last batch has 50
    mlp = MLP(8, 16, 3, rng=np.random.default_rng(seed))
    start = mlp.copy_parameters()
    mlp.sgd(X, Y)
    for p, before, expected in zip(
        mlp.parameters, start, reference_recipe(X, Y, 16, np.random.default_rng(seed)), strict=True
    ):
        assert not np.array_equal(p, before)
        np.testing.assert_allclose(p, expected, rtol=1e-12, atol=0)


HAND: list[ArrayLike] = [
    [[1.0, 0.5], [0.5, -1.0]],  # W0
    [0.0, 0.0],
    [[0.5, 0.25], [1.0, 0.0]],  # W1
    [0.0, 0.5],
    [[0.75], [-1.0]],  # W2
    [0.0],
]
HAND_X, HAND_Y = [[1.0, 2.0], [0.0, 0.0]], [[1.0], [1.0]]
# First example: z0 = (2, -1.5), a0 = (4, 0), z1 = (2, 1.5), a1 = (4, 3), logit 3 - 3 = 0, P = 1/2.
# Second: z0 = 0, a0 = 0, z1 = (0, 0.5), a1 = 0, logit 0, P = 1/2. So dL/dlogit = (1/2 - 1)/2 = -1/4 for both.
# Back through the first, the only one with units above 1:
#   dL/da1 = -1/4 (0.75, -1) = (-0.1875, 0.25)    dL/dz1 = (-0.375, 0.5)
#   dL/da0 = (-0.375 * 0.5 + 0.5 * 0.25, -0.375 * 1) = (-0.0625, -0.375)    dL/dz0 = (-0.125, 0), the second unit is off
HAND_GRADIENTS: list[ArrayLike] = [
    [[-0.125, 0.0], [-0.25, 0.0]],
    [-0.125, 0.0],
    [[-1.5, 2.0], [0.0, 0.0]],
    [-0.375, 0.5],
    [[-1.0], [-0.75]],
    [-0.5],
]


def test_one_step_by_hand() -> None:
    mlp = MLP(2, 2, 1)
    mlp.set_parameters(HAND)
    np.testing.assert_array_equal(mlp.forward(HAND_X), [[0.5], [0.5]])
    mlp.single_step_sgd(HAND_X, HAND_Y)
    # The composed form carries eps: P(1 - P) / (P(1 - P) + eps) = 0.25 / 0.25000001.
    for p, value, gradient in zip(mlp.parameters, HAND, HAND_GRADIENTS, strict=True):
        expected = np.array(value) - 0.1 * np.array(gradient) * (0.25 / 0.25000001)
        np.testing.assert_allclose(p, expected, rtol=1e-14, atol=1e-17)


def test_loss_and_gradients_by_hand() -> None:
    mlp = MLP(2, 2, 1)
    mlp.set_parameters(HAND)
    loss, gradients = mlp.loss_and_gradients(HAND_X, HAND_Y)
    assert loss == pytest.approx(np.log(2), rel=1e-15)
    for gradient, expected in zip(gradients, HAND_GRADIENTS, strict=True):
        np.testing.assert_array_equal(gradient, expected)
    for p, value in zip(mlp.parameters, HAND, strict=True):
        np.testing.assert_array_equal(p, value)


def test_layers_and_forward() -> None:
    mlp = MLP(8, 16, 3, rng=0)
    assert [type(layer) for layer in mlp.layers] == [Linear, ScaledReLU, Linear, ScaledReLU, Linear, Sigmoid]
    assert list(map(str, mlp.layers[::2])) == ["Linear(8, 16)", "Linear(16, 16)", "Linear(16, 3)"]
    X, _ = data()
    out: Array = X
    for layer in mlp.layers:
        out = layer.forward(out)
    np.testing.assert_array_equal(mlp.forward(X), out)
    np.testing.assert_array_equal(sigmoid(mlp.logits(X)), out)


def test_learns() -> None:
    X, Y = data(1000, seed=2)
    mlp = MLP(8, 32, 3, rng=0)
    before = log_loss_from_logits(Y, mlp.logits(X))
    mlp.sgd(X, Y)
    assert log_loss_from_logits(Y, mlp.logits(X)) < 0.5 * before


def test_logits_keep_nothing() -> None:
    mlp = MLP(8, 16, 3)
    mlp.logits(data()[0])
    mlp.nearest_jump(data()[0])
    for layer in mlp.layers:
        with pytest.raises(RuntimeError, match="needs a forward"):
            layer.backward(np.zeros((250, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_throughout(dtype: DTypeLike) -> None:
    X, Y = data()
    mlp = MLP(8, 16, 3, rng=0, dtype=dtype)
    for labels in (Y, Y.astype(bool), Y.astype(np.float32)):
        assert mlp.forward(X.astype(dtype)).dtype == dtype
        assert mlp.logits(X).dtype == dtype
        assert {g.dtype for g in mlp.loss_and_gradients(X, labels)[1]} == {np.dtype(dtype)}
        mlp.sgd(X.astype(dtype), labels)
        assert {p.dtype for p in mlp.parameters} == {np.dtype(dtype)}


def test_same_seed_same_network() -> None:
    X, Y = data()
    one, other = MLP(8, 16, 3, rng=7), MLP(8, 16, 3, rng=np.random.default_rng(7))
    for mlp in (one, other):
        mlp.sgd(X, Y)
    assert all(np.array_equal(p, q) for p, q in zip(one.parameters, other.parameters, strict=True))


def test_parameters_are_live_and_copies_are_not() -> None:
    X, Y = data()
    mlp = MLP(8, 16, 3, rng=0)
    start, live = mlp.copy_parameters(), mlp.parameters
    mlp.sgd(X, Y)
    assert all(p is q for p, q in zip(live, mlp.parameters, strict=True))
    assert not any(np.array_equal(p, q) for p, q in zip(live, start, strict=True))
    mlp.set_parameters(start)
    assert all(p is q for p, q in zip(live, mlp.parameters, strict=True))
    assert all(np.array_equal(p, q) for p, q in zip(live, start, strict=True))


def test_parameters_of_wrong_shape_change_nothing() -> None:
    mlp = MLP(2, 3, 1, rng=0)
    start = mlp.copy_parameters()
    with pytest.raises(ValueError, match=r"expected arrays of shapes \[\(2, 3\), .*, got \[\(2, 3\)\]"):
        mlp.set_parameters([np.ones((2, 3))])
    with pytest.raises(ValueError, match=r"expected arrays of shapes"):
        mlp.set_parameters([np.ones_like(p) for p in start[:-1]] + [np.ones(2)])
    assert all(np.array_equal(p, q) for p, q in zip(mlp.parameters, start, strict=True))


def test_wrong_shapes_are_named_before_anything_is_learned() -> None:
    mlp = MLP(8, 16, 3, rng=0)
    start = mlp.copy_parameters()
    with pytest.raises(ValueError, match=r"MLP\(8, 16, 3\) takes Y of shape \(250, 3\), got \(249, 3\)"):
        mlp.sgd(np.zeros((250, 8)), np.zeros((249, 3)))
    with pytest.raises(ValueError, match=r"MLP\(8, 16, 3\) takes X of shape \(n, 8\), got \(250, 9\)"):
        mlp.sgd(np.zeros((250, 9)), np.zeros((250, 3)))
    with pytest.raises(ValueError, match=r"takes X of shape \(n, 8\), got \(8,\)"):
        mlp.logits(np.zeros(8))
    assert all(np.array_equal(p, q) for p, q in zip(mlp.parameters, start, strict=True))


def test_nearest_jump() -> None:
    mlp = MLP(2, 2, 1)
    mlp.set_parameters(HAND)  # z0 = (2, -1.5), z1 = (2, 1.5); z0 = 0, z1 = (0, 0.5)
    np.testing.assert_array_equal(mlp.nearest_jump(HAND_X), [0.5, 0.5])
    np.testing.assert_allclose(mlp.nearest_jump([[1.0, 0.1]]), [0.025])  # z0 = (1.05, 0.4), z1 = (1.05, 1.025)


def test_a_rounding_flips_a_unit_only_near_the_jump() -> None:
    mlp = MLP(8, 64, 3, rng=0)
    single = MLP(8, 64, 3, dtype=np.float32)
    single.set_parameters(mlp.parameters)
    X = inputs_clear_of_jump(mlp, 200, seed=3, margin=1e-3)
    np.testing.assert_allclose(sigmoid(single.logits(X)), sigmoid(mlp.logits(X)), atol=1e-4)
