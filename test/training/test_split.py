# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.split import assign_groups, deal_bags, hold_out

SHARES = (0.6, 0.2, 0.2)
SECOND = 10**9


def dataset(sizes: list[int], unknown: tuple[int, ...] = (), labels: int = 1) -> Dataset:
    """Bags of `sizes` intervals a second apart; the label comes and goes; all of the bags in `unknown` is unknown."""
    bag = np.repeat(np.arange(len(sizes)), sizes)
    n = len(bag)
    return Dataset(
        X=np.zeros((n, 1)),
        Y=np.tile((np.arange(n) % 2)[:, None], (1, labels)).astype(np.float32),
        time_ns=np.concatenate([np.arange(size, dtype=np.int64) * SECOND for size in [*sizes, 0]]),
        bag=bag,
        unknown=np.isin(bag, unknown),
        bags=tuple(f"bag_{index}" for index in range(len(sizes))),
    )


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50)), min_size=3, max_size=20),
    st.integers(0, 9),
)
def test_no_part_is_empty(weights: list[tuple[int, int, int]], seed: int) -> None:
    part = assign_groups(np.array(weights, float), SHARES, rng(seed))
    assert set(part.tolist()) == {0, 1, 2}


@given(st.lists(st.integers(1, 20), min_size=30, max_size=60), st.integers(0, 9))
def test_parts_get_about_their_share_of_each_label(sizes: list[int], seed: int) -> None:
    label = np.arange(len(sizes)) % 3  # one label a bag
    weights = np.array([[*(size * (label[i] == c) for c in range(3)), size] for i, size in enumerate(sizes)], float)
    part = assign_groups(weights, SHARES, rng(seed))
    for column in weights.T:
        dealt = np.array([column[part == index].sum() for index in range(3)])
        assert np.abs(dealt - np.array(SHARES) * column.sum()).max() <= column.max(), "no more than a bag off"


def test_a_rare_label_is_dealt_by_its_own_share() -> None:
    weights = np.array([[10, 10]] * 5 + [[0, 100]] * 9, float)
    for seed in range(20):
        part = assign_groups(weights, SHARES, rng(seed))
        assert sorted(part[:5].tolist()) == [0, 0, 0, 1, 2]


def test_the_seed_decides_and_nothing_else() -> None:
    weights = np.ones((12, 2))
    deals = [tuple(assign_groups(weights, SHARES, rng(seed))) for seed in (1, 1, 2, 3, 4)]
    assert deals[0] == deals[1]
    assert len(set(deals)) > 1


@given(st.lists(st.integers(1, 30), min_size=3, max_size=12), st.integers(0, 9))
def test_whole_bags_and_every_row_once(sizes: list[int], seed: int) -> None:
    data = dataset(sizes)
    parts = hold_out(data, SHARES, SECOND, rng(seed))
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(data.X)))
    bags = [set(data.bag[part].tolist()) for part in parts]
    assert sum(map(len, bags)) == len(sizes), "no bag is on two sides"
    assert all(bags)


def test_unusable_rows_are_in_no_part() -> None:
    data = dataset([10, 10, 10, 10], unknown=(1,))
    data.Y[0] = np.nan
    rows = np.concatenate(hold_out(data, SHARES, 0, rng()))
    assert sorted(rows.tolist()) == [*range(1, 10), *range(20, 40)]


def test_fewer_than_three_usable_bags_are_cut_in_time() -> None:
    data = dataset([100, 50, 30], unknown=(2,))
    parts = hold_out(data, SHARES, 4 * SECOND, rng())
    assert [data.time_ns[part[data.bag[part] == 0]][[0, -1]].tolist() for part in parts] == [
        [0, 59 * SECOND],
        [64 * SECOND, 79 * SECOND],
        [84 * SECOND, 99 * SECOND],
    ]
    for bag in (0, 1):
        blocks = [data.time_ns[part[data.bag[part] == bag]] for part in parts]
        assert all(later[0] - earlier[-1] > 4 * SECOND for earlier, later in pairwise(blocks))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shortest_bag_can_still_be_trained_on(size: int) -> None:
    train, validation, test = hold_out(dataset([size]), SHARES, 10 * SECOND, rng())
    assert len(train) >= 1
    assert len(validation) == len(test) == 0, "the gap swallows them"


def test_without_a_usable_row_all_parts_are_empty() -> None:
    assert [len(part) for part in hold_out(dataset([5, 5, 5], unknown=(0, 1, 2)), SHARES, 0, rng())] == [0, 0, 0]


def test_dealing_keeps_the_order_of_rows() -> None:
    data = dataset([5] * 6)
    rows = np.arange(5, 30)
    for part in deal_bags(data, rows, (0.5, 0.5), rng()):
        assert (np.diff(part) > 0).all()
