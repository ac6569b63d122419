# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A layer with memory: the LSTM over sequences.

Hochreiter and Schmidhuber, "Long short-term memory", 1997, with the forget gate of Gers, Schmidhuber and Cummins,
"Learning to forget", 2000. At each step, with the input x and the earlier output h and cell c:

    i, f, o = sigmoid(x W + h U + b), g = tanh(x W + h U + b)    each with its quarter of the columns
    c' = f c + i g
    h' = o tanh(c')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from obstacle_classifier.nn.arrays import Array, as_shape
from obstacle_classifier.nn.initializers import Seed, xavier_uniform
from obstacle_classifier.nn.layers import Layer

__all__ = ["LSTM", "LSTMState"]

GATES = 4  # i, f, o, g


class LSTMState(NamedTuple):
    """The memory between steps, or the gradient with respect to it.

    Attributes:
        h: (n, h) output of the last step.
        c: (n, h) cell.
    """

    h: Array
    c: Array


@dataclass(frozen=True)
class _Kept:
    """All that backward needs, with the steps on the first axis, so that a step is contiguous."""

    X: Array  # (t, n, d)
    gates: Array  # (t, n, 4h): i, f, o and g after their nonlinearities
    h: Array  # (t + 1, n, h), from the initial one
    c: Array  # (t + 1, n, h), from the initial one
    tanh_c: Array  # (t, n, h), of each new cell


class LSTM(Layer):
    """Sequences to sequences: (n, t, d) -> (n, t, h), in the dtype of W.

    One matrix product makes x W for all steps, and one a step h U for all gates; backward has one a step as well, and
    three for all steps: dX, dW and dU. No loop runs over examples.

    Args:
        d: Number of inputs.
        h: Number of units.
        rng: Generator or seed of the initial weights: Xavier's, for each gate. The initial b is 1 for the forget gate
            (Jozefowicz, Zaremba and Sutskever, 2015), else 0.
        dtype: Of W (d, 4h), U (h, 4h) and b (4h,), whose columns are i, f, o, g; inputs are converted to it.
    """

    def __init__(self, d: int, h: int, rng: Seed = None, dtype: DTypeLike = np.float64) -> None:
        rng = np.random.default_rng(rng)
        self.d, self.h = d, h
        self.W: Array = np.concatenate([xavier_uniform(d, h, rng, dtype) for _ in range(GATES)], axis=1)
        self.U: Array = np.concatenate([xavier_uniform(h, h, rng, dtype) for _ in range(GATES)], axis=1)
        self.b: Array = np.zeros(GATES * h, dtype)
        self.b[h : 2 * h] = 1
        self._last: _Kept | None = None

    @property
    def parameters(self) -> tuple[Array, ...]:
        """(W, U, b)."""
        return self.W, self.U, self.b

    def apply(self, X: ArrayLike) -> Array:
        """The output of every step, from an empty memory."""
        return self.advance(X)[0]

    def advance(self, X: ArrayLike, state: LSTMState | None = None) -> tuple[Array, LSTMState]:
        """The output of every step and the memory after the last, from `state` or an empty memory. Nothing is kept."""
        kept = self._run(X, state)
        return kept.h[1:].swapaxes(0, 1), LSTMState(kept.h[-1], kept.c[-1])

    def forward(self, X: ArrayLike, state: LSTMState | None = None) -> Array:
        """As `apply`, from `state` or an empty memory. Keeps X, the gates, outputs and cells of every step."""
        self._last = self._run(X, state)
        return self._last.h[1:].swapaxes(0, 1)

    @property
    def state(self) -> LSTMState:
        """The memory after the last `forward`."""
        kept = self._require()
        return LSTMState(kept.h[-1], kept.c[-1])

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(dX, dW, dU, db)."""
        return self.backward_from(G)[0]

    def backward_from(self, G: ArrayLike, G_state: LSTMState | None = None) -> tuple[tuple[Array, ...], LSTMState]:
        """((dX, dW, dU, db), gradient of the initial memory).

        Args:
            G: (n, t, h) dL/doutput.
            G_state: dL/dmemory after the last step, where the loss depends on it otherwise than through the output.
        """
        kept, h = self._require(), self.h
        t, n, _ = kept.gates.shape
        G = as_shape(self, "G", G, (n, t, h), self.W.dtype)
        G_state = self._state(G_state, n)
        dh, dc = G_state.h, G_state.c
        dZ = np.empty_like(kept.gates)  # of the gates before their nonlinearities
        with np.errstate(under="ignore"):
            for step in reversed(range(t)):
                i, f, o, g = np.split(kept.gates[step], GATES, axis=1)
                tanh_c = kept.tanh_c[step]
                dh = dh + G[:, step]
                dc = dc + dh * o * (1 - tanh_c * tanh_c)
                di, df, do, dg = np.split(dZ[step], GATES, axis=1)
                np.multiply(dc * g, i * (1 - i), out=di)
                np.multiply(dc * kept.c[step], f * (1 - f), out=df)
                np.multiply(dh * tanh_c, o * (1 - o), out=do)
                np.multiply(dc * i, 1 - g * g, out=dg)
                dh, dc = dZ[step] @ self.U.T, dc * f
        flat = dZ.reshape(t * n, GATES * h)
        dX = (flat @ self.W.T).reshape(t, n, self.d).swapaxes(0, 1)
        dW = kept.X.reshape(t * n, self.d).T @ flat
        dU = kept.h[:-1].reshape(t * n, h).T @ flat
        return (dX, dW, dU, flat.sum(axis=0)), LSTMState(dh, dc)

    def _run(self, X: ArrayLike, state: LSTMState | None) -> _Kept:
        X = as_shape(self, "X", X, ("n", "t", self.d), self.W.dtype)
        n, t, _ = X.shape
        X = np.ascontiguousarray(X.swapaxes(0, 1))
        Z = (X.reshape(t * n, self.d) @ self.W).reshape(t, n, GATES * self.h)
        Z += self.b
        h, c = np.empty((2, t + 1, n, self.h), self.W.dtype)
        tanh_c = np.empty((t, n, self.h), self.W.dtype)
        h[0], c[0] = self._state(state, n)
        with np.errstate(under="ignore"):
            for step in range(t):
                z = Z[step]
                z += h[step] @ self.U
                _activate(z, self.h)
                i, f, o, g = np.split(z, GATES, axis=1)
                np.multiply(f, c[step], out=c[step + 1])
                c[step + 1] += i * g
                np.tanh(c[step + 1], out=tanh_c[step])
                np.multiply(o, tanh_c[step], out=h[step + 1])
        return _Kept(X, Z, h, c, tanh_c)

    def _state(self, state: LSTMState | None, n: int) -> LSTMState:
        if state is None:
            return LSTMState(*np.zeros((2, n, self.h), self.W.dtype))
        return LSTMState(*(as_shape(self, name, a, (n, self.h), self.W.dtype) for name, a in state._asdict().items()))

    def _require(self) -> _Kept:
        if self._last is None:
            raise RuntimeError(f"{self}: backward needs a forward before it")
        return self._last

    def __repr__(self) -> str:
        return f"LSTM({self.d}, {self.h})"


def _activate(z: Array, h: int) -> None:
    """Sigmoid of i, f and o, tanh of g, in place. One tanh makes both: sigmoid(z) = (1 + tanh(z/2)) / 2."""
    gates = z[:, : 3 * h]
    gates *= 0.5
    np.tanh(z, out=z)
    gates *= 0.5
    gates += 0.5
