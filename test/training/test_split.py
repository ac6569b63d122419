# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.training.dataset import Dataset, Shard
from obstacle_classifier.training.split import Split, _deal, assign_groups, deal_bags, hold_out

PARTS = {"train": 0.6, "validation": 0.2, "test": 0.2}
SHARES = tuple(PARTS.values())
SECOND = 10**9


def dataset(sizes: list[int], unknown: tuple[int, ...] = ()) -> Dataset:
    """Bags of `sizes` intervals a second apart; the label comes and goes; all of the bags in `unknown` is unknown.

    X is the number of the interval, counted over all bags.
    """
    numbers = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return Dataset(
        tuple(
            Shard(
                name=f"bag_{index}",
                sha256="0" * 64,
                X=own[:, None].astype(np.float64),
                Y=(own % 2)[:, None].astype(np.float32),
                time_ns=np.arange(size, dtype=np.int64) * SECOND,
                unknown=np.full(size, index in unknown),
                follows=np.full(size, index not in unknown) & (np.arange(size) > 0),
            )
            for index, (size, own) in enumerate(zip(sizes, numbers, strict=True))
        )
    )


def numbers(data: Dataset) -> list[int]:
    """Which intervals of `dataset` these are."""
    return [int(number) for shard in data for number in shard.X[:, 0]]


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
def test_whole_bags_and_every_interval_once(sizes: list[int], seed: int) -> None:
    data = dataset(sizes)
    split = hold_out(data, PARTS, SECOND, rng(seed))
    parts = [split.take(name) for name in PARTS]
    assert sorted(number for part in parts for number in numbers(part)) == list(range(sum(sizes)))
    assert sorted(name for part in parts for name in part.names) == sorted(data.names), "no bag is on two sides"
    assert all(len(part) for part in parts)
    assert not split.in_blocks


def test_unusable_intervals_are_in_no_part() -> None:
    data = dataset([10, 10, 10, 10], unknown=(1,))
    data.shards[0].Y[0] = np.nan
    split = hold_out(data, PARTS, 0, rng())
    assert numbers(split.take(*PARTS)) == [*range(1, 10), *range(20, 40)]


def test_fewer_than_three_usable_bags_are_cut_in_time() -> None:
    data = dataset([100, 50, 30], unknown=(2,))
    split = hold_out(data, PARTS, 4 * SECOND, rng())
    assert split.in_blocks
    blocks = [split.take(name).shards for name in PARTS]
    assert [shards[0].time_ns[[0, -1]].tolist() for shards in blocks] == [
        [0, 59 * SECOND],
        [64 * SECOND, 79 * SECOND],
        [84 * SECOND, 99 * SECOND],
    ]
    assert [[shard.name for shard in shards] for shards in blocks] == [["bag_0", "bag_1"]] * 3
    for bag in (0, 1):
        times = [shards[bag].time_ns for shards in blocks]
        assert all(later[0] - earlier[-1] > 4 * SECOND for earlier, later in pairwise(times))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shortest_bag_can_still_be_trained_on(size: int) -> None:
    split = hold_out(dataset([size]), PARTS, 10 * SECOND, rng())
    assert split.take("train").intervals >= 1
    assert split.take("validation", "test").intervals == 0, "the gap swallows them"


def test_without_a_usable_interval_all_parts_are_empty() -> None:
    split = hold_out(dataset([5, 5, 5], unknown=(0, 1, 2)), PARTS, 0, rng())
    assert split.take(*PARTS).intervals == 0


def test_parts_keep_the_order_of_the_data_set() -> None:
    data = dataset([5] * 6)
    split = deal_bags(data, {"one": 0.5, "other": 0.5}, rng())
    for names in (("one",), ("other",), ("other", "one")):
        assert numbers(split.take(*names)) == sorted(numbers(split.take(*names)))
    assert numbers(split.take("one", "other")) == list(range(30))


def test_a_split_without_a_part_holds_nothing_of_it() -> None:
    for sizes in ([100, 50], [10] * 6):  # blocks of time, and whole bags
        split = hold_out(dataset(sizes), PARTS, 4 * SECOND, rng())
        rest = split.without("test")
        for name in ("train", "validation"):
            assert numbers(rest.take(name)) == numbers(split.take(name))
        assert rest.take("test").intervals == 0
        assert not set(numbers(rest.data)) & set(numbers(split.take("test")))


# --- Coverage ---------------------------------------------------------------------------------------------------------


def test_coverage_of_whole_bags_counts_all_their_labelled_intervals() -> None:
    data = dataset([10, 10])
    data.shards[1].unknown[:3] = True
    data.shards[1].Y[3:5] = np.nan
    split = Split(data, ("train", "test"), (np.zeros(10, np.intp), np.ones(10, np.intp)))
    assert split.coverage("test") == 5 / 8
    assert split.coverage("train") == 1


def test_coverage_of_blocks_of_time_is_that_of_the_block() -> None:
    """Unknown intervals of the training block say nothing about the test block."""
    data = dataset([100])
    data.shards[0].unknown[1:51] = True
    split = hold_out(data, PARTS, 0, rng())
    assert numbers(split.take("test")) == list(range(80, 100))
    assert split.coverage("test") == 1.0
    assert split.coverage("train") < 0.2


# --- Speed ------------------------------------------------------------------------------------------------------------


def quadratic_deal(weights: NDArray[np.float64], shares: Sequence[float], rng: np.random.Generator) -> NDArray[np.intp]:
    """The same deal as it reads in the paper: everything is counted anew for each group."""
    groups, columns = weights.shape
    lacking = np.outer(shares, np.maximum(weights.sum(axis=0), 1e-12))
    part = np.full(groups, -1, np.intp)
    left = rng.permutation(groups).tolist()
    while left:
        counts = (weights[left] > 0).sum(axis=0)
        column = min((c for c in range(columns) if counts[c]), key=lambda c: int(counts[c]), default=columns - 1)
        group = next((group for group in left if weights[group, column] > 0), left[0])
        empty = [index for index in range(len(shares)) if not (part == index).any()]
        choices = empty if len(left) <= len(empty) else range(len(shares))
        chosen = max(choices, key=lambda index: (lacking[index, column], lacking[index, -1]))
        part[group] = chosen
        lacking[chosen] -= weights[group]
        left.remove(group)
    return part


@given(
    st.integers(1, 40).flatmap(
        lambda groups: arrays(np.float64, (groups, 4), elements=st.sampled_from([0.0, 0.0, 1.0, 2.5, 40.0]))
    ),
    st.sampled_from([(0.6, 0.2, 0.2), (0.5, 0.5), (1 / 3, 1 / 3, 1 / 3), (1.0,)]),
    st.integers(0, 9),
)
def test_the_fast_deal_is_the_slow_one(weights: NDArray[np.float64], shares: tuple[float, ...], seed: int) -> None:
    np.testing.assert_array_equal(_deal(weights, shares, rng(seed)), quadratic_deal(weights, shares, rng(seed)))


def test_the_work_of_a_deal_grows_as_the_bags() -> None:
    """Eight times the bags take about eight times the work, counted in numbers that are looked at."""

    class Row(np.ndarray):
        """Counts them."""

        looked_at = 0

        def __getitem__(self, key: Any) -> Any:
            found = super().__getitem__(key)
            Row.looked_at += np.size(found)
            return found

    work = []
    for groups in (500, 4000):
        weights = np.random.default_rng(0).integers(0, 3, (groups, 5)).astype(np.float64)
        Row.looked_at = 0
        _deal(weights.view(Row), SHARES, rng())
        work.append(Row.looked_at)
    assert 500 < work[0] < work[1] < 12 * work[0]
