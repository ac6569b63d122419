# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Splits that keep what was recorded together on one side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.dataset import Dataset

__all__ = ["MIN_BAGS", "assign_groups", "deal_bags", "hold_out"]

MIN_BAGS = 3
"""Fewer cannot give each of three parts a bag of its own."""

_DEALS = 20
_TINY = 1e-12

Rows = NDArray[np.intp]


def assign_groups(weights: NDArray[np.float64], shares: Sequence[float], rng: np.random.Generator) -> NDArray[np.intp]:
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

    def imbalance(part: NDArray[np.intp]) -> float:
        dealt = [weights[part == index].sum(axis=0) / totals - share for index, share in enumerate(shares)]
        return float(np.square(dealt).sum())

    return min(deals, key=imbalance)


def _deal(weights: NDArray[np.float64], shares: Sequence[float], rng: np.random.Generator) -> NDArray[np.intp]:
    """Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011), with groups for examples.

    What the fewest groups have is dealt first, those groups in random order, each to the part that lacks most of it.
    """
    groups, columns = weights.shape
    totals = np.maximum(weights.sum(axis=0), _TINY)
    lacking = np.outer(shares, totals)
    part = np.full(groups, -1, np.intp)
    left = rng.permutation(groups).tolist()
    while left:
        counts = (weights[left] > 0).sum(axis=0)
        column = min((c for c in range(columns) if counts[c]), key=lambda c: int(counts[c]), default=columns - 1)
        group = next((group for group in left if weights[group, column] > 0), left[0])
        empty = [index for index in range(len(shares)) if not (part == index).any()]
        # The last groups go to parts that would stay empty.
        choices = empty if len(left) <= len(empty) else range(len(shares))
        chosen = max(choices, key=lambda index: (lacking[index, column], lacking[index, -1]))
        part[group] = chosen
        lacking[chosen] -= weights[group]
        left.remove(group)
    return part


def deal_bags(data: Dataset, rows: Rows, shares: Sequence[float], rng: np.random.Generator) -> list[Rows]:
    """Part rows such that all rows of a bag are in one part, each with its share of every label; see `assign_groups`.

    Returns:
        Per part its row indices, in the order given.
    """
    bags = np.unique(data.bag[rows])
    own = [rows[data.bag[rows] == bag] for bag in bags]
    weights = [np.append(data.Y[rows_of_bag].sum(axis=0, dtype=np.float64), len(rows_of_bag)) for rows_of_bag in own]
    part = assign_groups(np.array(weights).reshape(len(bags), -1), shares, rng)
    return [rows[np.isin(data.bag[rows], bags[part == index])] for index in range(len(shares))]


def hold_out(data: Dataset, shares: Sequence[float], gap: int, rng: np.random.Generator) -> list[Rows]:
    """Row indices of the usable intervals by part, whole bags to a part.

    With fewer than three usable bags each is cut into one time block a part, in order, with `gap` ns left out between
    blocks so that no sample is seen from both sides. The first part gets at least one row of each bag.

    Args:
        data: The intervals.
        shares: Share of each part; they sum to 1.
        gap: ns left out between two time blocks of a bag.
        rng: Of the order in which bags are dealt.
    """
    rows = np.flatnonzero(data.usable)
    bags = np.unique(data.bag[rows])
    if len(bags) >= MIN_BAGS:
        return deal_bags(data, rows, shares, rng)
    parts: list[list[Rows]] = [[rows[:0]] for _ in shares]
    for bag in bags:
        own = rows[data.bag[rows] == bag]
        for part, block in enumerate(_blocks(data.time_ns[own], shares, gap)):
            parts[part].append(own[block])
    return [np.concatenate(blocks) for blocks in parts]


def _blocks(times: NDArray[np.int64], shares: Sequence[float], gap: int) -> list[NDArray[np.bool_]]:
    """Which of the increasing times belong to each part; at least the first to the first part."""
    length = float(times[-1] - times[0])
    edges = [int(times[0]) + max(1, int(share * length)) for share in np.cumsum(shares)[:-1]]
    starts = [int(times[0]), *(edge + gap for edge in edges)]
    ends = [*edges, int(times[-1]) + 1]
    return [(times >= start) & (times < end) for start, end in zip(starts, ends, strict=True)]
