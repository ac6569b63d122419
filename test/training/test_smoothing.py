# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Smoothing over time: the recursion, and the delay that the answers on left-out bags choose."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from obstacle_classifier.training.judged import following
from obstacle_classifier.training.smoothing import DELAYS, choose_smoothing, smooth

Floats = NDArray[np.float64]
SECOND = 10**9


def street(
    bags: int, event: int, noise: float, seed: int = 0
) -> tuple[Floats, Floats, NDArray[np.intp], NDArray[np.bool_]]:
    """Noisy logits of a label that comes and goes every `event` intervals, in bags of 240 intervals."""
    rng = np.random.default_rng(seed)
    n = 240
    y = np.concatenate([(np.arange(n) + rng.integers(2 * event)) // event % 2 for _ in range(bags)]).astype(np.float64)
    z = 2 * (2 * y - 1) + rng.normal(0, noise, bags * n)
    bag = np.arange(bags).repeat(n)
    return z[:, None], y[:, None], bag, following(bag, np.tile(np.arange(n) * SECOND, bags), SECOND)


def test_a_row_that_does_not_follow_starts_anew() -> None:
    Z = np.array([[4.0, 4.0], [0.0, 0.0], [8.0, 8.0], [0.0, 0.0]])
    smoothed = smooth(Z, np.array([False, True, False, True]), [1.0, 0.0])
    np.testing.assert_array_equal(smoothed, [[4.0, 4.0], [2.0, 0.0], [8.0, 8.0], [4.0, 0.0]])


@pytest.mark.parametrize("delay", DELAYS[1:])
def test_the_delay_is_the_mean_age_of_what_is_averaged(delay: float) -> None:
    impulse = np.zeros((500, 1))
    impulse[0] = 1.0
    started = np.vstack([np.zeros((1, 1)), impulse])
    weights = smooth(started, np.arange(501) > 0, [delay])[1:, 0]
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ np.arange(500) == pytest.approx(delay)


def test_long_events_and_noisy_answers_are_smoothed_and_the_loss_on_other_bags_falls() -> None:
    Z, Y, bag, follows = street(12, event=60, noise=6.0)
    (delay,) = choose_smoothing(Z, Y, bag, follows, 8.0)
    assert delay >= 2.0
    Z, Y, _, follows = street(12, event=60, noise=6.0, seed=1)
    wrong = [np.mean((smooth(Z, follows, [d]) > 0) != (Y > 0)) for d in (0.0, delay)]
    assert wrong[1] < 0.6 * wrong[0]


def test_answers_without_noise_are_not_delayed() -> None:
    assert choose_smoothing(*street(12, event=20, noise=0.5), 8.0) == (0.0,)


def test_short_events_are_not_smoothed_away() -> None:
    (delay,) = choose_smoothing(*street(12, event=3, noise=3.0), 8.0)
    assert delay <= 0.5


def test_the_longest_delay_is_respected() -> None:
    noisy = street(12, event=60, noise=6.0)
    assert choose_smoothing(*noisy, 1.0)[0] <= 1.0
    assert choose_smoothing(*noisy, 0.0) == (0.0,)


def test_two_bags_with_a_label_are_too_few_to_choose_by() -> None:
    assert choose_smoothing(*street(2, event=60, noise=6.0), 8.0) == (0.0,)
