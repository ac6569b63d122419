# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Every layer beside the first three, against the tape, central differences and PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from obstacle_classifier.nn import GradientError, Layer, check_layer
from obstacle_classifier.nn import operations as op
from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.autodiff import Floats, Register
from obstacle_classifier.nn.convolution import Conv1d, Conv2d
from obstacle_classifier.nn.directional_check import NotDifferentiableError, check_layer_direction
from obstacle_classifier.nn.elementwise import Dropout, LeakyReLU, ReLU, Tanh
from obstacle_classifier.nn.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from obstacle_classifier.nn.recurrent import LSTM
from obstacle_classifier.nn.sequential import Flatten, Sequential
from obstacle_classifier.nn.softmax import Softmax
from test.helpers import tape

pytestmark = pytest.mark.runtime


@dataclass(frozen=True)
class Case:
    """A layer, the shape of an input, and what else computes the same."""

    layer: Layer
    shape: tuple[int, ...]
    expression: Callable[..., Register]
    pytorch: Callable[..., Any]  # (torch.nn.functional, x, *parameters)

    def __str__(self) -> str:
        return str(self.layer)

    def X(self, seed: int = 0) -> Floats:
        return np.random.default_rng(seed).normal(size=self.shape)


def mean(x: Register) -> Register:
    return op.mean(x, -1)


def conv1d(kernel: int, stride: int, padding: int) -> Case:
    layer, shape = Conv1d(3, 4, kernel, stride, padding, rng=0), (2, 3, 9)
    expression = partial(tape.conv, shape=shape, kernels=layer.W.shape, stride=layer.stride, padding=layer.padding)
    return Case(layer, shape, expression, lambda F, x, W, b: F.conv1d(x, W, b, stride, padding))


def conv2d(kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]) -> Case:
    layer, shape = Conv2d(3, 4, kernel, stride, padding, rng=0), (2, 3, 7, 8)
    expression = partial(tape.conv, shape=shape, kernels=layer.W.shape, stride=stride, padding=padding)
    return Case(layer, shape, expression, lambda F, x, W, b: F.conv2d(x, W, b, stride, padding))


def pool(layer: Layer, kind: Callable[[Register], Register], name: str, size: Any, stride: Any) -> Case:
    shape = (2, 3, 9) if name.endswith("1d") else (2, 3, 7, 8)
    axes = len(shape) - 2
    tuples = [(value,) * axes if isinstance(value, int) else value for value in (size, stride)]
    expression = partial(tape.pool, kind=kind, shape=shape, size=tuples[0], stride=tuples[1])
    return Case(layer, shape, expression, lambda F, x: getattr(F, name)(x, size, stride))


CASES = [
    Case(ReLU(), (5, 4), op.relu, lambda F, x: F.relu(x)),
    Case(ReLU(), (2, 3, 4, 5), op.relu, lambda F, x: F.relu(x)),
    Case(LeakyReLU(0.1), (5, 4), lambda x: op.leaky_relu(x, 0.1), lambda F, x: F.leaky_relu(x, 0.1)),
    Case(Tanh(), (5, 4), op.tanh, lambda F, x: F.tanh(x)),
    Case(Softmax(4), (5, 4), op.softmax, lambda F, x: F.softmax(x, -1)),
    Case(Flatten(), (5, 2, 3), lambda x: op.reshape(x, (5, -1)), lambda F, x: x.flatten(1)),
    conv1d(3, 1, 0),
    conv1d(1, 1, 0),
    conv1d(4, 3, 2),
    conv1d(9, 2, 1),
    conv2d((3, 3), (1, 1), (0, 0)),
    conv2d((2, 3), (2, 3), (1, 0)),
    conv2d((5, 1), (1, 2), (3, 2)),
    pool(MaxPool1d(2), op.maximum, "max_pool1d", 2, 2),
    pool(MaxPool1d(3, 1), op.maximum, "max_pool1d", 3, 1),
    pool(MaxPool2d(2), op.maximum, "max_pool2d", 2, 2),
    pool(MaxPool2d((3, 2), (2, 1)), op.maximum, "max_pool2d", (3, 2), (2, 1)),
    pool(AvgPool1d(4, 2), mean, "avg_pool1d", 4, 2),
    pool(AvgPool2d(3), mean, "avg_pool2d", 3, 3),
    pool(AvgPool2d((1, 3), (2, 2)), mean, "avg_pool2d", (1, 3), (2, 2)),
    Case(
        LSTM(3, 4, rng=0),
        (5, 6, 3),
        partial(tape.lstm, t=6, h=4, n=5),
        lambda F, x, W, U, b: pytorch_lstm(x, W, U, b, *[x.new_zeros(5, 4)] * 2)[0],
    ),
    Case(
        Sequential(Conv1d(2, 3, 3, rng=0), ReLU(), MaxPool1d(2), Flatten()),
        (4, 2, 8),
        lambda x, W, b: op.reshape(
            tape.pool(op.relu(tape.conv(x, W, b, (4, 2, 8), (3, 2, 3), (1,), (0,))), op.maximum, (4, 3, 6), (2,), (2,)),
            (4, -1),
        ),
        lambda F, x, W, b: F.max_pool1d(F.relu(F.conv1d(x, W, b)), 2).flatten(1),
    ),
]
each = pytest.mark.parametrize("case", CASES, ids=str)


def pytorch_lstm(x: Any, W: Any, U: Any, b: Any, h: Any, c: Any) -> tuple[Any, Any]:
    """PyTorch's own, whose gates are i, f, g, o and whose weights are transposed."""
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")

    def order(columns: Any) -> Any:
        i, f, o, g = columns.chunk(4, -1)
        return torch.cat([i, f, g, o], -1)

    weights = [order(W).T, order(U).T, order(b), torch.zeros_like(b)]
    out, h, c = torch.lstm(x, (h[None], c[None]), weights, True, 1, 0.0, False, False, True)
    return out, (h[0], c[0])


@each
def test_value_and_gradients_are_the_tapes(case: Case) -> None:
    layer, X = copy.deepcopy(case.layer), case.X()
    out = layer.forward(X)
    G = np.random.default_rng(1).normal(size=out.shape)
    expected, gradients = tape.on_tape(case.expression, X, layer, G)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(layer.backward(G), gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11)


@each
def test_value_and_gradients_are_pytorchs(case: Case) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    layer, X = copy.deepcopy(case.layer), case.X()
    tensors = [torch.tensor(array, requires_grad=True) for array in (X, *layer.parameters)]
    theirs = case.pytorch(torch.nn.functional, *tensors)
    out = layer.forward(X)
    np.testing.assert_allclose(out, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)
    G = np.random.default_rng(1).normal(size=out.shape)
    theirs.backward(torch.tensor(G))
    for ours, tensor in zip(layer.backward(G), tensors, strict=True):
        np.testing.assert_allclose(ours, tensor.grad.numpy(), rtol=1e-10, atol=1e-11)


@each
def test_gradients_are_central_differences(case: Case) -> None:
    layer = copy.deepcopy(case.layer)
    assert check_layer(layer, case.X(), rng=1) < 1e-6
    assert check_layer_direction(layer, case.X(), rng=1) < 1e-6


@each
def test_apply_equals_forward_and_keeps_nothing(case: Case) -> None:
    layer = copy.deepcopy(case.layer)
    before = dict(vars(layer))
    out = layer.apply(case.X())
    assert all(vars(layer)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(out, layer.forward(case.X()))


@each
def test_backward_needs_a_forward(case: Case) -> None:
    layer = copy.deepcopy(case.layer)
    out = layer.apply(case.X())
    with pytest.raises(RuntimeError, match="backward needs a forward before it"):
        layer.backward(np.ones_like(out))


@each
def test_wrong_shapes_are_named(case: Case) -> None:
    layer = copy.deepcopy(case.layer)
    out = layer.forward(case.X())
    with pytest.raises(ValueError, match=r"takes G of shape \(.*\), got \(1, 1\)"):
        layer.backward(np.ones((1, 1)))
    assert out.shape[0] == case.shape[0]


@each
def test_float32_stays_float32(case: Case) -> None:
    layer = copy.deepcopy(case.layer)
    for part in layer.layers if isinstance(layer, Sequential) else [layer]:
        for name in ("W", "U", "b"):
            if hasattr(part, name):
                setattr(part, name, getattr(part, name).astype(np.float32))
    out = layer.forward(case.X().astype(np.float32))
    assert out.dtype == np.float32
    assert {gradient.dtype for gradient in layer.backward(np.ones_like(out))} == {np.dtype(np.float32)}
    np.testing.assert_allclose(out, case.layer.apply(case.X()), rtol=1e-4, atol=1e-5)


@each
def test_an_example_does_not_see_the_others(case: Case) -> None:
    X = case.X()
    alone = np.concatenate([case.layer.apply(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(case.layer.apply(X), alone, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("layer", "X"),
    [
        (ReLU(), np.zeros((1, 2))),
        (LeakyReLU(), np.zeros((1, 2))),
        (MaxPool1d(2), np.ones((1, 1, 4))),
        (MaxPool2d(2), np.ones((1, 1, 2, 2))),
    ],
    ids=str,
)
def test_a_kink_is_not_taken_for_a_wrong_gradient(layer: Layer, X: Array) -> None:
    with pytest.raises(NotDifferentiableError):
        check_layer_direction(layer, X, rng=0)


class ForgetsTheCell(LSTM):
    def backward(self, G: Any) -> tuple[Array, ...]:
        dX, dW, dU, db = super().backward(G)
        return dX, dW, 0 * dU, db


class ForgetsTheStride(Conv1d):
    def backward(self, G: Any) -> tuple[Array, ...]:
        dX, dW, db = super().backward(G)
        return np.roll(dX, 1, axis=-1), dW, db


@pytest.mark.parametrize(
    ("layer", "shape"), [(ForgetsTheCell(2, 3, rng=0), (2, 3, 2)), (ForgetsTheStride(2, 3, 2, 2, rng=0), (2, 2, 6))],
    ids=str,
)  # fmt: skip
def test_a_wrong_gradient_is_found(layer: Layer, shape: tuple[int, ...]) -> None:
    with pytest.raises(GradientError, match="the slope is"):
        check_layer_direction(layer, np.random.default_rng(0).normal(size=shape), rng=0)


# --- by hand


def test_a_convolution_by_hand() -> None:
    layer = Conv1d(1, 1, 2, stride=2, padding=1)
    layer.W[:] = [[[1.0, 10.0]]]
    layer.b[:] = 100.0
    np.testing.assert_array_equal(layer.forward([[[1, 2, 3, 4]]]), [[[110, 132, 104]]])  # 0 1, 2 3, 4 0
    dX, dW, db = layer.backward([[[1, 0, 2]]])
    np.testing.assert_array_equal(dX, [[[10, 0, 0, 2]]])
    np.testing.assert_array_equal(dW, [[[2 * 4, 1]]])
    np.testing.assert_array_equal(db, [3])


def test_pooling_by_hand() -> None:
    X = [[[1.0, 5.0, 2.0, 5.0]]]
    largest = MaxPool1d(3, 1)
    np.testing.assert_array_equal(largest.forward(X), [[[5, 5]]])
    np.testing.assert_array_equal(largest.backward([[[1, 10]]])[0], [[[0, 11, 0, 0]]])  # of equal ones the first
    average = AvgPool1d(2)
    np.testing.assert_array_equal(average.forward(X), [[[3, 3.5]]])
    np.testing.assert_array_equal(average.backward([[[2, 4]]])[0], [[[1, 1, 2, 2]]])


def test_max_pooling_shows_nan_and_keeps_a_byte_per_window() -> None:
    layer = MaxPool1d(2)
    np.testing.assert_array_equal(layer.forward([[[np.nan, 1.0, 2.0, 3.0]]]), [[[np.nan, 3.0]]])
    assert layer._largest is not None
    assert layer._largest.nbytes == 2


@pytest.mark.parametrize("layer", [Conv1d(1, 1, 5), MaxPool1d(5), AvgPool1d(5)], ids=str)
def test_windows_beyond_the_input_are_refused(layer: Layer) -> None:
    with pytest.raises(ValueError, match="takes no X smaller than its"):
        layer.apply(np.ones((1, 1, 4)))


@pytest.mark.parametrize(
    "make", [lambda: Conv2d(1, 1, (2, 2, 2)), lambda: Conv1d(1, 1, 0), lambda: Conv1d(1, 1, 2, padding=-1),
             lambda: MaxPool2d(2, 0)],
)  # fmt: skip
def test_impossible_windows_are_refused(make: Callable[[], Layer]) -> None:
    with pytest.raises(ValueError, match=r"expected a \w+ of \d lengths of at least \d, got"):
        make()


# --- dropout


def test_dropout_zeros_a_share_and_keeps_the_mean() -> None:
    layer, X = Dropout(0.3, rng=0), np.ones((200, 500))
    out = layer.forward(X)
    zeros = np.mean(out == 0)
    assert abs(zeros - 0.3) < 5 * np.sqrt(0.3 * 0.7 / X.size)  # five deviations
    np.testing.assert_array_equal(out[out != 0], 1 / 0.7)
    (dX,) = layer.backward(2 * X)
    np.testing.assert_array_equal(dX, 2 * out)
    assert not np.array_equal(layer.forward(X), out)


def test_dropout_leaves_inference_alone() -> None:
    X = np.random.default_rng(0).normal(size=(3, 4))
    assert Dropout(0.9).apply(X) is X


@pytest.mark.parametrize("p", [-0.1, 1.0])
def test_impossible_probabilities_are_refused(p: float) -> None:
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        Dropout(p)


def test_impossible_slopes_are_refused() -> None:
    with pytest.raises(ValueError, match="slope of 0 to 1, got 2"):
        LeakyReLU(2)
