# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import copy
import gc
import weakref

import numpy as np
import pytest
from numpy.typing import DTypeLike

from obstacle_classifier.nn import MLP, Layer, Linear, ScaledReLU, Sigmoid, get_grad_log_loss, kaiming_normal
from obstacle_classifier.nn.arrays import Array

pytestmark = pytest.mark.runtime


def test_loop_of_the_specification() -> None:
    d, h, c = 4, 16, 2
    X: Array = np.random.default_rng(0).normal(size=(200, d))
    Y = (X[:, :c] > 0).astype(float)
    layers = [Linear(d, h), ScaledReLU(h), Linear(h, h), ScaledReLU(h), Linear(h, c), Sigmoid(c)]
    start = [p.copy() for layer in layers for p in layer.parameters]
    for _ in range(20):
        # fmt: off
        out = X
        for layer in layers: out = layer.forward(out)  # noqa: E701
        # fmt: on
        grad = get_grad_log_loss(Y, out)
        for layer in layers[::-1]:
            grad, *param_grads = layer.backward(grad)
            layer.update_params_(*param_grads, lr=0.1)
    assert out.shape == (200, c)
    assert grad.shape == X.shape

    mlp = MLP(d, h, c)
    mlp.set_parameters(start)
    for _ in range(20):
        mlp.single_step_sgd(X, Y)
    for p, q in zip(mlp.parameters, (p for layer in layers for p in layer.parameters), strict=True):
        np.testing.assert_array_equal(p, q)


def test_linear_by_hand() -> None:
    linear = Linear(2, 3)
    linear.W = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    linear.b = np.array([0.5, 0.0, -0.5])
    np.testing.assert_array_equal(linear.forward([[1, 0], [1, 1]]), [[1.5, 2.0, 2.5], [5.5, 7.0, 8.5]])
    dX, dW, db = linear.backward([[1, 0, 0], [0, 1, 2]])
    np.testing.assert_array_equal(dX, [[1, 4], [2 + 2 * 3, 5 + 2 * 6]])
    np.testing.assert_array_equal(dW, [[1, 1, 2], [0, 1, 2]])
    np.testing.assert_array_equal(db, [1, 1, 2])
    linear.update_params_(dW, db, lr=0.5)
    np.testing.assert_array_equal(linear.W, [[0.5, 1.5, 2.0], [4.0, 4.5, 5.0]])
    np.testing.assert_array_equal(linear.b, [0.0, -0.5, -1.5])


def test_scaled_relu_by_hand() -> None:
    relu = ScaledReLU(6)
    above = np.nextafter(1.0, 2.0)
    np.testing.assert_array_equal(
        relu.forward([[-np.inf, -3.0, 0.5, 1.0, above, 3.0]]), [[0.0, 0.0, 0.0, 0.0, 2 * above, 6.0]]
    )
    (dX,) = relu.backward([[1.0, 1.0, 1.0, 1.0, 1.0, -5.0]])
    np.testing.assert_array_equal(dX, [[0, 0, 0, 0, 2, -10]])


def test_scaled_relu_shows_nan() -> None:
    np.testing.assert_array_equal(ScaledReLU(2).apply([[np.nan, 2.0]]), [[np.nan, 4.0]])


def test_sigmoid_by_hand() -> None:
    layer = Sigmoid(2)
    np.testing.assert_allclose(layer.forward([[0.0, np.log(3)]]), [[0.5, 0.75]], rtol=1e-15)
    (dX,) = layer.backward([[4.0, 16.0]])
    np.testing.assert_allclose(dX, [[1.0, 3.0]], rtol=1e-15)


def test_layers_without_parameters_return_one_gradient_and_update_nothing() -> None:
    for layer in (ScaledReLU(3), Sigmoid(3)):
        layer.forward(np.ones((2, 3)))
        gradients = layer.backward(np.ones((2, 3)))
        assert isinstance(gradients, tuple)
        assert len(gradients) == 1
        layer.update_params_(lr=0.1)


def layer_of_each_kind(dtype: DTypeLike = np.float64) -> list[Layer]:
    return [Linear(3, 3, rng=0, dtype=dtype), ScaledReLU(3), Sigmoid(3)]


@pytest.mark.parametrize("layer", layer_of_each_kind(), ids=str)
def test_wrong_shapes_are_named(layer: Layer) -> None:
    for method in (layer.apply, layer.forward):
        with pytest.raises(ValueError, match=r"takes X of shape \(n, 3\), got \(5, 4\)"):
            method(np.zeros((5, 4)))
        with pytest.raises(ValueError, match=r"takes X of shape \(n, 3\), got \(3,\)"):
            method(np.zeros(3))
    layer.forward(np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"takes G of shape \(5, 3\), got \(4, 3\)"):
        layer.backward(np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"takes G of shape \(5, 3\), got \(5, 2\)"):
        layer.backward(np.zeros((5, 2)))


def test_an_error_names_the_layer() -> None:
    with pytest.raises(ValueError, match=r"^Linear\(8, 16\) takes X of shape \(n, 8\), got \(5, 7\)$"):
        Linear(8, 16).forward(np.zeros((5, 7)))


def test_updates_of_wrong_shape_change_nothing() -> None:
    linear = Linear(2, 3, rng=0)
    W = linear.W.copy()
    with pytest.raises(ValueError, match=r"\[\(2, 3\), \(3,\)\], gradients \[\(2, 3\), \(1, 3\)\]"):
        linear.update_params_(np.ones((2, 3)), np.ones((1, 3)), lr=0.1)
    np.testing.assert_array_equal(linear.W, W)


@pytest.mark.parametrize("layer", layer_of_each_kind(), ids=str)
def test_backward_needs_a_forward(layer: Layer) -> None:
    layer = copy.deepcopy(layer)
    vars(layer).update({name: None for name in vars(layer) if name.startswith("_")})
    layer.apply(np.ones((2, 3)))
    with pytest.raises(RuntimeError, match="backward needs a forward before it"):
        layer.backward(np.ones((2, 3)))


def test_linear_keeps_a_reference_to_its_input() -> None:
    X, linear = np.zeros((5, 3)), Linear(3, 4)
    linear.forward(X)
    assert [a for name, a in vars(linear).items() if name not in ("W", "b")] == [X]
    assert linear._X is X


def test_scaled_relu_keeps_a_byte_per_unit_and_lets_the_rest_go() -> None:
    relu = ScaledReLU(4)
    X = np.ones((5, 4))
    out = relu.forward(X)
    (mask,) = (a for a in vars(relu).values() if isinstance(a, np.ndarray))
    assert mask.dtype == np.bool_
    assert mask.nbytes == 5 * 4
    assert mask.base is None
    input_, output = weakref.ref(X), weakref.ref(out)
    del X, out
    gc.collect()
    assert input_() is None
    assert output() is None


def test_sigmoid_keeps_its_output_and_lets_its_input_go() -> None:
    layer = Sigmoid(4)
    X = np.ones((5, 4))
    out = layer.forward(X)
    assert [a for a in vars(layer).values() if isinstance(a, np.ndarray)] == [out]
    assert layer._O is out
    kept = weakref.ref(X)
    del X
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize("layer", layer_of_each_kind(), ids=str)
def test_apply_equals_forward_and_keeps_nothing(layer: Layer) -> None:
    layer = copy.deepcopy(layer)
    X = np.random.default_rng(0).normal(size=(5, 3))
    before = dict(vars(layer))
    out = layer.apply(X)
    assert all(vars(layer)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(out, layer.forward(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype: DTypeLike) -> None:
    for layer in layer_of_each_kind(dtype):
        X: Array = np.random.default_rng(0).normal(size=(5, 3)).astype(dtype)
        assert layer.apply(X).dtype == dtype
        assert layer.forward(X).dtype == dtype
        assert {g.dtype for g in layer.backward(np.ones((5, 3), dtype))} == {np.dtype(dtype)}
        layer.update_params_(*layer.backward(np.ones((5, 3), dtype))[1:], lr=np.float64(0.1))
        assert {p.dtype for p in layer.parameters} <= {np.dtype(dtype)}


def test_a_float32_linear_makes_float32_of_any_input() -> None:
    linear = Linear(2, 2, dtype=np.float32)
    assert linear.forward(np.ones((1, 2))).dtype == np.float32
    assert linear.forward([[True, False]]).dtype == np.float32
    assert {g.dtype for g in linear.backward([[1, 2]])} == {np.dtype(np.float32)}


def test_same_seed_same_weights() -> None:
    W = Linear(5, 7, rng=3).W
    np.testing.assert_array_equal(W, Linear(5, 7, rng=3).W)
    np.testing.assert_array_equal(W, Linear(5, 7, rng=np.random.default_rng(3)).W)
    np.testing.assert_array_equal(W.astype(np.float32), Linear(5, 7, rng=3, dtype=np.float32).W)
    assert not np.array_equal(W, Linear(5, 7, rng=4).W)
    assert not np.array_equal(Linear(5, 7).W, Linear(5, 7).W)


def test_a_generator_advances() -> None:
    rng = np.random.default_rng(3)
    assert not np.array_equal(Linear(5, 7, rng=rng).W, Linear(5, 7, rng=rng).W)


def test_initial_weights_have_variance_two_over_inputs() -> None:
    W = kaiming_normal(50, 4000, rng=0)
    assert W.shape == (50, 4000)
    # 200,000 draws: the mean of W/sd is within 5/sqrt(N) of 0, that of its square within 5*sqrt(2/N) of 1.
    z = W / np.sqrt(2 / 50)
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs((z**2).mean() - 1) < 5 * np.sqrt(2 / z.size)
    np.testing.assert_array_equal(Linear(50, 3).b, np.zeros(3))


@pytest.mark.parametrize(("d", "h"), [(0, 3), (3, 0), (-1, 3)])
def test_empty_layers_are_refused(d: int, h: int) -> None:
    with pytest.raises(ValueError, match=f"at least one input and one output, got {d} and {h}"):
        Linear(d, h)
