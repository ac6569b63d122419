# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Inputs on which networks are well behaved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.nn import MLP


def inputs_clear_of_jump(mlp: MLP, n: int, seed: int, margin: float = 1e-2) -> NDArray[np.float64]:
    """(n, d) standard normal rows with every hidden |z - 1| > margin."""
    X = np.random.default_rng(seed).normal(size=(100 * n, mlp.shape[0]))
    X = X[mlp.nearest_jump(X) > margin][:n]
    assert len(X) == n
    return X
