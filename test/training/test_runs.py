# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs: what a network with memory sees before the intervals that count."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from obstacle_classifier.networks import Memory
from obstacle_classifier.training.dataset import Dataset, Shard, directly_follows
from obstacle_classifier.training.examples import Examples
from obstacle_classifier.training.judges import Judges
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.split import Split, hold_out
from test.helpers.leaky import LeakyNetwork
from test.helpers.training import SENSORS, make_shard

LAYOUT = SENSORS.layout
D = len(LAYOUT.columns)
IGNORED, UNKNOWN = (3, 7), (5, 11)  # intervals of a bag of 20


class CountingNetwork(LeakyNetwork):
    """Its inputs are the number of an interval and its place in its run; its logits add up the places so far."""

    kind: ClassVar[str] = "counting"
    memory: ClassVar[Memory] = Memory.STATE

    def inputs(self, X: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.column_stack([X[:, 0], np.arange(len(X))]).astype(np.float32)

    def logits(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.cumsum(inputs[:, 1:], axis=0)


class OppositeNetwork(CountingNetwork):
    def logits(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return -super().logits(inputs)


class PlaceNetwork(CountingNetwork):
    memory: ClassVar[Memory] = Memory.INPUTS


class SeeingNetwork(CountingNetwork):
    """Its inputs are the number of an interval, from 1, and whether the sensor `noise` is missing."""

    def inputs(self, X: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.column_stack([X[:, 0] + 1, X[:, LAYOUT.missing["noise"]]]).astype(np.float32)


def make(kind: type[CountingNetwork]) -> Any:
    return kind(np.zeros((D, 1)), np.zeros(D), np.ones(D))


def bag(number: int, rows: int = 20) -> Shard:
    """Two intervals have no label, and two are unknown. The first column counts the intervals."""
    X = np.zeros((rows, D))
    X[:, 0] = 100 * number + np.arange(rows)
    Y = (np.arange(rows) % 2)[:, None].astype(np.float32)
    Y[list(IGNORED)] = np.nan
    return make_shard(f"bag_{number}", X, Y, np.isin(np.arange(rows), UNKNOWN))


def data(bags: int = 2) -> Dataset:
    return Dataset(tuple(map(bag, range(bags))))


def test_a_run_ends_at_a_gap_and_at_an_unknown_interval() -> None:
    times = np.array([10, 20, 30, 50, 60, 70, 80], np.int64)
    unknown = np.array([0, 0, 0, 0, 0, 1, 0], bool)
    assert directly_follows(times, unknown, 10).tolist() == [False, True, True, False, True, False, False]


def test_unlabelled_intervals_are_history_and_unknown_ones_end_a_run() -> None:
    runs = Runs.of(data().usable(), Memory.STATE)
    assert runs.X[:, 0].tolist() == [100 * b + k for b in (0, 1) for k in range(20) if k not in UNKNOWN]
    assert runs.X[runs.starts, 0].tolist() == [0, 6, 12, 100, 106, 112]
    usable = [k for k in range(20) if k not in UNKNOWN + IGNORED]
    assert runs.X[runs.rows, 0].tolist() == [100 * b + k for b in (0, 1) for k in usable]
    assert runs.bag.tolist() == [0] * 18 + [1] * 18


def test_inputs_and_logits_begin_anew_in_every_run() -> None:
    runs, network = Runs.of(data(1).usable(), Memory.STATE), make(CountingNetwork)
    places = [np.arange(length) for length in (5, 5, 8)]
    assert runs.inputs(network)[:, 1].tolist() == np.concatenate(places).tolist()
    sums = np.concatenate([np.cumsum(run) for run in places])
    assert runs.logits(network)[:, 0].tolist() == sums[runs.rows].tolist()


def test_without_memory_only_the_intervals_that_count_are_seen() -> None:
    chosen = data().usable()
    runs = Runs.of(chosen, Memory.NONE)
    np.testing.assert_array_equal(runs.X, chosen.stack()[0])
    assert runs.rows.tolist() == list(range(len(runs.X)))


def test_a_selection_keeps_its_history_and_a_cut_does_not() -> None:
    (shard,) = data(1)
    some = np.arange(20) >= 14
    assert Runs.of(Dataset((shard.select(some),)), Memory.STATE).X[0, 0] == 0
    runs = Runs.of(Dataset((shard.cut(some),)).usable(), Memory.STATE)
    assert runs.X[:, 0].tolist() == list(range(14, 20))
    assert runs.starts.tolist() == [0]


def test_the_history_of_a_part_is_of_the_same_part() -> None:
    split = hold_out(data(2), {"train": 0.5, "test": 0.5}, 10**8, np.random.default_rng(0))
    assert split.in_blocks
    test = Runs.of(split.take("test"), Memory.STATE)
    train = Runs.of(split.without("test").take("train"), Memory.STATE)
    assert not set(test.X[:, 0]) & set(train.X[:, 0])
    assert test.starts[0] == 0


def test_parts_of_a_selection_are_cut_in_time() -> None:
    usable = data(1).usable()
    part = (np.arange(usable.intervals) >= 7).astype(np.intp)
    late = Runs.of(Split(usable, ("early", "late"), (part,)).take("late"), Memory.STATE)
    assert late.X[:, 0].tolist() == [10, *range(12, 20)]


def test_some_of_the_intervals_keep_the_runs_of_their_bags() -> None:
    runs = Runs.of(data(3).usable(), Memory.STATE)
    count = len(runs.rows) // 3
    some = runs.only(np.arange(count + 2, 2 * count))
    assert some.X[:, 0].tolist() == [100 + k for k in range(20) if k not in UNKNOWN]
    assert some.X[some.starts, 0].tolist() == [100, 106, 112]
    np.testing.assert_array_equal(some.X[some.rows], runs.X[runs.rows[count + 2 : 2 * count]])


def test_judges_answer_for_their_own_groups() -> None:
    runs = Runs.of(data(3).usable(), Memory.STATE)
    group = np.repeat([1, -1, 0], len(runs.rows) // 3)
    answers = Judges((make(CountingNetwork), make(OppositeNetwork))).logits(runs, group)
    expected = runs.logits(make(CountingNetwork))
    np.testing.assert_array_equal(answers[group == 0], expected[group == 0])
    np.testing.assert_array_equal(answers[group == 1], -expected[group == 1])
    assert np.isnan(answers[group == -1]).all()


@pytest.mark.parametrize("stretch", [1, 4, 50])
def test_stretches_show_every_target_once_within_its_run(stretch: int) -> None:
    chosen = data(2).usable()
    runs = Runs.of(chosen, Memory.STATE)
    examples = Examples(chosen, Memory.STATE, LAYOUT, 10, stretch)
    rng = np.random.default_rng(0)
    first = set()
    for _ in range(10):
        seen: list[int] = []
        for count, batch in examples.epoch(make(CountingNetwork), rng):
            assert batch.inputs.shape[1:] == (stretch, 2)
            is_target = ~np.isnan(batch.targets[:, :, 0])
            assert is_target.sum() == count
            numbers = batch.inputs[is_target][:, 0]
            seen += numbers.astype(int).tolist()
            np.testing.assert_array_equal(batch.targets[is_target][:, 0], numbers % 2)
            for rows in batch.inputs:
                known = rows[: 1 + int(np.flatnonzero(rows.any(axis=1)).max(initial=0))]
                assert (np.diff(known, axis=0) == 1).all(), "the rows of a stretch follow each other in one run"
                first.add(float(rows[0, 0]))
        assert sorted(seen) == runs.X[runs.rows, 0].tolist()
    if stretch == 4:
        assert len(first) > 2 * len(runs.X) // stretch, "the stretches begin elsewhere in each epoch"


def test_a_sensor_is_dropped_from_a_whole_stretch() -> None:
    examples = Examples(data(8).usable(), Memory.STATE, LAYOUT, 40, 4)
    shares = []
    rng = np.random.default_rng(0)
    for _ in range(20):
        for _, batch in examples.epoch(make(SeeingNetwork), rng):
            for rows in batch.inputs:
                missing = rows[rows[:, 0] > 0, 1]
                assert missing.min() == missing.max()
                shares.append(missing[0])
    assert 0.07 < np.mean(shares) < 0.13


def test_memory_in_the_inputs_is_computed_from_the_history() -> None:
    chosen = data(2).usable()
    examples = Examples(chosen, Memory.INPUTS, LAYOUT, 8, 4)
    batches = [batch for _, batch in examples.epoch(make(PlaceNetwork), np.random.default_rng(0))]
    places = {int(number): int(place) for batch in batches for number, place in batch.inputs}
    assert len(places) == chosen.intervals
    assert places[6] == 0
    assert places[10] == 4, "interval 7 has no label, and still is history"
    assert places[119] == 7
    assert [len(batch.targets) for batch in batches[:-1]] == [8] * (len(batches) - 1)
