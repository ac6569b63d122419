# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which rows a member trains on next, and which rows stand for very many."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from obstacle_classifier.training import scratch
from obstacle_classifier.training.batches import Order
from obstacle_classifier.training.judged_share import middle
from obstacle_classifier.training.scratch import blocks, representative, take

HIDDEN = np.arange(30) % 3 == 0


def test_an_order_gives_every_row_that_is_not_hidden_once_before_it_begins_anew() -> None:
    order = Order(HIDDEN, np.random.default_rng(0), None)
    assert len(order) == 20
    first, second = order.next(20).tolist(), order.next(20).tolist()
    assert sorted(first) == sorted(second) == np.flatnonzero(~HIDDEN).tolist()
    assert first != second


def test_a_batch_may_be_larger_than_an_order() -> None:
    rows = Counter(Order(HIDDEN, np.random.default_rng(0), None).next(50).tolist())
    assert set(rows) == set(np.flatnonzero(~HIDDEN).tolist())
    assert set(rows.values()) == {2, 3}


@pytest.mark.parametrize("taken", [0, 7, 20, 33])
def test_an_order_continues_from_its_state(taken: int) -> None:
    rng = np.random.default_rng(0)
    order = Order(HIDDEN, rng, None)
    order.next(taken)
    state, generator = order.state(), rng.bit_generator.state
    expected = order.next(30)
    other = np.random.default_rng(1)
    continued = Order(HIDDEN, other, None)
    continued.load(state)
    other.bit_generator.state = generator
    np.testing.assert_array_equal(continued.next(30), expected)


def test_an_order_in_a_file_is_the_same(tmp_path: Path) -> None:
    here, there = (Order(HIDDEN, np.random.default_rng(0), folder) for folder in (None, tmp_path))
    np.testing.assert_array_equal(here.next(50), there.next(50))
    assert list(tmp_path.iterdir()) == []  # the file has no name, and ends with the process


def test_few_intervals_are_all_judged() -> None:
    assert [mask.tolist() for mask in middle([2, 0, 3], most=5)] == [[True] * 2, [], [True] * 3]


def test_of_many_intervals_the_middle_of_each_bag_is_judged() -> None:
    first, second = middle([100, 20], most=30)
    assert np.flatnonzero(first).tolist() == list(range(37, 62))
    assert np.flatnonzero(second).tolist() == list(range(7, 12))


def test_a_short_bag_has_one_judged_interval_at_least() -> None:
    assert [int(mask.sum()) for mask in middle([1000, 1], most=10)] == [10, 1]


def test_representative_rows_are_all_rows_while_they_are_few() -> None:
    X = np.zeros((5, 2))
    assert representative(X) is X


def test_representative_rows_of_many_are_stretches_from_start_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.repeat(np.arange(1000.0)[:, None], 2, axis=1)
    monkeypatch.setattr(scratch, "IN_MEMORY", 8000)
    sample = representative(X)[:, 0]
    assert sample.nbytes * 2 <= 4000
    stretches = sample.reshape(-1, 64)
    np.testing.assert_array_equal(np.diff(stretches, axis=1), 1)
    assert (stretches[0, 0], stretches[-1, -1]) == (0, 999)


def test_rows_are_taken_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_BLOCK", 4)
    assert list(blocks(9)) == [slice(0, 4), slice(4, 8), slice(8, 9)]
    array, rows = np.arange(18.0).reshape(9, 2), np.arange(9) % 2 == 0
    np.testing.assert_array_equal(take(array, rows, tmp_path), array[rows])
