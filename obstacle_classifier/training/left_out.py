# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which training intervals a member of an ensemble leaves out, so that it can judge them later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.split import assign_groups

__all__ = ["LeftOut", "deal_left_out"]

Rows = NDArray[np.intp]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LeftOut:
    """Groups of intervals. Member m of an ensemble leaves out group m modulo their number.

    Attributes:
        group: (n,) group of each interval, -1 if every member trains on it.
        hidden: (g, n) bool, intervals that are hidden from the members that leave out a group: its own, and those
            that share samples with them.
    """

    group: Rows
    hidden: NDArray[np.bool_]

    @classmethod
    def nothing(cls, n: int) -> LeftOut:
        """One group without an interval: all members train on all n."""
        return cls(np.full(n, -1, np.intp), np.zeros((1, n), np.bool_))

    def __len__(self) -> int:
        """Number of groups."""
        return len(self.hidden)


def deal_left_out(
    bag: Rows, time_ns: NDArray[np.int64], Y: Floats, count: int, gap: int, rng: np.random.Generator
) -> LeftOut:
    """Whole bags in at most `count` groups, each with its share of every label; a single bag in blocks of time.

    A label must stay on both sides. If all bags with a label came into one group, they stay with every member instead:
    a member that has never seen the label could not judge it, and would pull the ensemble's probabilities down.

    Args:
        bag: (n,) bag of each interval.
        time_ns: (n,) int64 end of each interval.
        Y: (n, c) targets.
        count: Most groups; fewer than 2 leave nothing out.
        gap: ns within which two intervals of a bag may share samples.
        rng: Of the order in which bags are dealt.
    """
    bags = np.unique(bag)
    if count < 2 or not len(bags):
        return LeftOut.nothing(len(bag))
    if len(bags) == 1:
        group = _blocks(time_ns, count)
    else:
        weights = np.array([np.append(Y[bag == b].sum(axis=0, dtype=np.float64), (bag == b).sum()) for b in bags])
        count = min(count, len(bags))
        group_of_bag = assign_groups(weights, (1 / count,) * count, rng)
        for label in range(Y.shape[1]):
            carriers = weights[:, label] > 0
            if len(np.unique(group_of_bag[carriers])) == 1:
                group_of_bag[carriers] = -1
        group = group_of_bag[np.searchsorted(bags, bag)]
    used = np.unique(group[group >= 0])
    if not len(used):
        return LeftOut.nothing(len(bag))
    group = np.where(group < 0, -1, np.searchsorted(used, group))
    return LeftOut(group, np.stack([_hidden(group == g, bag, time_ns, gap) for g in range(len(used))]))


def _blocks(time_ns: NDArray[np.int64], count: int) -> Rows:
    """Blocks of time of equal length, numbered from 0."""
    edges = np.linspace(float(time_ns.min()), float(time_ns.max()), count + 1)[1:-1]
    return np.searchsorted(edges, time_ns.astype(np.float64), side="right").astype(np.intp)


def _hidden(own: NDArray[np.bool_], bag: Rows, time_ns: NDArray[np.int64], gap: int) -> NDArray[np.bool_]:
    """The group's own intervals, and those of the same bag within `gap` of one."""
    hidden = own.copy()
    for b in np.unique(bag[own]):
        rows = np.flatnonzero(bag == b)
        times = np.sort(time_ns[own & (bag == b)])
        following = np.append(times, np.iinfo(np.int64).max)[np.searchsorted(times, time_ns[rows] - gap)]
        hidden[rows] |= following <= time_ns[rows] + gap
    return hidden
