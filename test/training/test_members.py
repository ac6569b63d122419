# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.networks.ensemble import logit_of_mean
from obstacle_classifier.progress import Silent
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.left_out import LeftOut, deal_left_out
from obstacle_classifier.training.members import FittedMembers, MemberOptions, fit_members
from obstacle_classifier.training.recipes import DefaultSettings
from test.helpers.training import SENSORS, Recorder, make_dataset, make_shard

OPTIONS = replace(DefaultSettings().member_options(4), hidden=16, bins=4, epochs=10, least_steps=1, batch_size=16)
DATA = make_dataset(bags=8, rows=50)


def fit(data: Dataset = DATA, groups: int = 4, options: MemberOptions = OPTIONS) -> tuple[FittedMembers, LeftOut]:
    left_out = deal_left_out(data, groups, 0, np.random.default_rng(0))
    return fit_members(data, left_out, SENSORS.layout, options, Silent()), left_out


def accuracy(logits: np.ndarray, Y: np.ndarray) -> float:
    return float(((logits > 0) == (Y > 0)).mean())


def test_it_learns() -> None:
    fitted, _ = fit(options=replace(OPTIONS, epochs=40))
    X, Y = DATA.stack()
    assert fitted.losses[-1] < 0.8 * fitted.losses[0]
    assert accuracy(fitted.network.logits(fitted.network.inputs(X)), Y) > 0.85
    assert accuracy(fitted.unseen_logits, Y) > 0.75
    assert fitted.unseen_losses[-1] < fitted.unseen_losses[0]


def test_unseen_logits_are_those_of_the_members_that_left_the_bag_out() -> None:
    fitted, left_out = fit(groups=2)
    X, _ = DATA.stack()
    Z = fitted.network.member_logits(fitted.network.inputs(X))
    for group in range(2):
        rows = left_out.group == group
        np.testing.assert_allclose(fitted.unseen_logits[rows], logit_of_mean(Z[group::2])[rows], atol=1e-5)


def test_members_know_nothing_of_the_bags_that_they_leave_out() -> None:
    options = replace(OPTIONS, epochs=2)
    fitted, left_out = fit(options=options)
    # Other targets in the bags of group 0: members 0 of 4 stays the same, every other member changes.
    X, Y = DATA.stack()
    Y = np.where(left_out.group[:, None] == 0, 1 - Y, Y)
    changed = Dataset(tuple(make_shard(shard.name, X[50 * i :][:50], Y[50 * i :][:50]) for i, shard in enumerate(DATA)))
    again = fit_members(changed, left_out, SENSORS.layout, options, Silent())
    for name, parameter in fitted.network.parameters().items():
        same = [np.array_equal(a, b) for a, b in zip(parameter, again.network.parameters()[name], strict=True)]
        assert same == [True, False, False, False], name


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    one, same, other = (fit(options=replace(OPTIONS, epochs=2, seed=seed))[0] for seed in (1, 1, 2))
    for name, parameter in one.network.parameters().items():
        assert parameter.tobytes() == same.network.parameters()[name].tobytes()
        assert parameter.tobytes() != other.network.parameters()[name].tobytes()
    assert one.unseen_logits.tobytes() == same.unseen_logits.tobytes()


def test_members_differ() -> None:
    fitted, _ = fit(groups=0, options=replace(OPTIONS, epochs=2))
    W = fitted.network.stack.W[0]
    assert all(not np.allclose(W[0], W[member]) for member in range(1, 4))


def test_without_groups_nothing_is_judged() -> None:
    fitted, _ = fit(groups=0)
    assert np.isnan(fitted.unseen_logits).all()
    assert fitted.unseen_losses == ()


def test_one_member_without_mixup_and_dropout() -> None:
    options = replace(OPTIONS, members=1, mixup=0, dropout=0, sensor_dropout=0, epochs=40)
    fitted, _ = fit(groups=0, options=options)
    X, Y = DATA.stack()
    assert accuracy(fitted.network.logits(fitted.network.inputs(X)), Y) > 0.9


def test_few_intervals_are_gone_through_more_often() -> None:
    X, Y = DATA.stack()
    data = Dataset((make_shard("short", X[:20], Y[:20]),))
    fitted, _ = fit(data, groups=0, options=replace(OPTIONS, epochs=2, least_steps=30))
    assert len(fitted.losses) == 30  # one step an epoch: 20 intervals in batches of 16


def test_progress_is_told_of_every_epoch() -> None:
    progress = Recorder()
    fit_members(DATA, deal_left_out(DATA, 2, 0, np.random.default_rng(0)), SENSORS.layout, OPTIONS, progress)
    assert progress.stages == [("epochs", 10)]
    assert len(progress.notes) == 10
    assert "on unseen bags" in progress.notes[-1]


def test_more_groups_than_members_are_refused() -> None:
    with pytest.raises(ValueError, match="2 members cannot leave out 4 groups"):
        fit(options=replace(OPTIONS, members=2))


def test_a_loss_that_is_not_finite_stops_with_epoch_and_batch() -> None:
    with pytest.raises(ConfigError, match=r"learning_rate 1e\+30: found a loss of (nan|inf) in epoch 1, batch \d+"):
        fit(options=replace(OPTIONS, learning_rate=1e30))


def test_sensor_dropout_hides_a_whole_sensor_at_times() -> None:
    # `noise` alone tells: with it dropped always, nothing can be learnt from it.
    X, _ = make_dataset(bags=6, rows=50).stack()
    noise = SENSORS.layout.slices["noise"].start
    Y = np.repeat((X[:, [noise]] > 5).astype(np.float32), 2, axis=1)
    data = Dataset(tuple(make_shard(str(i), X[50 * i :][:50], Y[50 * i :][:50]) for i in range(6)))
    learnt, ignored = (
        fit(data, groups=0, options=replace(OPTIONS, sensor_dropout=share, epochs=30))[0] for share in (0.0, 1.0)
    )
    assert accuracy(learnt.network.logits(learnt.network.inputs(X)), Y) > 0.9
    assert accuracy(ignored.network.logits(ignored.network.inputs(X)), Y) < 0.8
