# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Labelled intervals with a model's answers: the table that scores and reports are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Judged", "following"]


@dataclass(frozen=True)
class Judged:
    """n known, labelled intervals of b bags, bag after bag, in time order.

    Attributes:
        names: Names of the b bags.
        bag: (n,) intp index into `names`.
        time_ns: (n,) int64 interval ends.
        Y: (n, c) float32, 1 where a label is present, else 0.
        P: (n, c) float64 probabilities.
        present: (n, c) bool decisions.
        interval: Length of an interval in ns.
        group: (n,) intp group of bags; intervals of different groups were judged by different members, whose
            probabilities do not rank against each other. None if one network judged all.
    """

    names: tuple[str, ...]
    bag: NDArray[np.intp]
    time_ns: NDArray[np.int64]
    Y: NDArray[np.float32]
    P: NDArray[np.float64]
    present: NDArray[np.bool_]
    interval: int
    group: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.Y)

    @property
    def follows(self) -> NDArray[np.bool_]:
        """(n,) whether an interval directly follows the one before, in the same bag."""
        return following(self.bag, self.time_ns, self.interval)

    def select(self, rows: NDArray[np.bool_]) -> Judged:
        """The intervals where `rows` (n,) is true."""
        return replace(
            self,
            bag=self.bag[rows],
            time_ns=self.time_ns[rows],
            Y=self.Y[rows],
            P=self.P[rows],
            present=self.present[rows],
            group=None if self.group is None else self.group[rows],
        )


def following(bag: NDArray[np.intp], time_ns: NDArray[np.int64], interval: int) -> NDArray[np.bool_]:
    """(n,) bool: whether an interval directly follows the one before, in the same bag.

    Args:
        bag: (n,) bag of each interval.
        time_ns: (n,) interval ends.
        interval: Length of an interval in ns.
    """
    return np.asarray((np.diff(bag, prepend=-1) == 0) & (np.diff(time_ns, prepend=0) == interval))
