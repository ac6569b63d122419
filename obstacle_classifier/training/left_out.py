# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which training intervals a member of an ensemble leaves out, so that it can judge them later."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.dataset import Dataset, Shard
from obstacle_classifier.training.split import assign_groups

__all__ = ["LeftOut", "deal_left_out"]

_NONE = -1

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class LeftOut:
    """Groups of the n intervals of a data set. Member m of an ensemble leaves out group m modulo their number.

    Attributes:
        group: (n,) group of each interval, -1 if nobody judges it.
        hidden: (g, n) bool, intervals that are hidden from the members that leave out a group: its own, and those
            that share samples with them.
    """

    group: Indices
    hidden: NDArray[np.bool_]

    @classmethod
    def nothing(cls, n: int) -> LeftOut:
        """One group without an interval: all members train on all n."""
        return cls(np.full(n, _NONE, np.intp), np.zeros((1, n), np.bool_))

    def judging(self, rows: NDArray[np.bool_]) -> LeftOut:
        """The same members, which judge only the intervals where `rows` (n,) is true."""
        return self if rows.all() else replace(self, group=np.where(rows, self.group, _NONE))

    def __len__(self) -> int:
        """Number of groups."""
        return len(self.hidden)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) bool, intervals that some members leave out."""
        return np.asarray(self.group != _NONE)


def deal_left_out(data: Dataset, count: int, gap: int, rng: np.random.Generator) -> LeftOut:
    """Whole bags in at most `count` groups, each with its share of every label; a single bag in blocks of time.

    A label must stay on both sides. If all bags with a label came into one group, they stay with every member instead:
    a member that has never seen the label could not judge it, and would pull the ensemble's probabilities down.

    Args:
        data: Usable intervals.
        count: Most groups; fewer than 2 leave nothing out.
        gap: ns within which two intervals of a bag may share samples.
        rng: Of the order in which bags are dealt.
    """
    if count < 2 or not len(data):
        return LeftOut.nothing(data.intervals)
    if len(data) == 1:
        groups = [_blocks(data.shards[0].time_ns, count)]
    else:
        groups = [
            np.full(len(shard), group, np.intp)
            for shard, group in zip(data, _deal(data, min(count, len(data)), rng), strict=True)
        ]
    used = np.unique(np.concatenate(groups))
    used = used[used != _NONE]
    if not len(used):
        return LeftOut.nothing(data.intervals)
    groups = [np.where(group == _NONE, _NONE, np.searchsorted(used, group)) for group in groups]
    hidden = np.stack(
        [
            np.concatenate([_hidden(shard, group == index, gap) for shard, group in zip(data, groups, strict=True)])
            for index in range(len(used))
        ]
    )
    if hidden.all(axis=1).any():  # a bag too short for blocks: a member would have nothing to train on
        return LeftOut.nothing(data.intervals)
    return LeftOut(np.concatenate(groups), hidden)


def _deal(data: Dataset, count: int, rng: np.random.Generator) -> Indices:
    """Group of each bag, -1 for those that stay with every member."""
    weights = np.array([np.append(shard.Y.sum(axis=0, dtype=np.float64), len(shard)) for shard in data])
    group = assign_groups(weights, (1 / count,) * count, rng)
    carried = weights[:, :-1].T > 0
    alone = [carriers for carriers in carried if len(np.unique(group[carriers])) == 1]
    for carriers in alone:
        group[carriers] = _NONE
    return group


def _blocks(time_ns: NDArray[np.int64], count: int) -> Indices:
    """Number of the block of each interval: blocks of time of equal length."""
    start, length = int(time_ns[0]), int(time_ns[-1] - time_ns[0]) + 1
    return ((time_ns - start) * count // length).astype(np.intp)


def _hidden(shard: Shard, own: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """The intervals of a bag that belong to a group, and those within `gap` of one."""
    if not own.any():
        return own
    times = np.append(shard.time_ns[own], np.iinfo(np.int64).max)
    following = times[np.searchsorted(times, shard.time_ns - gap)]
    return np.asarray(following <= shard.time_ns + gap)
