# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Optimizers: how a gradient changes a parameter.

Below, p is a parameter, g its gradient, r the learning rate and w the weight decay of the step; t counts steps from 1.
Everything is computed in the dtype of the parameters. The formulas are PyTorch's, so that both take the same steps.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.schedules import Constant, Schedule

__all__ = ["SGD", "Adam", "AdamW", "Momentum", "Nesterov", "Optimizer"]

Arrays = Mapping[str, Array] | Sequence[Array]
"""Parameters or gradients by name, or in a fixed order."""

_STEPS = "steps"


class Optimizer(ABC):
    """Changes parameters in place, a step at a time, and remembers between steps what its formula needs.

    Args:
        lr: Learning rate, or a schedule of it.
        weight_decay: Of every parameter, or by name; a parameter without a name there does not decay. As a rule only
            weights decay and biases do not.
    """

    memory: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays kept for each parameter, of its shape; 0 before the first step."""

    def __init__(self, lr: float | Schedule, weight_decay: float | Mapping[str, float] = 0.0) -> None:
        self.schedule: Schedule = lr if callable(lr) else Constant(lr)
        self.weight_decay = weight_decay
        self.steps = 0
        self._kept: dict[str, dict[str, Array]] = {}

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """Change the parameters in place.

        Raises:
            ValueError: Names or shapes differ, between the two or from earlier steps; nothing is changed.
        """
        if (found := _shapes(gradients)) != (expected := _shapes(parameters)):
            raise ValueError(f"parameters have shapes {expected}, gradients {found}")
        parameters, gradients = _named(parameters), _named(gradients)
        for name, kept in self._kept.items():
            if any(name not in parameters or array.shape != parameters[name].shape for array in kept.values()):
                raise ValueError(f"parameters have shapes {expected}, the optimizer's state is of others at '{name}'")
        rate = self.schedule(self.steps)
        self.steps += 1
        for name, parameter in parameters.items():
            if name not in self._kept:
                self._kept[name] = {memory: np.zeros_like(parameter) for memory in self.memory}
            self._update(parameter, gradients[name], rate, self._decay(name), **self._kept[name])

    def state(self) -> dict[str, Array]:
        """Copies of all that is remembered: `steps`, and `<memory>.<parameter>` for each."""
        state: dict[str, Array] = {_STEPS: np.array(self.steps, np.float64)}
        for name, kept in self._kept.items():
            state.update({f"{memory}.{name}": array.copy() for memory, array in kept.items()})
        return state

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from a `state` of the same kind of optimizer, with the same bits.

        Raises:
            ValueError: Naming an entry that is missing, or that this kind of optimizer does not have.
        """
        if _STEPS not in state:
            raise ValueError(f"optimizer state: found no '{_STEPS}'")
        kept: dict[str, dict[str, Array]] = {}
        for entry, array in state.items():
            if entry == _STEPS:
                continue
            memory, _, name = entry.partition(".")
            if memory not in self.memory:
                raise ValueError(f"optimizer state: found '{entry}', which {type(self).__name__} does not keep")
            kept.setdefault(name, {})[memory] = np.array(array)
        for name, arrays in kept.items():
            for memory in self.memory:
                if memory not in arrays:
                    raise ValueError(f"optimizer state: found no '{memory}.{name}'")
        self.steps, self._kept = int(state[_STEPS]), kept

    def _decay(self, name: str) -> float:
        decay = self.weight_decay
        return float(decay.get(name, 0.0) if isinstance(decay, Mapping) else decay)

    @abstractmethod
    def _update(self, p: Array, g: Array, r: float, w: float, **memory: Array) -> None:
        """Change one parameter p, and its memory, in place."""


class SGD(Optimizer):
    """Stochastic gradient descent: p -= r (g + w p)."""

    def __init__(self, lr: float | Schedule = 0.1, weight_decay: float | Mapping[str, float] = 0.0) -> None:
        super().__init__(lr, weight_decay)

    def _update(self, p: Array, g: Array, r: float, w: float, **memory: Array) -> None:
        p -= r * _with_decay(g, p, w)


class Momentum(Optimizer):
    """SGD along a velocity: v = m v + g + w p, p -= r v.

    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; as in PyTorch the rate is not part
    of the velocity.

    Args:
        lr: Learning rate, or a schedule of it.
        momentum: m, 0 to 1.
        weight_decay: As in `Optimizer`.
    """

    memory = ("velocity",)

    def __init__(
        self, lr: float | Schedule, momentum: float = 0.9, weight_decay: float | Mapping[str, float] = 0.0
    ) -> None:
        super().__init__(lr, weight_decay)
        self.momentum = float(momentum)

    def _update(self, p: Array, g: Array, r: float, w: float, **memory: Array) -> None:
        v = memory["velocity"]
        v *= self.momentum
        v += _with_decay(g, p, w)
        p -= r * v


class Nesterov(Momentum):
    """Momentum with a look ahead: g = g + w p, v = m v + g, p -= r (g + m v).

    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """

    def _update(self, p: Array, g: Array, r: float, w: float, **memory: Array) -> None:
        v = memory["velocity"]
        g = _with_decay(g, p, w)
        v *= self.momentum
        v += g
        p -= r * (g + self.momentum * v)


class Adam(Optimizer):
    """Steps by the gradient's mean over its root mean square, both estimated over the last steps.

    With g = g + w p: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, and

        p -= r (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).

    Kingma and Ba, "Adam", 2015, algorithm 1.

    Args:
        lr: Learning rate, or a schedule of it.
        betas: b1 and b2.
        eps: Against division by 0.
        weight_decay: As in `Optimizer`; here it joins the gradient.
    """

    memory = ("mean", "square")

    def __init__(
        self,
        lr: float | Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | Mapping[str, float] = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay)
        self.betas = float(betas[0]), float(betas[1])
        self.eps = float(eps)

    def _update(self, p: Array, g: Array, r: float, w: float, **memory: Array) -> None:
        self._adapt(p, _with_decay(g, p, w), r, memory["mean"], memory["square"])

    def _adapt(self, p: Array, g: Array, r: float, m: Array, v: Array) -> None:
        b1, b2 = self.betas
        m *= b1
        m += (1 - b1) * g
        v *= b2
        v += (1 - b2) * np.square(g)
        root = np.sqrt(v)
        root /= math.sqrt(1 - b2**self.steps)
        root += self.eps
        p -= r / (1 - b1**self.steps) * m / root


class AdamW(Adam):
    """Adam whose weight decay does not pass through the estimates: p *= 1 - r w, then Adam's step without decay.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
    """

    def __init__(
        self,
        lr: float | Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | Mapping[str, float] = 0.01,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)

    def _update(self, p: Array, g: Array, r: float, w: float, **memory: Array) -> None:
        p *= 1 - r * w
        self._adapt(p, g, r, memory["mean"], memory["square"])


def _with_decay(g: Array, p: Array, w: float) -> Array:
    """Gradient of the loss plus w / 2 times the sum of squares of p."""
    return g + w * p if w else g


def _named(arrays: Arrays) -> Mapping[str, Array]:
    return arrays if isinstance(arrays, Mapping) else {str(index): array for index, array in enumerate(arrays)}


def _shapes(arrays: Arrays) -> dict[str, tuple[int, ...]] | list[tuple[int, ...]]:
    if isinstance(arrays, Mapping):
        return {name: array.shape for name, array in arrays.items()}
    return [array.shape for array in arrays]
