# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from obstacle_classifier.nn import check_gradients
from obstacle_classifier.nn import operations as op
from obstacle_classifier.nn.autodiff import Tape
from obstacle_classifier.nn.recurrent import LSTM, LSTMState
from test.helpers import tape as expressions
from test.nn.test_layer_library import pytorch_lstm

pytestmark = pytest.mark.runtime

sizes = st.integers(1, 8)


def random_state(rng: np.random.Generator, n: int, h: int) -> LSTMState:
    return LSTMState(rng.normal(size=(n, h)), rng.normal(size=(n, h)))


@settings(max_examples=100, deadline=None)
@given(n=sizes, t=sizes, d=sizes, h=sizes, seed=st.integers(0, 2**32 - 1))
def test_it_is_pytorchs_on_any_shape(n: int, t: int, d: int, h: int, seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    rng = np.random.default_rng(seed)
    layer, X, state = LSTM(d, h, rng), rng.normal(size=(n, t, d)), random_state(rng, n, h)
    layer.b[:] = rng.normal(size=4 * h)
    tensors = [torch.tensor(array, requires_grad=True) for array in (X, *layer.parameters, *state)]
    theirs, (their_h, their_c) = pytorch_lstm(*tensors)
    ours = layer.forward(X, state)
    for array, tensor in zip((ours, *layer.state), (theirs, their_h, their_c), strict=True):
        np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=1e-10, atol=1e-10)

    G, G_state = rng.normal(size=ours.shape), random_state(rng, n, h)
    torch.autograd.backward([theirs, their_h, their_c], [torch.tensor(array) for array in (G, *G_state)])
    gradients, d_state = layer.backward_from(G, G_state)
    for gradient, tensor in zip((*gradients, *d_state), tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-10)


def test_gradients_of_the_state_are_central_differences() -> None:
    rng = np.random.default_rng(0)
    layer, X, state = LSTM(2, 3, rng), rng.normal(size=(2, 4, 2)), random_state(rng, 2, 3)
    G, G_state = rng.normal(size=(2, 4, 3)), random_state(rng, 2, 3)
    layer.forward(X, state)
    _, d_state = layer.backward_from(G, G_state)

    def f() -> float:
        out, after = layer.advance(X, state)
        return float(np.sum(out * G) + np.sum(after.h * G_state.h) + np.sum(after.c * G_state.c))

    assert check_gradients(f, [("dh", state.h, d_state.h), ("dc", state.c, d_state.c)]) < 1e-6


def test_a_sequence_in_two_parts_is_the_sequence() -> None:
    rng = np.random.default_rng(0)
    layer, X = LSTM(3, 4, rng), rng.normal(size=(2, 7, 3))
    whole, end = layer.advance(X)
    first, state = layer.advance(X[:, :3])
    second, state = layer.advance(X[:, 3:], state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-12)
    np.testing.assert_allclose(state.c, end.c, rtol=1e-12)


def test_backpropagation_in_two_parts_is_that_of_the_sequence() -> None:
    rng = np.random.default_rng(0)
    layer, X, G = LSTM(3, 4, rng), rng.normal(size=(2, 7, 3)), rng.normal(size=(2, 7, 4))
    layer.forward(X)
    whole = layer.backward(G)
    _, state = layer.advance(X[:, :3])
    layer.forward(X[:, 3:], state)
    second, d_state = layer.backward_from(G[:, 3:])
    layer.forward(X[:, :3])
    first, _ = layer.backward_from(G[:, :3], d_state)
    np.testing.assert_allclose(np.concatenate([first[0], second[0]], axis=1), whole[0], rtol=1e-10, atol=1e-13)
    for a, b, expected in zip(first[1:], second[1:], whole[1:], strict=True):
        np.testing.assert_allclose(a + b, expected, rtol=1e-10, atol=1e-13)


def test_by_hand() -> None:
    """Weights 0: the gates are sigmoid(b), and each step moves the cell by its share."""
    layer = LSTM(1, 1)
    layer.W[:], layer.U[:] = 0, 0
    layer.b[:] = np.log([1.0, 3.0, 1.0, np.e])  # i = 1/2, f = 3/4, o = 1/2, g = tanh(1)
    out = layer.apply(np.zeros((1, 2, 1)))
    c1 = np.tanh(1) / 2
    c2 = 3 / 4 * c1 + np.tanh(1) / 2
    np.testing.assert_allclose(out[0, :, 0], [np.tanh(c1) / 2, np.tanh(c2) / 2], rtol=1e-14)


def test_the_forget_gate_begins_open() -> None:
    np.testing.assert_array_equal(LSTM(2, 3).b, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])


def test_a_state_of_another_batch_is_refused() -> None:
    layer = LSTM(2, 3)
    with pytest.raises(ValueError, match=r"LSTM\(2, 3\) takes h of shape \(2, 3\), got \(1, 3\)"):
        layer.forward(np.ones((2, 4, 2)), LSTMState(np.zeros((1, 3)), np.zeros((2, 3))))
    with pytest.raises(ValueError, match=r"takes X of shape \(n, t, 2\), got \(4, 2\)"):
        layer.forward(np.ones((4, 2)))


def steps(t: int, n: int) -> tuple[int, int]:
    """Forward and backward steps of one update on the tape."""
    tape = Tape()
    layer = LSTM(3, 4, rng=0)
    W, U, b = (tape.parameter(name, array) for name, array in zip("WUb", layer.parameters, strict=True))
    out = op.mean(expressions.lstm(tape.input("X"), W, U, b, t, 4, n))
    tape.forward({"X": np.ones((n, t, 3))})
    tape.backward(out)
    return tape.forward_steps, tape.backward_steps


def test_steps_grow_linearly_with_length_and_not_with_the_batch() -> None:
    ten, twenty, forty = (np.array(steps(t, 8)) for t in (10, 20, 40))
    np.testing.assert_array_equal(forty - twenty, 2 * (twenty - ten))
    assert (twenty > ten).all()
    assert steps(10, 64) == steps(10, 1) == tuple(ten)
