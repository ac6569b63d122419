# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from obstacle_classifier.nn import MLP, SGD, Adam, AdamW, Cosine, Exponential, Momentum, Nesterov, Optimizer
from obstacle_classifier.nn.arrays import Array

pytestmark = pytest.mark.runtime

KINDS: list[Callable[..., Optimizer]] = [SGD, Momentum, Nesterov, Adam, AdamW]


def descend(optimizer: Optimizer, p: float, gradients: list[float]) -> list[float]:
    """A single parameter after each of the steps."""
    parameter = np.array([p])
    path = []
    for gradient in gradients:
        optimizer.step({"p": parameter}, {"p": np.array([gradient])})
        path.append(parameter.item())
    return path


# --- The formulas -----------------------------------------------------------------------------------------------------


def test_sgd_by_hand() -> None:
    assert descend(SGD(0.5, weight_decay=0.1), 2.0, [1.0]) == pytest.approx([2 - 0.5 * (1 + 0.2)])


def test_momentum_by_hand() -> None:
    # v = 1, then 0.5 * 1 + 2 = 2.5.
    assert descend(Momentum(0.1, momentum=0.5), 1.0, [1.0, 2.0]) == pytest.approx([0.9, 0.65])


def test_nesterov_by_hand() -> None:
    # v = 1 and 2.5 as above; the steps are 1 + 0.5 * 1 and 2 + 0.5 * 2.5.
    assert descend(Nesterov(0.1, momentum=0.5), 1.0, [1.0, 2.0]) == pytest.approx([0.85, 0.525])


def test_adam_by_hand() -> None:
    # First step: m / (1 - b1) = g and v / (1 - b2) = g^2, so p changes by the rate, whatever g.
    # Second: m = 0.5 * 1.5 + 0.5 * -1 = 0.25, over 1 - 0.5^2; v = 0.75 * 2.25 + 0.25 * 1 = 1.9375, over 1 - 0.75^2,
    # with m = 0.5 * 3 = 1.5 and v = 0.25 * 9 = 2.25 after the first.
    second = (0.25 / 0.75) / math.sqrt(1.9375 / 0.4375)
    found = descend(Adam(0.1, betas=(0.5, 0.75), eps=0), 1.0, [3.0, -1.0])
    assert found == pytest.approx([0.9, 0.9 - 0.1 * second])


def test_weight_decay_passes_through_adams_estimates_and_past_adamws() -> None:
    assert descend(Adam(0.1, eps=0, weight_decay=0.5), 2.0, [3.0]) == pytest.approx([2 - 0.1])
    assert descend(AdamW(0.1, eps=0, weight_decay=0.5), 2.0, [3.0]) == pytest.approx([2 * (1 - 0.05) - 0.1])


@pytest.mark.parametrize("kind", KINDS)
def test_only_named_parameters_decay(kind: Callable[..., Optimizer]) -> None:
    parameters, free = ({"W": np.ones((2, 2)), "b": np.ones(2)} for _ in range(2))
    for decay, arrays in (({"W": 0.1}, parameters), (0.0, free)):
        optimizer = kind(lr=0.1, weight_decay=decay)
        for gradient in (0.5, -0.2):  # Adam does not see decay beside a gradient that never changes
            optimizer.step(arrays, {"W": np.full((2, 2), gradient), "b": np.full(2, gradient)})
    np.testing.assert_array_equal(parameters["b"], free["b"])
    assert not np.isclose(parameters["W"], free["W"], rtol=1e-4).any()


# --- SGD equals the update of the layers ------------------------------------------------------------------------------


def test_the_layers_step_is_p_less_the_rate_times_the_gradient_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    network = MLP(5, 8, 3, rng, np.float32)
    X, Y = rng.normal(size=(20, 5)), rng.random((20, 3)) < 0.5
    _, gradients = network.loss_and_gradients(X, Y)
    expected = [p - np.float32(0.1) * g for p, g in zip(network.parameters, gradients, strict=True)]
    SGD(np.float64(0.1)).step(network.parameters, gradients)
    for found, wanted in zip(network.parameters, expected, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32(kind: Callable[..., Optimizer]) -> None:
    p = np.ones(3, np.float32)
    optimizer = kind(lr=Exponential(np.float64(0.1), np.float64(0.5)), weight_decay=np.float64(0.1))
    for _ in range(2):
        optimizer.step([p], [np.ones(3, np.float32)])
    assert p.dtype == np.float32
    assert all(array.dtype == np.float32 for name, array in optimizer.state().items() if name != "steps")


# --- Schedules and state ----------------------------------------------------------------------------------------------


def test_the_rate_follows_the_schedule() -> None:
    assert descend(SGD(Exponential(1.0, 0.5)), 0.0, [1.0, 1.0, 1.0]) == [-1.0, -1.5, -1.75]


@pytest.mark.parametrize("kind", KINDS)
def test_going_on_from_a_saved_state_gives_the_same_bits(kind: Callable[..., Optimizer]) -> None:
    rng = np.random.default_rng(1)
    gradients = [{"a.W": rng.normal(size=(3, 2)), "a.b": rng.normal(size=2)} for _ in range(6)]
    whole, halves = ({"a.W": np.ones((3, 2)), "a.b": np.ones(2)} for _ in range(2))
    optimizer = kind(lr=Cosine(0.1, 6), weight_decay=0.01)
    for gradient in gradients:
        optimizer.step(whole, gradient)
    first = kind(lr=Cosine(0.1, 6), weight_decay=0.01)
    for gradient in gradients[:3]:
        first.step(halves, gradient)
    state = first.state()
    first.step({name: array.copy() for name, array in halves.items()}, gradients[3])  # the state is a copy
    second = kind(lr=Cosine(0.1, 6), weight_decay=0.01)
    second.load_state(state)
    for gradient in gradients[3:]:
        second.step(halves, gradient)
    for name, array in whole.items():
        np.testing.assert_array_equal(halves[name], array)
    assert second.state().keys() == optimizer.state().keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"velocity.p": np.zeros(1)}, "found 'velocity.p', which Adam does not keep"),
        ({"mean.q": np.zeros(1)}, "found no 'square.q'"),
        ({"steps": None}, "found no 'steps'"),
    ],
)
def test_the_state_of_another_optimizer_is_refused(change: dict[str, Array | None], message: str) -> None:
    optimizer = Adam()
    optimizer.step({"p": np.ones(1)}, {"p": np.ones(1)})
    state = {name: array for name, array in {**optimizer.state(), **change}.items() if array is not None}
    with pytest.raises(ValueError, match=message):
        Adam().load_state(state)


@pytest.mark.parametrize("gradients", [{"p": np.ones(2)}, {"q": np.ones(1)}, {}])
def test_gradients_of_other_parameters_are_refused(gradients: dict[str, Array]) -> None:
    p, optimizer = np.ones(1), SGD()
    with pytest.raises(ValueError, match=r"^parameters have shapes \{'p': \(1,\)\}, gradients "):
        optimizer.step({"p": p}, gradients)
    assert (p.item(), optimizer.steps) == (1.0, 0)


def test_parameters_of_another_network_are_refused() -> None:
    optimizer = Adam()
    optimizer.step({"p": np.ones(1)}, {"p": np.ones(1)})
    with pytest.raises(ValueError, match="the optimizer's state is of others at 'p'"):
        optimizer.step({"p": np.ones(2)}, {"p": np.ones(2)})


# --- PyTorch's --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.03])
@pytest.mark.parametrize(
    ("kind", "name", "options"),
    [
        (SGD, "SGD", {}),
        (Momentum, "SGD", {"momentum": 0.8}),
        (Nesterov, "SGD", {"momentum": 0.8, "nesterov": True}),
        (Adam, "Adam", {"betas": (0.8, 0.95), "eps": 1e-6}),
        (AdamW, "AdamW", {"betas": (0.8, 0.95), "eps": 1e-6}),
    ],
)
def test_every_step_is_pytorchs(
    kind: Callable[..., Optimizer], name: str, options: dict[str, Any], decay: float
) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    tensors = [torch.tensor(array, requires_grad=True) for array in (W, b)]
    theirs = getattr(torch.optim, name)(tensors, lr=0.05, weight_decay=decay, **options)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, T_max=100)
    ours = kind(lr=Cosine(0.05, 100), weight_decay=decay, **{k: v for k, v in options.items() if k != "nesterov"})
    for _ in range(100):
        gradients = {"W": rng.normal(size=W.shape), "b": rng.normal(size=b.shape)}
        ours.step({"W": W, "b": b}, gradients)
        for tensor, gradient in zip(tensors, gradients.values(), strict=True):
            tensor.grad = torch.tensor(gradient)
        theirs.step()
        schedule.step()
        for array, tensor in zip((W, b), tensors, strict=True):
            np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=1e-6)
