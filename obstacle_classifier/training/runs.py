# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The intervals that a network sees for its answers: those that count, and with memory the runs that lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.networks import Memory, Network
from obstacle_classifier.training.dataset import Dataset, Shard

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
    """

    X: Floats
    starts: NDArray[np.intp]
    rows: NDArray[np.intp]
    bag: NDArray[np.intp]

    @classmethod
    def of(cls, data: Dataset, memory: Memory) -> Runs:
        """What a network with this memory sees of the intervals of a data set, of at least one interval.

        Without memory, these are the intervals themselves. Else they are all known intervals of each bag that has one.
        """
        if memory is Memory.NONE:
            X, _ = data.stack()
            return cls(X, np.empty(0, np.intp), np.arange(len(X)), data.bag)
        wholes = [_known(shard) for shard in data]
        sizes = [len(whole) for whole in wholes]
        offsets = np.cumsum([0, *sizes[:-1]])
        rows = [
            offset + np.searchsorted(whole.time_ns, shard.time_ns)
            for offset, whole, shard in zip(offsets, wholes, data, strict=True)
        ]
        return cls(
            X=np.concatenate([whole.X for whole in wholes]),
            starts=np.flatnonzero(np.concatenate([~whole.follows for whole in wholes])),
            rows=np.concatenate(rows),
            bag=np.repeat(np.arange(len(data)), sizes),
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
        if network.memory is Memory.NONE:
            return network.inputs(self.X)
        return np.concatenate([network.inputs(self.X[run]) for run in self.slices])

    def rows_of_inputs(self, network: Network) -> Float32s:
        """The network's inputs (n, e) of the intervals that count."""
        inputs = self.inputs(network)
        return inputs if network.memory is Memory.NONE else inputs[self.rows]

    def logits(self, network: Network, inputs: Float32s | None = None) -> Float32s:
        """The network's logits (n, c) of the intervals that count, from its inputs (N, e) if these are at hand."""
        inputs = self.inputs(network) if inputs is None else inputs
        if network.memory is not Memory.STATE:
            return network.logits(inputs[self.rows])
        return np.concatenate([network.logits(inputs[run]) for run in self.slices])[self.rows]


def _known(shard: Shard) -> Shard:
    """The known intervals of the bag of a shard."""
    whole = shard.whole or shard
    return whole.select(~whole.unknown)
