# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from obstacle_classifier.nn import (
    MLP,
    GradientError,
    Layer,
    Linear,
    ScaledReLU,
    Sigmoid,
    check_gradients,
    check_layer,
    check_network,
)
from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.gradient_check import central_differences
from test.helpers.networks import inputs_clear_of_jump

pytestmark = pytest.mark.runtime


def clear_of_one(shape: tuple[int, int]) -> Array:
    X = 2 * np.random.default_rng(1).normal(size=shape)
    return np.where(np.abs(X - 1) < 0.05, 0.0, X)


def labels(n: int, c: int) -> Array:
    return (np.random.default_rng(2).random((n, c)) < 0.5).astype(float)


def network(d: int, h: int, c: int) -> MLP:
    """Some units of both layers on, and no probability near 0 or 1."""
    mlp, rng = MLP(d, h, c, rng=1), np.random.default_rng(4)
    for linear in mlp.linears:
        linear.b += rng.uniform(0.5, 1, size=linear.b.shape)
    mlp.linears[-1].W *= 0.2
    return mlp


@pytest.mark.parametrize("layer", [Linear(5, 4, rng=0), ScaledReLU(5), Sigmoid(5)], ids=str)
def test_every_layer(layer: Layer) -> None:
    assert check_layer(layer, clear_of_one((7, 5)), rng=3) < 1e-6


@pytest.mark.parametrize("shape", [(1, 2, 1), (8, 16, 3), (5, 30, 4)])
def test_whole_network(shape: tuple[int, int, int]) -> None:
    mlp = network(*shape)
    X, Y = inputs_clear_of_jump(mlp, 12, seed=5), labels(12, shape[2])
    assert all(np.any(gradient) for gradient in mlp.loss_and_gradients(X, Y)[1])
    assert check_network(mlp, X, Y) < 1e-6


def test_central_differences_of_a_polynomial() -> None:
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    np.testing.assert_allclose(central_differences(lambda: float(np.sum(x**3)), x), 3 * x**2, rtol=1e-9)
    np.testing.assert_array_equal(x, before)


def test_parameter_is_restored_when_the_function_fails() -> None:
    x = np.array([1.0])

    def fail() -> float:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        central_differences(fail, x)
    assert x[0] == 1.0


class ForgetsBias(Linear):
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        dX, dW, db = super().backward(G)
        return dX, dW, np.zeros_like(db)


class OffByAThousandth(Linear):
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        dX, dW, db = super().backward(G)
        dW[0, 0] += 1e-3 * np.abs(dW).max()
        return dX, dW, db


class TransposesWrongly(Linear):
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        _, dW, db = super().backward(G)
        return np.asarray(G) @ self.W, dW, db


class WrongShape(Linear):
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        dX, dW, db = super().backward(G)
        return dX, dW, db[None]


class PlainReLU(ScaledReLU):
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        return (super().backward(G)[0] / 2,)


class LeakyReLU(ScaledReLU):
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        return (super().backward(G)[0] + 1e-3 * np.asarray(G),)


class ForgetsOneMinusO(Sigmoid):
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        assert self._O is not None
        return (np.asarray(G) * self._O,)


class GivesNaN(Sigmoid):
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        return (np.nan * np.asarray(G),)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (ForgetsBias(4, 4, rng=0), r"dp1\(0,\)|dp1\(\d,\)"),
        (OffByAThousandth(4, 4, rng=0), r"dp0\(0, 0\)"),
        (TransposesWrongly(4, 4, rng=0), "dX"),
        (WrongShape(4, 4, rng=0), r"dp1 has shape \(1, 4\), its parameter \(4,\)"),
        (PlainReLU(4), "dX"),
        (LeakyReLU(4), "dX"),
        (ForgetsOneMinusO(4), "dX"),
        (GivesNaN(4), "is nan"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, (Linear, ScaledReLU, Sigmoid)) else "",
)
def test_wrong_gradients_are_found(layer: Layer, name: str) -> None:
    with pytest.raises(GradientError, match=name):
        check_layer(layer, clear_of_one((6, 4)), rng=3)


@pytest.mark.parametrize(("at", "wrong"), [(1, PlainReLU(16)), (3, LeakyReLU(16)), (5, ForgetsOneMinusO(2))])
def test_wrong_layers_in_a_network_are_found(at: int, wrong: Layer) -> None:
    mlp = network(3, 16, 2)
    X = inputs_clear_of_jump(mlp, 10, seed=5)
    Y = labels(10, 2)
    check_network(mlp, X, Y)
    mlp.layers[at] = wrong
    with pytest.raises(GradientError, match="central differences give"):
        check_network(mlp, X, Y)


def test_a_gradient_divided_by_n_twice_is_found() -> None:
    mlp = network(3, 16, 2)
    fused = mlp.loss_and_gradients

    def twice(X: ArrayLike, Y: ArrayLike) -> tuple[float, list[Array]]:
        loss, gradients = fused(X, Y)
        return loss, [g / len(np.asarray(X)) for g in gradients]

    mlp.loss_and_gradients = twice  # type: ignore[method-assign]
    with pytest.raises(GradientError):
        check_network(mlp, inputs_clear_of_jump(mlp, 10, seed=5), labels(10, 2))


def test_inputs_at_the_jump_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.0e-04 from ScaledReLU's jump at 1"):
        check_layer(ScaledReLU(2), [[1.0001, 5.0]])
    mlp = MLP(1, 1, 1)
    mlp.set_parameters([[[1.0]], [0.0], [[1.0]], [0.0], [[1.0]], [0.0]])
    with pytest.raises(ValueError, match="from ScaledReLU's jump"):
        check_network(mlp, [[1.0]], [[1.0]])


def test_float32_is_refused() -> None:
    x = np.ones(2, np.float32)
    with pytest.raises(ValueError, match="need float64, x is float32"):
        check_gradients(lambda: 0.0, [("x", x, x)])
