# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A check of gradients against central differences.

Each entry of a gradient of f is compared with (f(p + step) - f(p - step)) / (2 step), in float64. The tolerance is
relative to the largest entry of the array. ScaledReLU has no derivative at 1. The checks therefore refuse inputs with a
pre-activation near 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike

from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.initializers import Seed
from obstacle_classifier.nn.layers import Layer, ScaledReLU
from obstacle_classifier.nn.losses import get_grad_log_loss, log_loss, log_loss_from_logits
from obstacle_classifier.nn.mlp import MLP

__all__ = ["GradientError", "central_differences", "check_gradients", "check_layer", "check_network"]

STEP = 1e-5  # for values near 1, the truncation and the rounding error are both near 1e-10
TOLERANCE = 1e-6
JUMP_MARGIN = 1e-3  # least distance to ScaledReLU's jump; a step moves a pre-activation by STEP * |input|
FLOOR = 1e-4  # least scale; for smaller gradients, the differences themselves have an error of TOLERANCE


class GradientError(AssertionError):
    """A gradient that is not the derivative of its function."""


def central_differences(f: Callable[[], float], parameter: Array, step: float = STEP) -> Array:
    """df/dparameter, in the parameter's shape. f must read the array, which is changed in place and restored."""
    gradient = np.empty_like(parameter)
    for index in np.ndindex(parameter.shape):
        value = parameter[index]
        try:
            parameter[index] = value + step
            above = f()
            parameter[index] = value - step
            below = f()
        finally:
            parameter[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient


def check_gradients(
    f: Callable[[], float], gradients: Iterable[tuple[str, Array, Array]], tolerance: float = TOLERANCE
) -> float:
    """The largest relative error of the given (name, parameter, df/dparameter). f must read the parameter arrays.

    Raises:
        GradientError: An error is above the tolerance. The message has the gradient, the entry and both values.
        ValueError: A parameter is not float64.
    """
    worst = 0.0
    for name, parameter, gradient in gradients:
        if parameter.dtype != np.float64:
            raise ValueError(f"central differences need float64, {name} is {parameter.dtype}")
        if gradient.shape != parameter.shape:
            raise GradientError(f"{name} has shape {gradient.shape}, its parameter {parameter.shape}")
        expected = central_differences(f, parameter)
        scale = max(np.abs(gradient).max(), np.abs(expected).max(), FLOOR)
        errors = np.abs(gradient - expected) / scale
        at = np.unravel_index(np.argmax(errors), errors.shape)
        if not errors[at] <= tolerance:  # also NaN
            entry = tuple(int(i) for i in at)
            raise GradientError(f"{name}{entry} is {gradient[at]}, central differences give {expected[at]}")
        worst = max(worst, float(errors[at]))
    return worst


def check_layer(layer: Layer, X: ArrayLike, rng: Seed = None, tolerance: float = TOLERANCE) -> float:
    """The largest relative error of a layer's backward at X, for a random linear function of its output.

    Raises:
        GradientError, ValueError: As in `check_gradients`. ValueError also if the layer is a ScaledReLU and an entry of
            X is near 1.
    """
    X = np.array(X, np.float64)
    if isinstance(layer, ScaledReLU):
        _require_margin(float(np.abs(X - 1).min()))
    G = np.random.default_rng(rng).normal(size=layer.apply(X).shape)
    layer.forward(X)
    dX, *own = layer.backward(G)
    gradients = [(f"{layer} dX", X, dX)]
    gradients += [(f"{layer} dp{i}", p, g) for i, (p, g) in enumerate(zip(layer.parameters, own, strict=True))]
    return check_gradients(lambda: float(np.sum(layer.apply(X) * G)), gradients, tolerance)


def check_network(mlp: MLP, X: ArrayLike, Y: ArrayLike, tolerance: float = TOLERANCE) -> float:
    """The largest relative error of a network's gradients.

    It checks the composed formulas, with dL/dX, and the formulas from the logits. The composed gradients have a
    relative error of 1e-8 / P(1 - P). They pass only if every P is in about [0.02, 0.98].

    Raises:
        GradientError, ValueError: As in `check_gradients`. ValueError also if a hidden unit is near the jump.
    """
    X = np.array(X, np.float64)
    _require_margin(float(mlp.nearest_jump(X).min()))

    grad = get_grad_log_loss(Y, mlp.forward(X))
    composed: list[Array] = []
    for layer in mlp.layers[::-1]:
        grad, *own = layer.backward(grad)
        composed[:0] = own
    _, fused = mlp.loss_and_gradients(X, Y)

    names = [f"d{kind}{i}" for i in range(len(mlp.linears)) for kind in "Wb"]
    arrays = mlp.parameters
    sigmoid = mlp.layers[-1]
    return max(
        check_gradients(
            lambda: log_loss(Y, sigmoid.apply(mlp.logits(X))),
            [("dX", X, grad), *zip(names, arrays, composed, strict=True)],
            tolerance,
        ),
        check_gradients(
            lambda: log_loss_from_logits(Y, mlp.logits(X)), zip(names, arrays, fused, strict=True), tolerance
        ),
    )


def _require_margin(distance: float) -> None:
    if not distance > JUMP_MARGIN:
        raise ValueError(f"a pre-activation lies {distance:.1e} from ScaledReLU's jump at 1, needs {JUMP_MARGIN}")
