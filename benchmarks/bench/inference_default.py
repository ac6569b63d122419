# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""One interval of the default recipe's network at batch 1: raw features to calibrated probabilities."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench.inference import compare
from benchmarks.bench.onnx_peer import Graph
from benchmarks.bench.row import Result
from benchmarks.sections import ROOT
from obstacle_classifier.features import SensorsConfig, load_sensors
from obstacle_classifier.model import Calibration, Predictor
from obstacle_classifier.networks.ensemble import EnsembleNetwork

__all__ = ["features", "measure", "network"]

ROWS = 1_000  # of random features, from which the encoding and the first weights come

Floats = NDArray[np.float64]


def measure(sensors: str) -> Result:
    """Figures of the network for the columns of `config/sensors/<sensors>.yaml`."""
    config = load_sensors(ROOT / "config" / "sensors" / f"{sensors}.yaml")
    X = features(config)
    ensemble = network(config, X)
    calibration = [Calibration(0.9, 0.1)] * len(config.labels)
    return compare(
        Predictor(ensemble.compile(), calibration),
        X[0].copy(),
        {
            "onnxruntime": (_onnx(ensemble, calibration[0]), 1.0),
            "PyTorch, inference_mode": (_torch(ensemble, calibration[0]), 0.3),
        },
    )


def features(config: SensorsConfig) -> Floats:
    """(ROWS, d) random features, with which the encoding gets about as many entries as with recordings.

    Half of the columns take four values only. Recordings gave 419 entries for 73 columns. Simulated streets gave 1186
    for 222.
    """
    X = np.random.default_rng(0).normal(size=(ROWS, len(config.columns)))
    X[:, ::2] = np.digitize(X[:, ::2], (-0.7, 0.0, 0.7))
    X[:, config.layout.is_missing] = 0
    return X


def network(config: SensorsConfig, X: Floats) -> EnsembleNetwork:
    """The recipe's network before training, with the recipe's bins and members."""
    settings: Any = import_module("obstacle_classifier.training.recipes").DefaultSettings()
    return EnsembleNetwork.create(
        X,
        config.layout,
        len(config.labels),
        hidden=settings.hidden,
        rng=np.random.default_rng(0),
        members=settings.members,
        bins=settings.bins,
    )


def _onnx(ensemble: EnsembleNetwork, calibration: Calibration) -> Any:
    """The members' first layers as one Gemm, then stacked products."""
    encoding, stack = ensemble.encoding, ensemble.stack
    k, e, h, _ = stack.shape
    graph = Graph(ensemble.spec()["columns"])
    z = graph.add("Gather", "x", encoding.column.astype(np.int64), axis=1)
    z = graph.add("Max", graph.add("Min", z, encoding.most), encoding.least)
    z = graph.known(graph.add("Div", graph.add("Sub", z, encoding.origin), encoding.width))
    W0 = np.ascontiguousarray(stack.W[0].transpose(1, 0, 2).reshape(e, k * h))
    z = graph.scaled_relu(graph.add("Gemm", z, W0, stack.b[0].reshape(k * h)))
    z = graph.add("Reshape", z, np.array([k, 1, h], np.int64))
    z = graph.scaled_relu(graph.add("Add", graph.add("MatMul", z, stack.W[1]), stack.b[1][:, None]))
    z = graph.add("Add", graph.add("MatMul", z, stack.W[2]), stack.b[2][:, None])
    axis = np.array([0], np.int64)
    present = graph.add("ReduceSum", graph.add("Sigmoid", z), axis, keepdims=0)
    absent = graph.add("ReduceSum", graph.add("Sigmoid", graph.add("Neg", z)), axis, keepdims=0)
    logit = graph.add("Log", graph.add("Div", present, absent))
    factor, offset = np.float32(calibration.scale), np.float32(calibration.offset)
    run = graph.compile([graph.add("Sigmoid", graph.add("Add", graph.add("Mul", logit, factor), offset))])
    return lambda x: run(x[None])[0][0]


def _torch(ensemble: EnsembleNetwork, calibration: Calibration) -> Any:
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    encoding, stack = ensemble.encoding, ensemble.stack
    column = torch.from_numpy(encoding.column.astype(np.int64))
    least, most, origin, width = (torch.from_numpy(array) for array in encoding.numbers().values())
    k, e, h, _ = stack.shape
    W0 = torch.from_numpy(np.ascontiguousarray(stack.W[0].transpose(1, 0, 2).reshape(e, k * h)))
    W1, W2 = (torch.from_numpy(W) for W in stack.W[1:])
    b0 = torch.from_numpy(stack.b[0].reshape(k * h))
    b1, b2 = (torch.from_numpy(b[:, None]) for b in stack.b[1:])
    factor, offset = calibration

    def run(x: Floats) -> Any:
        with torch.inference_mode():
            z = torch.clamp(torch.from_numpy(x)[column], least, most)
            z = torch.nan_to_num((z - origin) / width, 0.0).float()
            z = torch.addmm(b0, z[None], W0).view(k, 1, h)
            z = torch.baddbmm(b1, torch.where(z > 1, z + z, 0.0), W1)
            z = torch.baddbmm(b2, torch.where(z > 1, z + z, 0.0), W2)
            logit = torch.log(torch.sigmoid(z).sum((0, 1)) / torch.sigmoid(-z).sum((0, 1)))
            return torch.sigmoid(logit * factor + offset).numpy()

    return run
