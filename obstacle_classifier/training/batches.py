# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The training batches of the members of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.scratch import empty

if TYPE_CHECKING:
    from obstacle_classifier.training.members import MemberOptions

__all__ = ["Batches", "Order"]

Floats = NDArray[np.float32]
Rows = NDArray[np.integer[Any]]


class Order:
    """The rows that one member trains on, in a random order that is drawn anew whenever it has been through.

    Args:
        hidden: (n,) bool, the rows that it does not train on.
        rng: Of the order; it is shared with others.
        scratch: Folder for file-backed arrays; None: all in memory.
    """

    def __init__(self, hidden: NDArray[np.bool_], rng: np.random.Generator, scratch: Path | None) -> None:
        self._hidden, self._rng, self._scratch = hidden, rng, scratch
        self._size = len(hidden) - int(np.count_nonzero(hidden))
        self._left: Rows = np.empty(0, np.int32)
        self._drawn: dict[str, Any] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return self._size

    def next(self, size: int) -> Rows:
        """The next rows (size,)."""
        parts: list[Rows] = []
        wanted = size
        while wanted > len(self._left):
            parts.append(self._left)
            wanted -= len(self._left)
            self._drawn = dict(self._rng.bit_generator.state)
            self._left = self._permutation(self._rng)
        rows = np.concatenate([*parts, self._left[:wanted]])
        self._left = self._left[wanted:]
        return rows

    def state(self) -> dict[str, Any]:
        """Where it is, as plain JSON: the generator before the order was drawn, and the rows still to come."""
        return {"drawn": self._drawn, "left": len(self._left)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`."""
        self._drawn = state["drawn"]
        if self._drawn is None:
            return
        rng = np.random.default_rng()
        rng.bit_generator.state = self._drawn
        self._left = self._permutation(rng)[self._size - state["left"] :]

    def _permutation(self, rng: np.random.Generator) -> Rows:
        order = empty((self._size,), np.int32, self._scratch)
        order[:] = np.flatnonzero(~self._hidden)
        rng.shuffle(order)
        return order


class Batches:
    """Batches of all members, in buffers that the next draw overwrites.

    Each member goes through its own rows in an order of its own, drawn anew whenever it has been through.

    Args:
        inputs: (n, e) encoded rows.
        Y: (n, c) targets.
        hidden: (g, n) bool, rows that a member does not train on: member m those of entry m modulo g.
        missing: For each sensor that is dropped at times its entries, and their values when it is missing.
        options: How members are fitted.
        rng: Of the order and all that is dropped.
        scratch: Folder for file-backed arrays; None: all in memory.

    Attributes:
        orders: The order of each member.
    """

    def __init__(
        self,
        inputs: Floats,
        Y: Floats,
        hidden: NDArray[np.bool_],
        missing: Sequence[tuple[tuple[slice, ...], Floats]],
        options: MemberOptions,
        rng: np.random.Generator,
        scratch: Path | None,
    ) -> None:
        self._inputs, self._Y, self._missing, self._options, self._rng = inputs, Y, missing, options, rng
        self.orders = [Order(hidden[m % len(hidden)], rng, scratch) for m in range(options.members)]
        shape = options.members, options.batch_size
        self._X = np.empty((*shape, inputs.shape[1]), np.float32)
        self._partner = np.empty_like(self._X)
        self._hidden = (2, *shape, options.hidden)

    def draw(self) -> tuple[Floats, Floats, Floats | None]:
        """Inputs (k, b, e), targets (k, b, c) and dropout factors (2, k, b, h) of one step."""
        rows = np.stack([order.next(self._options.batch_size) for order in self.orders])
        X = np.take(self._inputs, rows, axis=0, out=self._X, mode="clip")
        Y = self._Y[rows]
        if self._options.mixup:
            Y = self._mix(X, Y)
        if self._options.label_smoothing:
            share = np.float32(self._options.label_smoothing)
            Y = (1 - share) * Y + share / 2
        for entries, values in self._missing:
            dropped = self._rng.random(rows.shape) < self._options.sensor_dropout
            for of_vector in entries:
                X[dropped, of_vector] = values
        return X, Y, self._dropout()

    def _mix(self, X: Floats, Y: Floats) -> Floats:
        """Move each example towards the next one of its batch, in inputs and targets, by a share of its own.

        Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2018.
        """
        a = self._options.mixup
        share = self._rng.beta(a, a, (*Y.shape[:2], 1)).astype(np.float32)
        step = self._partner
        np.subtract(X[:, 1:], X[:, :-1], out=step[:, :-1])
        np.subtract(X[:, 0], X[:, -1], out=step[:, -1])
        step *= share
        X += step
        mixed: Floats = Y + share * (np.roll(Y, -1, axis=1) - Y)
        return mixed

    def _dropout(self) -> Floats | None:
        """0 for a dropped unit, else the reciprocal of the share that is kept; in steps of 1/256, drawn as bytes."""
        dropped = round(256 * self._options.dropout)
        if not dropped:
            return None
        kept = self._rng.integers(0, 256, self._hidden, np.uint8) >= dropped
        factors: Floats = kept * np.float32(256 / (256 - dropped))
        return factors
