# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Splits that keep what was recorded together on one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.training.dataset import Dataset

__all__ = ["MIN_BAGS", "Split", "assign_groups", "deal_bags", "hold_out", "reach"]

MIN_BAGS = 3
"""Fewer cannot give each of three parts a bag of its own."""

_DEALS = 20
_TINY = 1e-12
_NONE = -1

Parts = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """A data set in named parts.

    Attributes:
        data: The data set.
        names: Names of the parts.
        parts: Per shard, (n,) index into `names` for each interval, -1 for none; unusable intervals count as well.
        in_blocks: Whether bags were cut into blocks of time; else all intervals of a bag are in one part.
    """

    data: Dataset
    names: tuple[str, ...]
    parts: tuple[Parts, ...]
    in_blocks: bool = False
    _taken: dict[tuple[str, ...], Dataset] = field(default_factory=dict, repr=False, compare=False)

    def take(self, *names: str) -> Dataset:
        """The usable intervals of some parts, in the order of the data set; shards without any are left out.

        The history of an interval is of the same parts.
        """
        if names not in self._taken:
            wanted = [self.names.index(name) for name in names]
            masks = [np.isin(part, wanted) for part in self.parts]
            taken = self.data.cut(masks).usable()
            if taken.scratch is None:
                return taken
            self._taken[names] = taken  # taking it again would be one more pass over the disk
        return self._taken[names]

    def without(self, name: str) -> Split:
        """The intervals of all other parts, still in parts; shards without any are left out."""
        masks = [np.array((part != self.names.index(name)) & (part != _NONE)) for part in self.parts]
        parts = [part[mask] for part, mask in zip(self.parts, masks, strict=True)]
        return Split(self.data.cut(masks), self.names, tuple(part for part in parts if len(part)), self.in_blocks)

    def coverage(self, *names: str) -> float:
        """Share of the labelled intervals of some parts that are known; NaN without a labelled one."""
        wanted = [self.names.index(name) for name in names]
        labelled = usable = 0
        for shard, part in zip(self.data, self.parts, strict=True):
            labelled += int((shard.labelled & np.isin(part, wanted)).sum())
            usable += int((shard.usable & np.isin(part, wanted)).sum())
        return usable / labelled if labelled else float("nan")


def reach(sensors: SensorsConfig) -> int:
    """How far a feature vector looks back, in ns: samples in the window, and a newest value that is not yet stale."""
    return max(max(spec.window, spec.timeout) for spec in sensors.sensors)


def assign_groups(weights: NDArray[np.float64], shares: Sequence[float], rng: np.random.Generator) -> Parts:
    """Deal groups (bags) to parts so that each part gets its share of every label: the best of 20 random deals.

    Args:
        weights: (g, k) what each group has of each of k things, such as intervals with each label, and intervals.
        shares: Share of each part; they sum to 1.
        rng: Of the deals.

    Returns:
        (g,) part of each group; no part is empty if there are as many groups as parts.
    """
    deals = [_deal(weights, shares, rng) for _ in range(_DEALS)]
    totals = np.maximum(weights.sum(axis=0), _TINY)

    def imbalance(part: Parts) -> float:
        dealt = [weights[part == index].sum(axis=0) / totals - share for index, share in enumerate(shares)]
        return float(np.square(dealt).sum())

    return min(deals, key=imbalance)


def _deal(weights: NDArray[np.float64], shares: Sequence[float], rng: np.random.Generator) -> Parts:
    """Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011), with groups for examples.

    What the fewest groups have is dealt first, those groups in random order, each to the part that lacks most of it.
    The work is linear in the groups: how many have what is counted once and kept up to date.
    """
    groups, columns = weights.shape
    lacking = np.outer(shares, np.maximum(weights.sum(axis=0), _TINY))
    part = np.full(groups, _NONE, np.intp)
    order = rng.permutation(groups)
    holders = [iter(order[weights[order, column] > 0].tolist()) for column in range(columns)]
    counts = (weights > 0).sum(axis=0)
    sizes = [0] * len(shares)
    everyone = iter(order.tolist())
    for left in range(groups, 0, -1):
        column = min((c for c in range(columns) if counts[c]), key=lambda c: int(counts[c]), default=columns - 1)
        queue = holders[column] if counts[column] else everyone
        group = next(group for group in queue if part[group] == _NONE)
        empty = [index for index, size in enumerate(sizes) if not size]
        # The last groups go to parts that would stay empty.
        choices = empty if left <= len(empty) else range(len(shares))
        chosen = max(choices, key=lambda index: (lacking[index, column], lacking[index, -1]))
        part[group] = chosen
        sizes[chosen] += 1
        lacking[chosen] -= weights[group]
        counts -= weights[group] > 0
    return part


def deal_bags(data: Dataset, shares: Mapping[str, float], rng: np.random.Generator) -> Split:
    """Part a data set such that each bag is in one part, and each part has its share of every label.

    Bags without a usable interval are in no part; see `assign_groups` for the rest.

    Args:
        data: The data set.
        shares: Share of each part by name; they sum to 1.
        rng: Of the deals.
    """
    weights = [np.append(shard.Y[shard.usable].sum(axis=0, dtype=np.float64), shard.usable.sum()) for shard in data]
    dealt = [index for index, weight in enumerate(weights) if weight[-1]]
    part_of_bag = np.full(len(data), _NONE, np.intp)
    if dealt:
        part_of_bag[dealt] = assign_groups(np.array([weights[index] for index in dealt]), list(shares.values()), rng)
    parts = tuple(np.full(len(shard), part) for shard, part in zip(data, part_of_bag, strict=True))
    return Split(data, tuple(shares), parts)


def hold_out(data: Dataset, shares: Mapping[str, float], gap: int, rng: np.random.Generator) -> Split:
    """Part a data set, whole bags to a part.

    With fewer than three usable bags each is cut into one time block a part, in order, with `gap` ns left out between
    blocks so that no sample is seen from both sides. The first part gets at least one interval of each bag.

    Args:
        data: The data set.
        shares: Share of each part by name; they sum to 1.
        gap: ns left out between two time blocks of a bag.
        rng: Of the order in which bags are dealt.
    """
    if sum(shard.usable.any() for shard in data) >= MIN_BAGS:
        return deal_bags(data, shares, rng)
    parts = []
    for shard in data:
        usable = shard.usable
        part = np.full(len(shard), _NONE, np.intp)
        if usable.any():
            first, last = (int(time) for time in shard.time_ns[usable][[0, -1]])
            _cut(part, shard.time_ns, first, last, list(shares.values()), gap)
        parts.append(part)
    return Split(data, tuple(shares), tuple(parts), in_blocks=True)


def _cut(part: Parts, times: NDArray[np.int64], first: int, last: int, shares: Sequence[float], gap: int) -> None:
    """Set the part of the increasing times: a block of [first, last] each, what lies outside with its neighbour.

    The first part gets at least the time `first`.
    """
    edges = [first + max(1, int(share * (last - first))) for share in np.cumsum(shares)[:-1]]
    ends: list[float] = [*edges, np.inf]
    starts: list[float] = [-np.inf, *(edge + gap for edge in edges)]
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        part[(times >= start) & (times < end)] = index
