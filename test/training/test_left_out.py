# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np

from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.left_out import LeftOut, deal_left_out
from test.helpers.training import make_dataset, make_shard

GAP = 3 * 10**8
"""Three intervals."""


def deal(data: Dataset, count: int, seed: int = 0) -> LeftOut:
    return deal_left_out(data, count, GAP, np.random.default_rng(seed))


def bags_of(groups: LeftOut, data: Dataset) -> list[set[int]]:
    """Groups of each bag."""
    ends = np.cumsum([len(shard) for shard in data])[:-1]
    return [set(part.tolist()) for part in np.split(groups.group, ends)]


def labelled(*carriers: tuple[int, ...], bags: int = 6) -> Dataset:
    """Bags of 10 intervals; label j is in the bags `carriers[j]`."""
    Y = [np.tile([float(bag in own) for own in carriers], (10, 1)).astype(np.float32) for bag in range(bags)]
    return Dataset(tuple(make_shard(str(bag), np.zeros((10, 1)), Y[bag]) for bag in range(bags)))


def test_every_bag_is_in_one_group_and_hidden_from_its_members_alone() -> None:
    data = make_dataset(bags=10)
    groups = deal(data, 4)
    assert len(groups) == 4
    assert all(len(own) == 1 for own in bags_of(groups, data))
    assert groups.judged.all()
    for group in range(4):
        np.testing.assert_array_equal(groups.hidden[group], groups.group == group)


def test_no_more_groups_than_bags() -> None:
    assert len(deal(make_dataset(bags=3), 8)) == 3


def test_each_label_is_on_both_sides() -> None:
    data = labelled((0, 1), (2, 3), (4, 5))
    for seed in range(10):
        groups = deal(data, 2, seed)
        of_bag = bags_of(groups, data)
        for pair in ((0, 1), (2, 3), (4, 5)):
            assert of_bag[pair[0]] != of_bag[pair[1]]


def test_the_only_bag_with_a_label_stays_with_every_member() -> None:
    data = labelled((0, 1, 2, 3, 4, 5), (2,))
    groups = deal(data, 3)
    assert bags_of(groups, data)[2] == {-1}
    assert not groups.hidden[:, 20:30].any()
    assert sorted(set(groups.group.tolist())) == list(range(-1, len(groups)))


def test_a_single_bag_is_cut_into_blocks_of_time_with_a_gap() -> None:
    groups = deal(make_dataset(bags=1, rows=100), 4)
    np.testing.assert_array_equal(groups.group, np.arange(100) // 25)
    np.testing.assert_array_equal(np.flatnonzero(groups.hidden[1]), np.arange(22, 53))
    np.testing.assert_array_equal(np.flatnonzero(groups.hidden[3]), np.arange(72, 100))


def test_a_bag_too_short_for_blocks_is_left_out_by_no_member() -> None:
    groups = deal(make_dataset(bags=1, rows=4), 2)
    assert not groups.judged.any()
    assert not groups.hidden.any()


def test_fewer_than_two_groups_leave_nothing_out() -> None:
    for count in (0, 1):
        groups = deal(make_dataset(), count)
        assert len(groups) == 1
        assert not groups.judged.any()


def test_the_same_generator_deals_the_same_groups() -> None:
    data = make_dataset(bags=10)
    np.testing.assert_array_equal(deal(data, 4, seed=3).group, deal(data, 4, seed=3).group)
