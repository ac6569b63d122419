# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest

from obstacle_classifier.nn import MLP, log_loss_from_logits
from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.gradient_check import check_gradients
from obstacle_classifier.nn.stacked_mlp import StackedMLP

pytestmark = pytest.mark.runtime

K, N, D, H, C = 3, 8, 5, 6, 2


def examples(*, own_rows: bool, seed: int = 1) -> tuple[StackedMLP, Array, Array]:
    """A stack started from data, and rows that keep every hidden unit clear of the jump."""
    rng = np.random.default_rng(seed)
    stack = StackedMLP(K, D, H, C, rng=rng)
    stack.start_from_data(rng.normal(size=(200, D)))
    X = rng.normal(size=(5000, D))
    X = X[stack.nearest_jump(X) > 5e-3]
    shape = (K, N) if own_rows else (N,)
    X = X[: K * N].reshape(K, N, D) if own_rows else X[:N]
    return stack, X, rng.random((*shape, C))


def member(stack: StackedMLP, m: int) -> MLP:
    mlp = MLP(D, H, C)
    mlp.set_parameters([parameter[m] for parameter in stack.parameters])
    return mlp


@pytest.mark.parametrize("own_rows", [False, True])
def test_each_member_is_an_mlp(own_rows: bool) -> None:
    stack, X, _ = examples(own_rows=own_rows)
    logits = stack.logits(X)
    assert logits.shape == (K, N, C)
    for m in range(K):
        np.testing.assert_allclose(logits[m], member(stack, m).logits(X[m] if own_rows else X), rtol=1e-12)


@pytest.mark.parametrize("own_rows", [False, True])
def test_loss_and_gradients_are_the_mean_over_the_members(own_rows: bool) -> None:
    stack, X, Y = examples(own_rows=own_rows)
    loss, gradients = stack.loss_and_gradients(X, Y)
    losses = []
    for m in range(K):
        own_loss, own = member(stack, m).loss_and_gradients(*((X[m], Y[m]) if own_rows else (X, Y)))
        losses.append(own_loss)
        for gradient, expected in zip(gradients, own, strict=True):
            np.testing.assert_allclose(gradient[m], expected / K, rtol=1e-10, atol=1e-15)
    assert loss == pytest.approx(np.mean(losses), rel=1e-12)


@pytest.mark.parametrize("own_rows", [False, True])
def test_gradients_are_the_central_differences(own_rows: bool) -> None:
    stack, X, Y = examples(own_rows=own_rows)

    def loss() -> float:
        Z = stack.logits(X).reshape(K * N, C)
        return log_loss_from_logits(np.broadcast_to(Y, (K, N, C)).reshape(K * N, C), Z)

    value, gradients = stack.loss_and_gradients(X, Y)
    assert value == pytest.approx(loss(), rel=1e-12)
    assert all(gradient.any() for gradient in gradients)
    names = ("dW0", "db0", "dW1", "db1", "dW2", "db2")
    assert check_gradients(loss, zip(names, stack.parameters, gradients, strict=True)) < 1e-6


def test_gradients_with_dropout_are_the_central_differences() -> None:
    stack, X, Y = examples(own_rows=True)
    dropout = [(np.random.default_rng(seed).random((K, N, H)) < 0.7) / 0.7 for seed in (1, 2)]

    def loss() -> float:
        return stack.loss_and_gradients(X, Y, dropout)[0]

    # The second layer's pre-activations are others than `nearest_jump` saw; the seed keeps them clear.
    gradients = [gradient.copy() for gradient in stack.loss_and_gradients(X, Y, dropout)[1]]
    assert loss() != pytest.approx(stack.loss_and_gradients(X, Y)[0])
    names = ("dW0", "db0", "dW1", "db1", "dW2", "db2")
    assert check_gradients(loss, zip(names, stack.parameters, gradients, strict=True)) < 1e-6


def test_without_dropped_units_dropout_changes_nothing() -> None:
    stack, X, Y = examples(own_rows=True)
    loss, gradients = stack.loss_and_gradients(X, Y)
    expected = [gradient.copy() for gradient in gradients]
    same, gradients = stack.loss_and_gradients(X, Y, [np.ones((K, N, H))] * 2)
    assert same == loss
    for gradient, before in zip(gradients, expected, strict=True):
        np.testing.assert_array_equal(gradient, before)


def test_batches_of_changing_size() -> None:
    stack, X, Y = examples(own_rows=True)
    whole = stack.loss_and_gradients(X, Y)[0]
    halves = [stack.loss_and_gradients(X[:, rows], Y[:, rows])[0] for rows in (slice(0, 3), slice(3, N))]
    assert (3 * halves[0] + (N - 3) * halves[1]) / N == pytest.approx(whole, rel=1e-12)


def test_start_from_data_puts_the_jump_at_the_mean_of_every_unit() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(3.0, 5.0, (400, D))
    stack = StackedMLP(K, D, H, C, rng=rng)
    last = stack.W[2].copy()
    stack.start_from_data(X)
    A: Array = X
    for W, b in zip(stack.W[:2], stack.b[:2], strict=True):
        Z = A @ W + b[:, None]
        np.testing.assert_allclose(Z.mean(axis=1), 1, rtol=1e-9)
        np.testing.assert_allclose(Z.std(axis=1), 1, rtol=1e-9)
        A = np.where(Z > 1, 2 * Z, 0)
    np.testing.assert_allclose(stack.W[2], 0.3 * last)


def test_start_from_data_leaves_units_that_are_the_same_on_all_rows() -> None:
    stack = StackedMLP(1, 2, 3, 1, rng=0, dtype=np.float32)
    first = stack.W[0].copy()
    stack.start_from_data(np.full((7, 2), 0.1, np.float32))
    np.testing.assert_array_equal(stack.W[0], first)
    assert all(np.isfinite(parameter).all() for parameter in stack.parameters)


def test_a_subset_shares_its_arrays() -> None:
    stack, X, _ = examples(own_rows=False)
    some = stack.subset(slice(0, None, 2))
    np.testing.assert_array_equal(some.logits(X), stack.logits(X)[[0, 2]])
    stack.b[2][2] += 1
    np.testing.assert_array_equal(some.logits(X), stack.logits(X)[[0, 2]])


def test_refuses_other_shapes() -> None:
    stack, X, Y = examples(own_rows=True)
    with pytest.raises(ValueError, match=r"X of shape \(n, 5\) or \(3, n, 5\), got \(2, 8, 5\)"):
        stack.loss_and_gradients(X[:2], Y[:2])
    with pytest.raises(ValueError, match="chain"):
        StackedMLP.of(stack.W, [stack.b[0], stack.b[1], stack.b[2][:2]])
