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

from obstacle_classifier.nn import MLP, CompiledMLP
from test.helpers.networks import inputs_clear_of_jump

pytestmark = pytest.mark.runtime

SHAPES = [(1, 1, 1), (8, 16, 3), (64, 128, 10), (301, 130, 7), (3000, 10, 2)]


def network(shape: tuple[int, int, int] = (64, 128, 10)) -> MLP:
    mlp = MLP(*shape, rng=0, dtype=np.float32)
    rng = np.random.default_rng(1)
    for linear in mlp.linears:
        linear.b[:] = rng.normal(size=linear.b.shape)
    return mlp


def compiled(mlp: MLP) -> CompiledMLP:
    return CompiledMLP([(linear.W, linear.b) for linear in mlp.linears])


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_network_away_from_the_jump(shape: tuple[int, int, int]) -> None:
    mlp = network(shape)
    fast = compiled(mlp)
    X = inputs_clear_of_jump(mlp, 20, seed=2, margin=1e-3 if shape[1] < 100 else 3e-4).astype(np.float32)
    expected = mlp.logits(X)
    scale = np.abs(expected).max()
    for x, row, nearest in zip(X, expected, mlp.nearest_jump(X), strict=True):
        logits = fast.logits(x)
        assert logits.dtype == np.float32
        assert logits.shape == (shape[2],)
        np.testing.assert_allclose(logits, row, rtol=0, atol=1e-5 * scale)
        assert fast.nearest_jump() == pytest.approx(nearest, abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_same_bits_from_call_to_call_and_instance_to_instance(shape: tuple[int, int, int]) -> None:
    mlp = network(shape)
    X = np.random.default_rng(3).normal(size=(50, shape[0])).astype(np.float32)
    one, other = compiled(mlp), compiled(mlp)
    first = [one.logits(x).tobytes() for x in X]
    assert [one.logits(x).tobytes() for x in X] == first
    assert [other.logits(x).tobytes() for x in X[::-1]] == first[::-1]
    padded = np.zeros((50, shape[0] + 1), np.float32)  # rows at any address, not only aligned ones
    padded[:, 1:] = X
    assert [other.logits(x).tobytes() for x in padded[:, 1:]] == first


DIGEST = """
import hashlib, sys
import numpy as np
from obstacle_classifier.nn import CompiledMLP
from test.nn.test_inference import SHAPES, compiled, network
digest = hashlib.sha256()
for shape in SHAPES:
    fast = compiled(network(shape))
    for x in np.random.default_rng(3).normal(size=(20, shape[0])).astype(np.float32):
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


def test_by_hand() -> None:
    fast = CompiledMLP([(np.array([[1.0, 2.0]]), np.array([0.0, 0.5])), (np.array([[1.0], [10.0]]), np.array([0.25]))])
    np.testing.assert_array_equal(fast.logits(np.array([0.5], np.float32)), [2 * 1.5 * 10 + 0.25])  # z = (0.5, 1.5)
    assert fast.nearest_jump() == 0.5
    np.testing.assert_array_equal(fast.logits(np.array([0.25], np.float32)), [0.25])  # z = (0.25, 1): at 1 it is 0
    assert fast.nearest_jump() == 0.0
    np.testing.assert_array_equal(fast.logits(np.array([2.0], np.float32)), [2 * 2 + 2 * 4.5 * 10 + 0.25])


def test_one_linear_layer() -> None:
    fast = CompiledMLP([(np.array([[2.0], [3.0]]), np.array([1.0]))])
    np.testing.assert_array_equal(fast.logits(np.array([1.0, 1.0])), [6.0])
    assert fast.nearest_jump() == float("inf")


def test_weights_are_copied_and_the_output_is_reused() -> None:
    mlp = network()
    fast = compiled(mlp)
    x = np.ones(64, np.float32)
    first = fast.logits(x)
    before = first.copy()
    mlp.linears[0].W[:] = 0
    assert fast.logits(x) is first
    np.testing.assert_array_equal(first, before)
    assert first.ctypes.data % 64 == 0


def test_nan_is_not_hidden() -> None:
    x = np.ones(64, np.float32)
    x[3] = np.nan
    assert np.isnan(compiled(network()).logits(x)).all()


def test_nothing_is_allocated_in_steady_state() -> None:
    h = 4096  # so that an array would show beside the few objects of a call
    fast = CompiledMLP([(np.ones((4, h)), np.ones(h)), (np.ones((h, 2)), np.ones(2))])
    x = np.ones(4, np.float32)

    def run(calls: int) -> None:
        for _ in range(calls):
            fast.logits(x)
            fast.nearest_jump()

    run(10)
    tracemalloc.start()
    try:
        run(10)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        run(1000)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 64  # bytes, after 1000 calls
    assert peak - before < h  # at no moment a byte per hidden unit


def test_nearest_jump_needs_a_call() -> None:
    with pytest.raises(RuntimeError, match="needs a call of logits"):
        compiled(network()).nearest_jump()


def test_wrong_shapes_are_named() -> None:
    fast = compiled(network((8, 16, 3)))
    for shape in [(7,), (1, 8), ()]:
        with pytest.raises(ValueError, match=r"expected x of shape \(8,\), got \("):
            fast.logits(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        [((2, 3), (2,))],
        [((2, 3), (3,)), ((4, 1), (1,))],
        [((2,), (2,))],
        [((2, 3), (3,)), ((3, 1), ())],
        [((), ())],
    ],
)
def test_parameters_that_do_not_chain_are_refused(shapes: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
    with pytest.raises(ValueError, match="that chain from layer to layer, got"):
        CompiledMLP([(np.zeros(W), np.zeros(b)) for W, b in shapes])
