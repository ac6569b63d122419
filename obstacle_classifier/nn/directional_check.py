# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Gradients against central differences along one random direction, and a search for points without a derivative.

For a gradient g and a direction v, (f(p + step v) - f(p - step v)) / (2 step) must equal g . v: two evaluations however
many entries p has, where `gradient_check` needs two for each. A wrong entry stays hidden only if v is orthogonal to the
error, which a random v is not.

No difference across a jump or a kink agrees with a one-sided derivative. Five points along the direction tell: through
the values of a smooth f goes a quadratic, up to step^3 and rounding; through those of a jump or a kink goes none. The
method is that of Chainer's `gradient_check` (`detect_nondifferentiable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike

from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.gradient_check import FLOOR, STEP, TOLERANCE, GradientError
from obstacle_classifier.nn.initializers import Seed
from obstacle_classifier.nn.layers import Layer

__all__ = ["NotDifferentiableError", "check_direction", "check_layer_direction"]

POINTS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # times the step
QUADRATIC = np.vander(POINTS, 3)


class NotDifferentiableError(ValueError):
    """A function with a jump or a kink within the step."""


def check_direction(
    f: Callable[[], float],
    gradients: Iterable[tuple[str, Array, Array]],
    rng: Seed = None,
    tolerance: float = TOLERANCE,
    step: float = STEP,
) -> float:
    """The relative error of the slope along a random direction, of length 1, through all parameters at once.

    Args:
        f: A function that reads the parameters, which are moved in place and restored.
        gradients: (name, parameter, df/dparameter), float64.
        rng: Source of the direction.
        tolerance: Of the error, relative to the length of the whole gradient.
        step: How far along the direction.

    Raises:
        GradientError: The slope is not that of f, naming the gradients checked and both slopes.
        NotDifferentiableError: f has a jump or a kink within the step.
        ValueError: A parameter is not float64.
    """
    triples = list(gradients)
    for name, parameter, gradient in triples:
        if parameter.dtype != np.float64:
            raise ValueError(f"central differences need float64, {name} is {parameter.dtype}")
        if gradient.shape != parameter.shape:
            raise GradientError(f"{name} has shape {gradient.shape}, its parameter {parameter.shape}")
    names = ", ".join(name for name, _, _ in triples)
    parameters = [parameter for _, parameter, _ in triples]
    direction = _unit([parameter.shape for parameter in parameters], np.random.default_rng(rng))
    values = np.array([_value_at(f, parameters, direction, point * step) for point in POINTS])

    slope = (values[-1] - values[0]) / (2 * step)
    given = sum(float(np.sum(gradient * v)) for (_, _, gradient), v in zip(triples, direction, strict=True))
    scale = max(float(np.sqrt(sum(np.sum(np.square(gradient)) for _, _, gradient in triples))), abs(slope), FLOOR)
    _require_smooth(values, tolerance * step * scale, names)
    error = abs(given - slope) / scale
    if not error <= tolerance:  # also NaN
        raise GradientError(f"{names}: the slope is {given}, central differences give {slope}")
    return float(error)


def check_layer_direction(layer: Layer, X: ArrayLike, rng: Seed = None, tolerance: float = TOLERANCE) -> float:
    """The relative error of a layer's backward at X, for a random linear function of its output.

    Raises:
        GradientError, NotDifferentiableError, ValueError: As `check_direction`.
    """
    X = np.array(X, np.float64)
    rng = np.random.default_rng(rng)
    G = rng.normal(size=layer.apply(X).shape)
    layer.forward(X)
    dX, *own = layer.backward(G)
    gradients = [(f"{layer} dX", X, dX)]
    gradients += [(f"dp{i}", p, g) for i, (p, g) in enumerate(zip(layer.parameters, own, strict=True))]
    return check_direction(lambda: float(np.sum(layer.apply(X) * G)), gradients, rng, tolerance)


def _unit(shapes: list[tuple[int, ...]], rng: np.random.Generator) -> list[Array]:
    direction = [rng.normal(size=shape) for shape in shapes]
    length = np.sqrt(sum(float(np.sum(np.square(v))) for v in direction))
    return [v / length for v in direction]


def _value_at(f: Callable[[], float], parameters: list[Array], direction: list[Array], distance: float) -> float:
    before = [parameter.copy() for parameter in parameters]
    try:
        for parameter, v in zip(parameters, direction, strict=True):
            np.add(parameter, distance * v, out=parameter)
        return f()
    finally:
        for parameter, value in zip(parameters, before, strict=True):
            np.copyto(parameter, value)


def _require_smooth(values: Array, allowed: float, names: str) -> None:
    """Refuse values whose distance from a quadratic would put the slope off by more than the tolerance."""
    quadratic = QUADRATIC @ np.linalg.lstsq(QUADRATIC, values, rcond=None)[0]
    distance = float(np.abs(values - quadratic).max())
    if not distance <= allowed:
        raise NotDifferentiableError(
            f"{names}: a jump or a kink lies within the step: five values are {distance:.1e} from a quadratic,"
            f" a smooth function's at most {allowed:.1e}"
        )
