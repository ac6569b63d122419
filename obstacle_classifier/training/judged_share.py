# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which intervals are judged where there are too many to judge all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_JUDGED", "middle"]

MOST_JUDGED = 2**17
"""Intervals that are judged in a run at most, 3.6 hours at 10 Hz: scores need some hundred bytes for each."""


def middle(sizes: Sequence[int], most: int = MOST_JUDGED) -> list[NDArray[np.bool_]]:
    """The intervals to judge: all, or of more than `most` the middle of each bag, the same share of each.

    The intervals of a bag stay neighbours, so that events and smoothing keep their meaning.

    Args:
        sizes: Number of intervals of each bag.
        most: Intervals in all, about.

    Returns:
        For each bag (n,) bool.
    """
    share = min(1.0, most / max(1, sum(sizes)))
    masks = []
    for size in sizes:
        kept = size if share == 1.0 else min(size, max(1, round(share * size)))
        mask = np.zeros(size, np.bool_)
        mask[(size - kept) // 2 : (size - kept) // 2 + kept] = True
        masks.append(mask)
    return masks
