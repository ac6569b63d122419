# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The ensemble on the last M feature vectors."""

from __future__ import annotations

import numpy as np
import pytest

from obstacle_classifier.errors import ModelError
from obstacle_classifier.networks import WindowNetwork
from obstacle_classifier.networks.ensemble import MOST_ENTRIES
from obstacle_classifier.nn.stacked_mlp import StackedMLP
from test.helpers.kinds import LABELS, LAYOUT, features, made

pytestmark = pytest.mark.runtime


def window() -> WindowNetwork:
    network = made("window")
    assert isinstance(network, WindowNetwork)
    return network


def test_inputs_are_the_encoded_vectors_newest_first_and_zeros_before_the_run() -> None:
    network, X = window(), features(5)
    one, inputs = network.encoding(X), network.inputs(X).reshape(5, 3, -1)
    np.testing.assert_array_equal(inputs[4], one[[4, 3, 2]])
    np.testing.assert_array_equal(inputs[1], [one[1], one[0], np.zeros_like(one[0])])
    np.testing.assert_array_equal(inputs[0, 1:], 0)
    assert network.inputs(X[:1]).shape == (1, 3 * len(network.encoding))


def test_compiled_forgets_what_is_older_than_the_window() -> None:
    compiled, X = window().compile(), features(20)
    for x in X[:17]:
        compiled.logits(x)
    last = [compiled.logits(x).tobytes() for x in X[17:]][-1]
    compiled.reset()
    again = [compiled.logits(x).tobytes() for x in X[17:]]
    assert again[-1] == last
    assert compiled.spread() is not None


def test_the_entries_of_a_sensor_are_in_every_vector() -> None:
    network = window()
    X = np.full((3, len(LAYOUT.columns)), np.nan)
    X[:, [3, 4]] = [5.5, 1.5]  # only the second sensor is known
    mask = np.zeros(network.inputs(X).shape[1], bool)
    for entries in network.entries_of(LAYOUT.slices["far"]):
        mask[entries] = True
    inputs = network.inputs(X)[2]
    assert inputs[mask].any()
    assert not inputs[~mask].any()
    assert mask.sum() % network.window == 0


def test_many_vectors_get_fewer_bins() -> None:
    network = WindowNetwork.create(
        features(500), LAYOUT, LABELS, hidden=2, rng=np.random.default_rng(0), members=1, bins=32, window=8
    )
    assert network.window == 8
    assert 1 <= len(network.encoding) <= MOST_ENTRIES // 8


def test_refuses_members_of_another_width() -> None:
    encoding = window().encoding
    with pytest.raises(ModelError, match=f"found 7 inputs, expected 1 to 64 times the {len(encoding)} entries"):
        WindowNetwork(encoding, StackedMLP(1, 7, 4, LABELS), 6)


def test_some_members_are_a_window_too() -> None:
    network = window()
    some = network.subset(slice(0, 2))
    assert isinstance(some, WindowNetwork)
    assert (some.members, some.window) == (2, 3)
