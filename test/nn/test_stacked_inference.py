# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from obstacle_classifier.nn.stacked_inference import CompiledStackedMLP
from obstacle_classifier.nn.stacked_mlp import StackedMLP

pytestmark = pytest.mark.runtime

SHAPES = [(1, 1, 1, 1), (8, 86, 64, 5), (8, 920, 64, 6), (3, 301, 130, 7), (2, 9000, 10, 2)]


def stack(shape: tuple[int, int, int, int] = SHAPES[1]) -> StackedMLP:
    rng = np.random.default_rng(0)
    network = StackedMLP(*shape, rng=rng, dtype=np.float32)
    network.start_from_data(rng.normal(size=(100, shape[1])).astype(np.float32))
    return network


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_network_away_from_the_jump(shape: tuple[int, int, int, int]) -> None:
    network = stack(shape)
    fast = CompiledStackedMLP(network)
    X = np.random.default_rng(1).normal(size=(300, shape[1])).astype(np.float32)
    X = X[network.nearest_jump(X) > 1e-4][:20]
    assert len(X) >= 10
    expected = network.logits(X)
    for i, (x, nearest) in enumerate(zip(X, network.nearest_jump(X), strict=True)):
        np.testing.assert_allclose(fast.logits(x), expected[:, i], rtol=0, atol=1e-5 * np.abs(expected).max())
        assert fast.nearest_jump() == pytest.approx(nearest, abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_same_bits_from_call_to_call_and_instance_to_instance(shape: tuple[int, int, int, int]) -> None:
    network = stack(shape)
    X = np.random.default_rng(3).normal(size=(30, shape[1])).astype(np.float32)
    one, other = CompiledStackedMLP(network), CompiledStackedMLP(network)
    first = [one.logits(x).tobytes() for x in X]
    assert [one.logits(x).tobytes() for x in X] == first
    assert [other.logits(x).tobytes() for x in X[::-1]] == first[::-1]


DIGEST = """
import hashlib
import numpy as np
from obstacle_classifier.nn.stacked_inference import CompiledStackedMLP
from test.nn.test_stacked_inference import SHAPES, stack
digest = hashlib.sha256()
for shape in SHAPES[:-1]:
    network = stack(shape)
    network.W[0][:] = np.random.default_rng(5).normal(size=network.W[0].shape) / shape[1]
    network.W[1][:] = np.random.default_rng(6).normal(size=network.W[1].shape) / shape[2]
    network.b[0][:], network.b[1][:] = 1, 1
    fast = CompiledStackedMLP(network)
    for x in np.random.default_rng(3).normal(size=(20, shape[1])).astype(np.float32):
        digest.update(fast.logits(x).tobytes())
print(digest.hexdigest())
"""


def test_same_bits_from_process_to_process_whatever_the_number_of_blas_threads() -> None:
    def digest(threads: int) -> str:
        environment = os.environ | {name: str(threads) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
        root = Path(__file__).parents[2]
        return subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, cwd=root, check=True, capture_output=True, text=True
        ).stdout

    assert len(digest(1)) == 2 * hashlib.sha256().digest_size + 1
    assert digest(1) == digest(2) == digest(3)


def test_a_call_allocates_nothing() -> None:
    fast = CompiledStackedMLP(stack())
    x = np.ones(SHAPES[1][1], np.float32)
    fast.logits(x)
    tracemalloc.start()
    try:
        for _ in range(100):
            fast.logits(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2000  # views and ints


def test_keeps_its_own_copy_of_the_parameters() -> None:
    network = stack()
    fast = CompiledStackedMLP(network)
    x = np.ones(SHAPES[1][1], np.float32)
    before = fast.logits(x).copy()
    for parameter in network.parameters:
        parameter[:] = 0
    np.testing.assert_array_equal(fast.logits(x), before)


def test_refuses_what_it_cannot_answer() -> None:
    fast = CompiledStackedMLP(stack())
    with pytest.raises(RuntimeError, match="needs a call"):
        fast.nearest_jump()
    with pytest.raises(ValueError, match=r"expected x of shape \(86,\), got \(85,\)"):
        fast.logits(np.ones(85, np.float32))
