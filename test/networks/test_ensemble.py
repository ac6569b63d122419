# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.networks.ensemble import EnsembleNetwork, logit_of_mean
from obstacle_classifier.networks.network import Batch
from obstacle_classifier.nn import sigmoid
from obstacle_classifier.nn.stacked_mlp import StackedMLP

pytestmark = pytest.mark.runtime

SENSORS = parse_sensors(
    {
        "interval": 0.1,
        "labels": ["one", "two", "three"],
        "sensors": {
            "range": {
                "type": "std_msgs/msg/Float32",
                "topic": "/range",
                "statistics": ["last", "mean", "min"],
                "timeout": 0.3,
            },
        },
    },
    "test",
)
LAYOUT = SENSORS.layout
LABELS = 3
Floats = NDArray[np.float64]


def rows(n: int = 400, seed: int = 0) -> Floats:
    """Raw features: three scales, some unknown, a sensor that is missing at times."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(1e6, 1e3, n), rng.exponential(1e-3, n), rng.integers(0, 3, n), rng.random(n) < 0.2])
    X[rng.random((n, 4)) < [0.2, 0.1, 0.0, 0.0]] = np.nan
    return X


def network(members: int = 4, bins: int = 5) -> EnsembleNetwork:
    rng = np.random.default_rng(1)
    made = EnsembleNetwork.create(rows(), LAYOUT, LABELS, hidden=16, rng=rng, members=members, bins=bins)
    made.stack.W[2] *= 3  # members that disagree
    return made


def clear_rows(made: EnsembleNetwork, n: int = 50) -> Floats:
    X = rows(5000, seed=2)
    X = X[made.stack.nearest_jump(made.inputs(X)) > 1e-4][:n]
    assert len(X) == n
    return X


def test_the_logit_is_that_of_the_mean_probability() -> None:
    made = network()
    inputs = made.inputs(rows())
    mean = sigmoid(made.member_logits(inputs).astype(np.float64)).mean(axis=0)
    np.testing.assert_allclose(sigmoid(made.logits(inputs)), mean, rtol=1e-5)


def test_logit_of_mean_by_hand() -> None:
    assert logit_of_mean(np.array([0.0, np.log(3)])) == pytest.approx(np.log(0.625 / 0.375))  # of 0.5 and 0.75
    for z in (-650.0, -20.0, 0.0, 40.0, 650.0):  # one member, or equal ones, keep their logit however certain
        assert logit_of_mean(np.full(1, z)) == pytest.approx(z, abs=1e-12)
        assert logit_of_mean(np.full(8, z)) == pytest.approx(z, abs=1e-12)
    assert logit_of_mean(np.array([-1e30, 1e30])) == pytest.approx(0)
    assert np.isfinite(logit_of_mean(np.array([1e30, 1e38], np.float32)))


@pytest.mark.parametrize("members", [1, 4])
def test_compiled_equals_the_network_away_from_the_jump(members: int) -> None:
    made = network(members)
    fast = made.compile()
    X = clear_rows(made)
    Z = made.member_logits(made.inputs(X))
    nearest = made.stack.nearest_jump(made.inputs(X))
    for i, x in enumerate(X):
        np.testing.assert_allclose(fast.logits(x), made.logits(made.inputs(X))[i], atol=1e-5)
        spread = fast.spread()
        assert (spread is None) == (members == 1), "one member cannot disagree"
        if spread is not None:
            np.testing.assert_allclose(spread, sigmoid(Z[:, i]).std(axis=0), atol=1e-6)
        assert fast.margin() == pytest.approx(nearest[i], abs=1e-5)


def test_compiled_gives_the_same_bits_from_call_to_call_and_instance_to_instance() -> None:
    made = network()
    X = rows(100, seed=3)
    one, other = made.compile(), made.compile()
    first = [one.logits(x).tobytes() for x in X]
    assert [one.logits(x).tobytes() for x in X] == first
    assert [other.logits(x).tobytes() for x in X[::-1]] == first[::-1]


def test_compiled_allocates_nothing() -> None:
    fast = network(bins=8).compile()
    x = rows(1)[0]
    fast.logits(x)
    tracemalloc.start()
    try:
        for _ in range(100):
            fast.logits(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2000  # views and ints


def test_compiled_is_a_copy() -> None:
    made = network()
    fast, x = made.compile(), rows(1)[0]
    before = fast.logits(x).copy()
    for parameter in made.parameters().values():
        parameter[:] = 0
    np.testing.assert_array_equal(fast.logits(x), before)


def test_any_finite_or_infinite_features_give_finite_logits() -> None:
    fast = network().compile()
    for value in (np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0):
        assert np.isfinite(fast.logits(np.full(4, value))).all()


def test_an_unknown_column_counts_as_its_training_mean() -> None:
    made = network()
    x = rows(1, seed=5)
    x[0, 0] = np.nan
    assert not made.inputs(x)[0, made.encoding.entries_of(slice(0, 1))].any()


def test_restored_from_spec_and_arrays() -> None:
    made = network()
    types = EnsembleNetwork.array_types(made.spec(), len(LAYOUT.columns), LABELS)
    arrays = made.arrays()
    assert {name: (array.dtype.str, array.shape) for name, array in arrays.items()} == types
    again = EnsembleNetwork.restore(made.spec(), arrays)
    again.check(LAYOUT)
    assert again.spec() == made.spec()
    x = rows(1, seed=4)[0]
    assert again.compile().logits(x).tobytes() == made.compile().logits(x).tobytes()
    again.parameters()["W0"][:] = 0
    assert made.parameters()["W0"].any()


@pytest.mark.parametrize(("key", "value"), [("columns", 5), ("labels", 2)])
def test_refuses_a_spec_for_other_columns_or_labels(key: str, value: int) -> None:
    with pytest.raises(ModelError, match="expected 4 columns and 3 labels"):
        EnsembleNetwork.array_types(network().spec() | {key: value}, len(LAYOUT.columns), LABELS)


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        ("W1", (0, 1, 2), np.nan, r"W1: index \(0, 1, 2\): found nan"),
        ("b0", (3, 0), 1e7, "b0: .* at most 1e\\+06"),
        ("column", 0, 4, "column: .* expected 0 to 3"),
        ("column", 0, 3, "column: .* do not fall"),
        ("width", 1, 0.0, "width: .* more than 0"),
        ("width", 1, 1e-12, "least: .* widths from the origin"),
        ("least", 2, np.inf, "least: .* at most 1e\\+300"),
        ("most", 2, -1e9, "most: .* at least `least`"),
        ("origin", 2, np.nan, "origin: .* at most 1e\\+300"),
    ],
)
def test_check_refuses(name: str, index: Any, value: float, message: str) -> None:
    made = network()
    arrays = {key: array.copy() for key, array in made.arrays().items()}
    arrays[name][index] = value
    with pytest.raises(ModelError, match=message):
        EnsembleNetwork.restore(made.spec(), arrays).check(LAYOUT)


def test_refuses_an_encoding_of_another_width() -> None:
    made = network()
    with pytest.raises(ModelError, match="found 3 inputs for an encoding of"):
        EnsembleNetwork(made.encoding, StackedMLP(1, 3, 4, LABELS), 4)


def test_a_batch_may_give_each_member_rows_of_its_own() -> None:
    made = network()
    inputs = made.inputs(rows(20))
    Y = (np.random.default_rng(0).random((20, LABELS)) < 0.5).astype(np.float32)
    loss, shared = made.gradients(Batch(inputs, Y))
    expected = {name: gradient.copy() for name, gradient in shared.items()}
    own_loss, own = made.gradients(Batch(np.stack([inputs] * 4), np.stack([Y] * 4)))
    assert own_loss == pytest.approx(loss, rel=1e-6)
    assert list(own) == list(made.parameters())
    for name, gradient in own.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-3, atol=1e-6)


def test_summary() -> None:
    assert network().summary() == "4 x (4 -> 13 -> 16 -> 16 -> 3), ensemble, 2188 parameters"


def test_many_columns_get_fewer_bins() -> None:
    rng = np.random.default_rng(0)
    wide = replace(LAYOUT, columns=tuple(f"c{i}" for i in range(300)), is_missing=np.zeros(300, np.bool_))
    made = EnsembleNetwork.create(rng.normal(size=(50, 300)), wide, LABELS, hidden=2, rng=rng, members=1, bins=8)
    assert len(made.encoding) == 4 * 300
