# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The training examples of a network of any kind, in shuffled batches: intervals, or stretches of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout
from obstacle_classifier.networks import Batch, Memory, Network
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.scratch import concatenate
from obstacle_classifier.training.sensor_dropout import SENSOR_DROPOUT, drop_sensors

__all__ = ["Examples"]

Indices = NDArray[np.intp]


class Examples:
    """The examples of a data set for networks of one kind of memory.

    Without memory, an example is an interval. A network with its memory in its inputs is shown intervals, too; what
    they hold of earlier ones is computed anew for each epoch. A network with a state is shown stretches of at most
    `stretch` intervals of one run, from an empty state: back-propagation through time, truncated at the stretch. The
    stretches of each epoch begin elsewhere.

    A sensor that an example can do without is dropped with probability 0.1: from an interval, and with memory from a
    whole stretch.

    Args:
        data: At least one interval. With memory, the known intervals that are not in it count as history.
        memory: Of the networks.
        layout: The columns.
        batch_size: Intervals a batch. A batch of stretches has about as many, and at least one stretch.
        stretch: Intervals of a stretch at most.
    """

    def __init__(self, data: Dataset, memory: Memory, layout: Layout, batch_size: int, stretch: int) -> None:
        self._memory, self._layout, self._batch_size, self._stretch = memory, layout, batch_size, stretch
        self._runs = Runs.of(data, memory)
        _, self._Y = data.stack()
        if memory is not Memory.NONE:
            self._targets = np.full((len(self._runs.X), self._Y.shape[1]), np.nan, np.float32)
            self._targets[self._runs.rows] = self._Y

    @property
    def batches(self) -> int:
        """Batches of an epoch; of stretches, about as many."""
        if self._memory is not Memory.STATE:
            return -(-len(self._Y) // self._batch_size)
        return max(1, round(len(self._Y) / (self._stretch * self._stretches_a_batch)))

    @property
    def _stretches_a_batch(self) -> int:
        return max(1, round(self._batch_size / self._stretch))

    def epoch(self, network: Network, rng: np.random.Generator) -> Iterator[tuple[int, Batch]]:
        """Every example once, in random order: how many targets a batch has, and the batch."""
        if self._memory is Memory.NONE:
            yield from self._intervals(network, rng)
            return
        starts = self._cuts(rng)
        X = concatenate([self._runs.X], self._runs.scratch)
        _drop_from_stretches(X, starts, self._layout, rng)
        inputs = replace(self._runs, X=X).inputs(network)
        if self._memory is Memory.INPUTS:
            order = rng.permutation(len(self._Y))
            for start in range(0, len(order), self._batch_size):
                some = order[start : start + self._batch_size]
                yield len(some), Batch(inputs[self._runs.rows[some]], self._Y[some])
        else:
            yield from self._stretches(inputs, starts, rng)

    def _intervals(self, network: Network, rng: np.random.Generator) -> Iterator[tuple[int, Batch]]:
        order = rng.permutation(len(self._Y))
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            features = self._runs.X[rows]
            drop_sensors(features, self._layout, rng)
            yield len(rows), Batch(network.inputs(features), self._Y[rows])

    def _cuts(self, rng: np.random.Generator) -> Indices:
        """First row of each stretch: those of the runs, and every `stretch` rows of a run from a random one."""
        firsts = [(run.start + rng.integers(1, self._stretch + 1), run.stop) for run in self._runs.slices]
        inside = [np.arange(first, stop, self._stretch) for first, stop in firsts]
        return np.unique(np.concatenate([self._runs.starts, *inside]))

    def _stretches(
        self, inputs: NDArray[np.float32], starts: Indices, rng: np.random.Generator
    ) -> Iterator[tuple[int, Batch]]:
        lengths = np.diff(starts, append=len(inputs))
        steps = np.arange(self._stretch)
        rows = np.minimum(starts[:, None] + steps, len(inputs) - 1)
        beyond = steps >= lengths[:, None]
        counts = np.add.reduceat(~np.isnan(self._targets[:, 0]), starts, dtype=np.intp)
        order = rng.permutation(np.flatnonzero(counts))
        size = self._stretches_a_batch
        for first in range(0, len(order), size):
            some = order[first : first + size]
            X, Y = inputs[rows[some]], self._targets[rows[some]]
            X[beyond[some]], Y[beyond[some]] = 0, np.nan
            yield int(counts[some].sum()), Batch(X, Y)


def _drop_from_stretches(X: NDArray[np.float64], starts: Indices, layout: Layout, rng: np.random.Generator) -> None:
    """As `drop_sensors`, from all rows of a stretch."""
    stretch = np.zeros(len(X), np.intp)
    stretch[starts[1:]] = 1
    stretch = np.cumsum(stretch)
    for sensor in layout.droppable:
        dropped = (rng.random(len(starts)) < SENSOR_DROPOUT)[stretch]
        X[dropped, layout.slices[sensor]] = np.nan
        X[dropped, layout.missing[sensor]] = 1.0
