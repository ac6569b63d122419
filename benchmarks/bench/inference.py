# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare a predictor with functions that compute the same probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench.interleave import medians
from benchmarks.bench.profile import parts_of
from benchmarks.bench.row import Figure, Result
from obstacle_classifier.model import Predictor

__all__ = ["compare"]

Peer = Callable[[NDArray[np.float64]], Any]


def compare(predictor: Predictor, x: NDArray[np.float64], peers: Mapping[str, tuple[Peer, float | None]]) -> Result:
    """Figures of one interval.

    Args:
        predictor: Ours.
        x: (d,) raw features, all known.
        peers: Functions of x (d,) that return probabilities (c,), each with its target ratio.

    Raises:
        AssertionError: A peer gives other probabilities.
    """
    gap = x.copy()
    gap[:: max(1, len(x) // 5)] = np.nan
    for name, (peer, _) in peers.items():
        for row in (x, gap):
            np.testing.assert_allclose(peer(row), predictor.probabilities(row), atol=1e-4, err_msg=name)
    calls: dict[str, Callable[[], object]] = {"ours": lambda: predictor.probabilities(x)}
    calls |= {name: lambda peer=peer: peer(x) for name, (peer, _) in peers.items()}  # type: ignore[misc]
    found = {name: 1e6 * seconds for name, seconds in medians(calls).items()}
    figures = [Figure(name, found["ours"], found[name], "us", most) for name, (_, most) in peers.items()]
    return Result(figures, profile=parts_of(lambda: predictor.probabilities(x)))
