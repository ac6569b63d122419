# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from obstacle_classifier.nn import kaiming_normal, xavier_normal, xavier_uniform
from obstacle_classifier.nn.arrays import Array

pytestmark = pytest.mark.runtime

D, H = 200, 100
INITIALIZERS = [(kaiming_normal, 2 / D), (xavier_normal, 2 / (D + H)), (xavier_uniform, 2 / (D + H))]


@pytest.mark.parametrize(("draw", "variance"), INITIALIZERS)
def test_weights_have_mean_0_and_the_variance_of_the_formula(draw: Callable[..., Array], variance: float) -> None:
    W = draw(D, H, 0)
    assert W.shape == (D, H)
    assert abs(W.mean()) < 4 * math.sqrt(variance / W.size)
    assert np.var(W) == pytest.approx(variance, rel=4 * math.sqrt(2 / W.size))


def test_uniform_weights_are_within_their_bound_and_come_near_it() -> None:
    bound = math.sqrt(6 / (D + H))
    assert 0.999 * bound < np.abs(xavier_uniform(D, H, 0)).max() <= bound


@pytest.mark.parametrize("draw", [draw for draw, _ in INITIALIZERS])
def test_the_seed_decides_in_every_precision(draw: Callable[..., Array]) -> None:
    W = draw(3, 4, 7)
    np.testing.assert_array_equal(draw(3, 4, np.random.default_rng(7)), W)
    np.testing.assert_array_equal(draw(3, 4, 7, np.float32), W.astype(np.float32))
    assert not np.array_equal(draw(3, 4, 8), W)


@pytest.mark.parametrize("draw", [draw for draw, _ in INITIALIZERS])
@pytest.mark.parametrize("shape", [(0, 1), (1, 0)])
def test_a_layer_of_nothing_is_refused(draw: Callable[..., Array], shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"one output, got {shape[0]} and {shape[1]}$"):
        draw(*shape)
