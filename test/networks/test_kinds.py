# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What every kind of network owes: its file, its runs, its compiled form, its gradients."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.networks import Batch, Memory, Network, network_class, registered
from obstacle_classifier.nn import log_loss_from_logits
from test.helpers.kinds import LABELS, LAYOUT, features, made

pytestmark = pytest.mark.runtime

D = len(LAYOUT.columns)
KINDS = ("ensemble", "lstm", "mlp", "scan", "window")
CLEAR = 1e-4  # distance to ScaledReLU's jump from which rounding does not matter


def test_the_list_is_complete() -> None:
    assert registered() == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_restored_from_spec_and_arrays(kind: str) -> None:
    network = made(kind)
    arrays = network.arrays()
    types = network_class(kind).array_types(network.spec(), D, LABELS)
    assert {name: (array.dtype.str, array.shape) for name, array in arrays.items()} == types
    again = network_class(kind).restore(network.spec(), arrays)
    again.check(LAYOUT)
    assert again.spec() == network.spec()
    one, other = network.compile(), again.compile()
    for x in features(20):
        assert one.logits(x).tobytes() == other.logits(x).tobytes()
    for parameter in again.parameters().values():
        parameter[...] = 0
    assert all(parameter.any() for name, parameter in network.parameters().items() if name.startswith(("W", "U")))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("d", "c"), [(D + 1, LABELS), (D, LABELS - 1)])
def test_refuses_a_spec_for_other_columns_or_labels(kind: str, d: int, c: int) -> None:
    with pytest.raises(ModelError, match=f"expected {d} (columns|inputs) and {c} (labels|outputs)"):
        network_class(kind).array_types(made(kind).spec(), d, c)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 2e6])
def test_refuses_parameters_that_are_not_finite_or_too_large(kind: str, value: float) -> None:
    network = made(kind)
    for name in network.parameters():
        arrays = {key: array.copy() for key, array in network.arrays().items()}
        arrays[name].flat[-1] = value
        with pytest.raises(ModelError, match=rf"^{name}: index .*: found .* at most (1e\+06|1000)"):
            network_class(kind).restore(network.spec(), arrays).check(LAYOUT)


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_equals_the_network_in_a_run(kind: str) -> None:
    network = made(kind)
    compiled, X = network.compile(), features(60)
    expected = network.logits(network.inputs(X))
    near = 0
    for x, logits in zip(X, expected, strict=True):
        found = compiled.logits(x)
        if compiled.margin() < CLEAR:
            near += 1
            continue
        np.testing.assert_allclose(found, logits, atol=2e-5)
    assert near < 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_the_same_vectors_gives_the_same_bits(kind: str) -> None:
    network = made(kind)
    one, other = network.compile(), network.compile()
    X = features(30)
    first = [one.logits(x).tobytes() for x in X]
    after = [one.logits(x).tobytes() for x in X]
    assert (after == first) == (network.memory is Memory.NONE), "only memory makes a difference"
    one.reset()
    assert [one.logits(x).tobytes() for x in X] == first
    assert [other.logits(x).tobytes() for x in X] == first


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_allocates_nothing(kind: str) -> None:
    compiled, X = made(kind).compile(), features(2)
    compiled.logits(X[0])
    tracemalloc.start()
    try:
        for _ in range(100):
            compiled.logits(X[1])
        compiled.reset()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2000, "views and ints"


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_is_a_copy(kind: str) -> None:
    network = made(kind)
    compiled, x = network.compile(), features(1)[0]
    before = compiled.logits(x).copy()
    for parameter in network.parameters().values():
        parameter[...] = 0
    compiled.reset()
    np.testing.assert_array_equal(compiled.logits(x), before)


@pytest.mark.parametrize("kind", KINDS)
def test_any_features_give_finite_logits(kind: str) -> None:
    network = made(kind)
    compiled = network.compile()
    for value in (np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0, np.nan):
        assert np.isfinite(compiled.logits(np.full(D, value))).all()
        assert np.isfinite(network.logits(network.inputs(np.full((3, D), value)))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_the_derivative_of_the_mean_loss(kind: str) -> None:
    """A step against the gradient lowers the loss by as much as the gradient says."""
    network = made(kind)
    batch = batch_of(network)
    loss, gradients = network.gradients(batch)
    gradients = {name: gradient.copy() for name, gradient in gradients.items()}
    assert list(gradients) == list(network.parameters())
    assert loss == pytest.approx(loss_of(network, batch), rel=1e-5)
    square = sum(float(np.square(gradient, dtype=np.float64).sum()) for gradient in gradients.values())
    rate = 2e-4 / square  # the loss falls by 0.0002: hardly a unit crosses its jump
    for name, parameter in network.parameters().items():
        parameter[...] -= rate * gradients[name]
    assert loss - loss_of(network, batch) == pytest.approx(2e-4, rel=0.1)


def batch_of(network: Network) -> Batch:
    """Some of its targets are unknown if the network has a state."""
    rng = np.random.default_rng(3)
    if network.memory is not Memory.STATE:
        return Batch(network.inputs(features(40)), (rng.random((40, LABELS)) < 0.4).astype(np.float32))
    targets = (rng.random((5, 8, LABELS)) < 0.4).astype(np.float32)
    targets[1, 3:] = np.nan
    targets[4, 0] = np.nan
    return Batch(network.inputs(features(40)).reshape(5, 8, -1), targets)


def loss_of(network: Network, batch: Batch) -> float:
    """The mean loss of the members over the targets, by `logits`."""
    stack: Any = getattr(network, "stack", None)
    if stack is not None:
        return float(np.mean([log_loss_from_logits(batch.targets, Z) for Z in stack.logits(batch.inputs)]))
    if network.memory is not Memory.STATE:
        return log_loss_from_logits(batch.targets, network.logits(batch.inputs))
    Z = np.concatenate([network.logits(rows) for rows in batch.inputs])
    Y = batch.targets.reshape(Z.shape)
    known = ~np.isnan(Y[:, 0])
    return log_loss_from_logits(Y[known], Z[known])


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_column_counts_as_its_training_mean(kind: str) -> None:
    network = made(kind)
    X: NDArray[np.float64] = features(1)
    X[0, :2] = np.nan
    inputs = network.inputs(X).reshape(-1)
    assert (inputs == 0).sum() >= 2
