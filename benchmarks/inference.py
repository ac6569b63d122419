# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Latency of one forward pass at batch 1: `python -m benchmarks.inference [D H C] [--write]`.

First come the networks of the recipes `default` (encoder and eight members) and `sgd` (standardiser and one multilayer
perceptron): from raw features to probabilities and spread, as the node runs them at each interval. Then comes one
multilayer perceptron beside networks of the same widths in scikit-learn, PyTorch and TensorFlow. A framework that is
not installed is left out. PyTorch and TensorFlow use one thread. The networks of a table take turns: other work on the
machine affects all of them.
"""

from __future__ import annotations

import os

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")})  # before NumPy loads

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.sections import ROOT, measured_on, wrapped, write_section
from obstacle_classifier.features import SensorsConfig, load_sensors
from obstacle_classifier.model import Calibration, Predictor
from obstacle_classifier.networks import Network
from obstacle_classifier.nn import MLP, CompiledMLP
from obstacle_classifier.training import DefaultSettings, SGDSettings
from obstacle_classifier.training.recipes import recipe_of
from obstacle_classifier.training.settings import Settings

PAGE = ROOT / "docs" / "measurements.md"
SENSORS = ("leg_tracker", "sidewalk")  # 73 and 222 columns
RECIPES: tuple[Settings, ...] = (SGDSettings(), DefaultSettings())
ROWS = 1_000  # of random features, from which the first weights and the encoder come
CALLS = 2_000  # per turn
TURNS = 10
Call = Callable[[], object]
Vector = NDArray[np.float32]


def predict(settings: Settings, sensors: SensorsConfig) -> Call:
    """One interval of a recipe's network before training: raw features to probabilities and spread."""
    c, x = len(sensors.labels), features(sensors)[0].copy()
    predictor = Predictor(first_network(settings, sensors).compile(), [Calibration(0.9, 0.1)] * c)

    def call() -> None:
        predictor.probabilities(x)
        predictor.spread()

    return call


def first_network(settings: Settings, sensors: SensorsConfig) -> Network:
    """A recipe's network before training."""
    X, c = features(sensors), len(sensors.labels)
    return recipe_of(settings).first_network(X, sensors.layout, c, settings, np.random.default_rng(0))


def features(sensors: SensorsConfig) -> NDArray[np.float64]:
    """(ROWS, d) random features, with which the encoder gets about as many entries as with recordings.

    Half of the columns take four values only. Recordings gave 419 entries for the 73 columns. Simulated streets gave
    1186 for the 222.
    """
    X = np.random.default_rng(0).normal(size=(ROWS, len(sensors.columns)))
    X[:, ::2] = np.digitize(X[:, ::2], (-0.7, 0.0, 0.7))
    X[:, sensors.layout.is_missing] = 0
    return X


def table_of_networks() -> str:
    """Markdown: the latency of the recipes' networks, and the difference of the medians."""
    rows = [["network", "columns", "size", "us"], ["---"] * 4]
    sentences = []
    for name in SENSORS:
        sensors = load_sensors(ROOT / "config" / "sensors" / f"{name}.yaml")
        d = len(sensors.columns)
        found = measure({settings.recipe: predict(settings, sensors) for settings in RECIPES})
        medians = [float(np.median(found[settings.recipe])) for settings in RECIPES]
        for settings, median in zip(RECIPES, medians, strict=True):
            size = first_network(settings, sensors).summary()
            rows.append([settings.recipe, str(d), size, f"{median:.1f}"])
        before, now = medians
        sentences.append(f"{now - before:.0f} us more than `{RECIPES[0].recipe}` on {d} columns")
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"{lines}\n\nThe median time of an interval, from raw features to probabilities and spread. "
        f"`{RECIPES[1].recipe}` takes {', '.join(sentences)}."
    )


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
    """(TURNS, CALLS) times of each call, in microseconds."""
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
    return {name: own / 1e3 for name, own in times.items()}


def compare(d: int, h: int, c: int) -> None:
    """Print the latencies of the frameworks, and each median as a multiple of the first."""
    x = np.random.default_rng(0).normal(size=d).astype(np.float32)
    calls = dict(ours(x, d, h, c))
    for module, peer in PEERS.items():
        if find_spec(module) is None:
            print(f"{module} is not installed")
        else:
            calls |= dict(peer(x, d, h, c))
    print(f"{d} -> {h} -> {h} -> {c}, float32, NumPy {np.__version__}, microseconds")
    print(f"{'':<28}{'median':>10}{'p99':>10}{'worst':>10}{'ratio':>10}")
    rows = {name: np.percentile(times, [50, 99, 100]) for name, times in measure(calls).items()}
    (reference, *_), *_ = rows.values()
    for name, row in rows.items():
        print(f"{name:<28}{''.join(f'{value:10.1f}' for value in row)}{row[0] / reference:10.1f}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, or write that of the recipes' networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("sizes", type=int, nargs="*", default=[64, 128, 10], help="inputs, hidden units and labels")
    parser.add_argument("--write", action="store_true", help=f"write the first table in {PAGE.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    if len(options.sizes) != 3:
        parser.error("expected three sizes: inputs, hidden units and labels")
    text = table_of_networks()
    print(text)
    if options.write:
        table, caption = text.split("\n\n")
        write_section(PAGE, "inference", f"{table}\n\n" + wrapped(f"{caption} {measured_on()}"))
    else:
        print()
        compare(*options.sizes)


if __name__ == "__main__":
    main()
