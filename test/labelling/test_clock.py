# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The position on the screen when a key was pressed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.labelling.clock import SPEEDS, PlayingClock

S = 10**9


def test_the_reaction_time_counts_in_time_of_the_viewer() -> None:
    clock = PlayingClock(60 * S)
    clock.change(100.0, 10 * S, 2.0)
    assert clock.at(101.0) == 12 * S
    assert clock.at(101.0, reaction=0.25) == 11.5 * S


def test_a_change_of_speed_in_between_counts() -> None:
    clock = PlayingClock(60 * S)
    clock.change(0.0, 0, 1.0)
    clock.change(10.0, 10 * S, 4.0)
    assert clock.at(10.1, reaction=0.3) == pytest.approx(9.8 * S, abs=10)
    clock.change(11.0, 14 * S, 0.0)
    assert clock.at(20.0, reaction=0.3) == 14 * S
    assert clock.at(11.1, reaction=0.3) == pytest.approx(13.2 * S, abs=10)


def test_no_position_is_taken_from_before_a_jump() -> None:
    clock = PlayingClock(60 * S)
    clock.change(0.0, 0, 1.0)
    clock.change(5.0, 40 * S, 1.0)
    assert clock.at(5.1, reaction=0.3) == 40 * S
    clock.change(6.0, 41 * S, 0.0)
    clock.change(8.0, 20 * S, 0.0)
    clock.change(9.0, 20 * S, 1.0)
    assert clock.at(9.1, reaction=0.3) == 20 * S


def test_the_position_stays_in_the_recording() -> None:
    clock = PlayingClock(10 * S)
    clock.change(0.0, 9 * S, 8.0)
    assert clock.at(5.0) == 10 * S
    clock.change(6.0, -S, 0.0)
    assert clock.at(7.0) == 0


@pytest.mark.parametrize("speed", [-1.0, 0.1, 8.5])
def test_other_speeds_are_refused(speed: float) -> None:
    with pytest.raises(ValueError, match=r"expected 0 or 0\.25 to 8"):
        PlayingClock(S).change(0.0, 0, speed)


@given(st.lists(st.tuples(st.floats(0.01, 5.0), st.sampled_from([0.0, *SPEEDS])), max_size=20), st.floats(0.0, 3.0))
def test_playing_without_jumps_is_continuous(steps: list[tuple[float, float]], reaction: float) -> None:
    clock = PlayingClock(10_000 * S)
    wall = position = 0.0
    history = [(0.0, 0.0)]
    for length, speed in steps:
        clock.change(wall, round(position * 1e9), speed)
        history.append((wall, position))
        wall, position = wall + length, position + length * speed
    history.append((wall, position))
    seen = wall - reaction
    expected = 0.0
    for (a, x), (b, y) in pairwise(history):
        if a <= seen <= b and b > a:
            expected = x + (y - x) * (seen - a) / (b - a)
    assert clock.at(wall, reaction) == pytest.approx(expected * 1e9, abs=1000)


def test_the_stretches_that_were_played() -> None:
    clock = PlayingClock(60 * S)
    clock.change(0.0, 0, 2.0)
    clock.change(5.0, 10 * S, 0.0)
    clock.change(7.0, 30 * S, 1.0)
    assert clock.played(0.0, 9.0) == [(0, 10 * S), (30 * S, 32 * S)]
    assert clock.played(4.0, 6.0) == [(8 * S, 10 * S)]
