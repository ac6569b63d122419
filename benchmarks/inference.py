# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Latency of one forward pass at batch 1, compared with other frameworks.

    python -m benchmarks.inference [D H C]

The other networks have the same widths, in scikit-learn, PyTorch and TensorFlow. A framework that is not installed is
left out. PyTorch and TensorFlow use one thread. All networks take turns: other work on the machine affects all of them.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.nn import MLP, CompiledMLP

CALLS = 2_000  # per turn
TURNS = 10
Call = Callable[[], object]
Vector = NDArray[np.float32]


def ours(x: Vector, d: int, h: int, c: int) -> Iterator[tuple[str, Call]]:
    """CompiledMLP, CompiledMLP with its distance to the jump, and MLP."""
    mlp = MLP(d, h, c, rng=0, dtype=np.float32)
    compiled = CompiledMLP([(linear.W, linear.b) for linear in mlp.linears])

    def with_nearest_jump() -> None:
        compiled.logits(x)
        compiled.nearest_jump()

    yield "CompiledMLP.logits", lambda: compiled.logits(x)
    yield "... and nearest_jump", with_nearest_jump
    yield "MLP.logits", lambda: mlp.logits(x[None])


def scikit_learn(x: Vector, d: int, h: int, c: int) -> Iterator[tuple[str, Call]]:
    """MLPClassifier, multilabel."""
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(0)
    classifier = MLPClassifier((h, h), max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        classifier.fit(rng.normal(size=(64, d)).astype(np.float32), rng.integers(0, 2, (64, c)))
    yield "scikit-learn predict_proba", lambda: classifier.predict_proba(x[None])


def pytorch(x: Vector, d: int, h: int, c: int) -> Iterator[tuple[str, Call]]:
    """PyTorch, eager and as a frozen TorchScript."""
    torch: Any = __import__("torch")
    torch.set_num_threads(1)
    nn = torch.nn
    network = nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, c)).eval()
    example = torch.from_numpy(x[None])
    script = torch.jit.freeze(torch.jit.trace(network, example))

    def run(module: Any) -> object:
        with torch.inference_mode():
            return module(torch.from_numpy(x[None])).numpy()

    yield "PyTorch, eager", lambda: run(network)
    yield "PyTorch, TorchScript", lambda: run(script)


def tensorflow(x: Vector, d: int, h: int, c: int) -> Iterator[tuple[str, Call]]:
    """TensorFlow, as a graph."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tf: Any = __import__("tensorflow")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    rng = np.random.default_rng(0)
    layers = [
        (tf.constant(rng.normal(size=(i, o)).astype(np.float32)), tf.zeros(o)) for i, o in ((d, h), (h, h), (h, c))
    ]

    @tf.function(input_signature=[tf.TensorSpec((1, d), tf.float32)])
    def network(value: Any) -> Any:
        for W, b in layers[:-1]:
            value = tf.nn.relu(value @ W + b)
        W, b = layers[-1]
        return value @ W + b

    yield "TensorFlow, graph", lambda: network(tf.constant(x[None])).numpy()


PEERS = {"sklearn": scikit_learn, "torch": pytorch, "tensorflow": tensorflow}


def measure(calls: dict[str, Call]) -> dict[str, NDArray[np.float64]]:
    """(3,) median, 99th percentile and longest time of each call, in microseconds."""
    times = {name: np.empty((TURNS, CALLS)) for name in calls}
    for turn in range(TURNS):
        for name, call in calls.items():
            for _ in range(CALLS // 10):  # fills the caches with the data of this call
                call()
            own = times[name][turn]
            for i in range(CALLS):
                start = time.perf_counter_ns()
                call()
                own[i] = time.perf_counter_ns() - start
    return {name: np.percentile(own, [50, 99, 100]) / 1e3 for name, own in times.items()}


def main(d: int = 64, h: int = 128, c: int = 10) -> None:
    """Print the latencies, and each median as a multiple of the first."""
    x = np.random.default_rng(0).normal(size=d).astype(np.float32)
    calls = dict(ours(x, d, h, c))
    for module, peer in PEERS.items():
        if find_spec(module) is None:
            print(f"{module} is not installed")
        else:
            calls |= dict(peer(x, d, h, c))
    print(f"{d} -> {h} -> {h} -> {c}, float32, NumPy {np.__version__}, microseconds")
    print(f"{'':<28}{'median':>10}{'p99':>10}{'worst':>10}{'ratio':>10}")
    rows = measure(calls)
    (reference, *_), *_ = rows.values()
    for name, row in rows.items():
        print(f"{name:<28}{''.join(f'{value:10.1f}' for value in row)}{row[0] / reference:10.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
