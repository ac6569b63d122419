# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pickle
from typing import Any

import pytest

from obstacle_classifier.nn import Constant, Cosine, Exponential, Schedule, StepDecay, WarmUp

pytestmark = pytest.mark.runtime


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Constant(0.5), {0: 0.5, 99: 0.5}),
        (Exponential(1.0, 0.5), {0: 1.0, 1: 0.5, 3: 0.125}),
        (StepDecay(1.0, every=3), {0: 1.0, 2: 1.0, 3: 0.1, 6: 0.01}),
        (Cosine(2.0, steps=4), {0: 2.0, 1: 1.7071067811865475, 2: 1.0, 4: 0.0, 9: 0.0}),
        (Cosine(2.0, steps=4, lowest=1.0), {0: 2.0, 2: 1.5, 4: 1.0, 9: 1.0}),
        (WarmUp(Constant(1.0), steps=4, start=0.2), {0: 0.2, 1: 0.4, 4: 1.0, 9: 1.0}),
        (WarmUp(Cosine(2.0, steps=4), steps=2, start=0.5), {0: 1.0, 1: 0.75 * 1.7071067811865475, 2: 1.0, 4: 0.0}),
    ],
)
def test_rates_by_hand(schedule: Schedule, rates: dict[int, float]) -> None:
    assert {step: schedule(step) for step in rates} == pytest.approx(rates, abs=1e-15)


def test_a_schedule_reaches_another_process() -> None:
    schedule = WarmUp(Cosine(2.0, steps=4), steps=2)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.parametrize(
    ("schedule", "name", "options"),
    [
        (Exponential(0.3, 0.9), "ExponentialLR", {"gamma": 0.9}),
        (StepDecay(0.3, 7, 0.3), "StepLR", {"step_size": 7, "gamma": 0.3}),
        (Cosine(0.3, 40, 0.01), "CosineAnnealingLR", {"T_max": 40, "eta_min": 0.01}),
        (WarmUp(Constant(0.3), 9), "LinearLR", {"start_factor": 1 / 3, "total_iters": 9}),
    ],
)
def test_rates_are_pytorchs(schedule: Schedule, name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    for step in range(40):
        assert schedule(step) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12), step
        optimizer.step()
        scheduler.step()
