# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a model proposes and doubts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.labelling.opinion import Opinion
from obstacle_classifier.model.decision import DecisionRule

STEP = 100


def opinion(
    p: Sequence[float], rule: DecisionRule | None = None, spread: Sequence[float] | None = None, first: int = 0
) -> Opinion:
    column = np.array(p, np.float32)[:, None]
    spreads = None if spread is None else np.array(spread, np.float32)[:, None]
    ends = first + STEP * np.arange(len(p), dtype=np.int64)
    return Opinion(ends, column, spreads, ["dog"], [rule or DecisionRule()], STEP)


Track = tuple[tuple[int, int], ...]


def stretches(found: Opinion, labelled: Track = (), rejected: Track = ()) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in found.proposals({"dog": labelled}, {"dog": rejected})]


def test_a_proposal_has_the_intervals_at_or_above_the_threshold() -> None:
    assert stretches(opinion([0, 0.5, 0.6, 0.9, 0.4, 0])) == [(100, 400)]


def test_the_hysteresis_ends_short_gaps_but_moves_no_edge() -> None:
    rule = DecisionRule(0.5, enter=2, exit=3)
    assert stretches(opinion([0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0], rule)) == [(300, 1000)]
    assert stretches(opinion([0, 1, 1, 1, 0, 0], rule)) == [(100, 600)], "not yet absent when the recording ends"


def test_an_unknown_interval_ends_a_proposal() -> None:
    nan = float("nan")
    assert stretches(opinion([1, 1, 1, nan, 1, 1, 1])) == [(0, 300), (400, 700)]


def test_labelled_and_rejected_times_are_not_proposed() -> None:
    found = opinion([1.0] * 20)
    assert stretches(found, labelled=((0, 800),)) == [(800, 2000)]
    assert stretches(found, labelled=((0, 800),), rejected=((900, 2000),)) == [], "one interval at an edge"
    assert stretches(found, rejected=((500, 600),)) == [(0, 500), (600, 2000)]


def test_doubt_is_1_at_the_threshold_and_0_where_the_model_is_sure() -> None:
    found = opinion([0.0, 0.1, 0.2, 0.6, 1.0, float("nan")], DecisionRule(threshold=0.2))
    assert found.doubt == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0, 0.0])


def test_members_that_disagree_are_doubt() -> None:
    assert opinion([0.0, 0.0], spread=[0.1, 0.5]).doubt == pytest.approx([0.2, 1.0])


def test_doubtful_stretches_join_short_gaps_and_leave_out_single_intervals() -> None:
    p = [0.0] * 5 + [0.5, 0.5, 0.0, 0.0, 0.5] + [0.0] * 10 + [0.5] + [0.0] * 5
    found = opinion(p)
    assert found.doubtful() == ((500, 1000),)
    assert found.doubtful(within=((0, 500),)) == ()
    assert found.doubtful(within=((0, 600),)) == ((500, 1000),)


def test_doubt_per_minute_and_expected_share_count_the_times_asked_for() -> None:
    found = opinion([0.5] * 10 + [1.0] * 30)
    assert found.doubt_per_minute(((0, 4000),)) == pytest.approx(15.0)
    assert found.doubt_per_minute(((0, 1000),)) == pytest.approx(60.0)
    assert found.doubt_per_minute(()) == 0.0
    assert found.expected("dog", ((0, 4000),)) == pytest.approx(0.875)
    assert found.expected("cat", ((0, 4000),)) == found.expected("dog", ()) == 0.0


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40),
    st.integers(1, 4),
    st.integers(1, 4),
    st.floats(0.1, 0.9),
)
def test_accepting_every_proposal_leaves_none(p: list[float], enter: int, exit_: int, threshold: float) -> None:
    found = opinion(p, DecisionRule(threshold, enter, exit_))
    taken = found.proposals({}, {})
    assert found.proposals({"dog": tuple((each.start, each.end) for each in taken)}, {}) == []
