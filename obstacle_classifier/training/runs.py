# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The intervals that a network sees for its answers: those that count, and with memory the runs that lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.networks import Memory, Network
from obstacle_classifier.training.dataset import Dataset, Shard
from obstacle_classifier.training.scratch import IN_MEMORY, blocks, concatenate, empty

__all__ = ["Runs"]

Floats = NDArray[np.float64]
Float32s = NDArray[np.float32]


@dataclass(frozen=True)
class Runs:
    """N intervals in time order, bag after bag, and which n of them count.

    Attributes:
        X: (N, d) raw features of known intervals.
        starts: Rows at which a run starts, rising, the first is 0; empty for a network without memory.
        rows: (n,) rows of the intervals that count, in the order of `Dataset.stack`.
        bag: (N,) index of the shard of each interval.
        scratch: Folder for file-backed copies, of a data set that is larger than memory; None: copies are in memory.
    """

    X: Floats
    starts: NDArray[np.intp]
    rows: NDArray[np.intp]
    bag: NDArray[np.intp]
    scratch: Path | None = None

    @classmethod
    def of(cls, data: Dataset, memory: Memory) -> Runs:
        """What a network with this memory sees of the intervals of a data set, of at least one interval.

        Without memory, these are the intervals themselves. Else they are all known intervals of each bag that has one.
        """
        if memory is Memory.NONE:
            X, _ = data.stack()
            return cls(X, np.empty(0, np.intp), np.arange(len(X)), data.bag, data.scratch)
        wholes = [_known(shard) for shard in data]
        sizes = [len(whole) for whole in wholes]
        offsets = np.cumsum([0, *sizes[:-1]])
        rows = [
            offset + np.searchsorted(whole.time_ns, shard.time_ns)
            for offset, whole, shard in zip(offsets, wholes, data, strict=True)
        ]
        return cls(
            X=concatenate([whole.X for whole in wholes], data.scratch),
            starts=np.flatnonzero(np.concatenate([~whole.follows for whole in wholes])),
            rows=np.concatenate(rows),
            bag=np.repeat(np.arange(len(data)), sizes),
            scratch=data.scratch,
        )

    def only(self, counting: NDArray[np.intp]) -> Runs:
        """Some of the n intervals that count, by rising index, with the runs of their bags."""
        rows = self.rows[counting]
        if not len(self.starts):
            return replace(self, X=self.X[rows], rows=np.arange(len(rows)), bag=self.bag[rows])
        kept = np.isin(self.bag, self.bag[rows])
        place = np.cumsum(kept) - 1
        return Runs(self.X[kept], place[self.starts[kept[self.starts]]], place[rows], self.bag[kept])

    @property
    def slices(self) -> Iterator[slice]:
        """The rows of each run."""
        for start, stop in zip(self.starts, np.append(self.starts[1:], len(self.X)), strict=True):
            yield slice(int(start), int(stop))

    def inputs(self, network: Network) -> Float32s:
        """The network's inputs (N, e)."""
        without_memory = network.memory is Memory.NONE
        if self.scratch is None:
            if without_memory:
                return network.inputs(self.X)
            return np.concatenate([network.inputs(self.X[run]) for run in self.slices])
        inputs = empty((len(self.X), network.inputs(self.X[:1]).shape[1]), np.float32, self.scratch)
        for rows in blocks(len(self.X)) if without_memory else self.slices:
            inputs[rows] = network.inputs(self.X[rows])
        return inputs

    def rows_of_inputs(self, network: Network) -> Float32s:
        """The network's inputs (n, e) of the intervals that count."""
        inputs = self.inputs(network)
        return inputs if network.memory is Memory.NONE else self._counting(inputs)

    def logits(self, network: Network, inputs: Float32s | None = None) -> Float32s:
        """The network's logits (n, c) of the intervals that count, from its inputs (N, e) if these are at hand."""
        inputs = self.inputs(network) if inputs is None else inputs
        if network.memory is not Memory.STATE:
            if self.X.nbytes <= IN_MEMORY:
                return network.logits(inputs[self.rows])
            return np.concatenate([network.logits(inputs[self.rows[rows]]) for rows in blocks(len(self.rows))])
        return np.concatenate([network.logits(inputs[run]) for run in self.slices])[self.rows]

    def _counting(self, inputs: Float32s) -> Float32s:
        """The rows (n, e) of inputs (N, e) that count."""
        if self.scratch is None:
            return inputs[self.rows]
        counting = empty((len(self.rows), inputs.shape[1]), inputs.dtype, self.scratch)
        for rows in blocks(len(self.rows)):
            counting[rows] = inputs[self.rows[rows]]
        return counting


def _known(shard: Shard) -> Shard:
    """The known intervals of the bag of a shard."""
    whole = shard.whole or shard
    return whole.select(~whole.unknown)
