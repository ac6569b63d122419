# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""One interval of a multilayer perceptron at batch 1: raw features to calibrated probabilities."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench.inference import compare
from benchmarks.bench.onnx_peer import Graph
from benchmarks.bench.row import Result
from obstacle_classifier.model import Calibration, Predictor
from obstacle_classifier.networks.mlp import MLPNetwork
from obstacle_classifier.nn import MLP

__all__ = ["measure", "network"]

Floats = NDArray[np.float64]


def measure(d: int, h: int, c: int) -> Result:
    """Figures beside onnxruntime and PyTorch."""
    mlp = network(d, h, c)
    calibration = [Calibration(0.9, 0.1)] * c
    predictor = Predictor(mlp.compile(), calibration)
    x = np.random.default_rng(1).normal(size=d)
    factor, offset = (np.array(values, np.float32) for values in zip(*calibration, strict=True))
    return compare(
        predictor,
        x,
        {
            "onnxruntime": (_onnx(mlp, factor, offset), 0.8),
            "PyTorch, inference_mode": (_torch(mlp, factor, offset, script=False), None),
            "PyTorch, TorchScript": (_torch(mlp, factor, offset, script=True), None),
        },
    )


def network(d: int, h: int, c: int) -> MLPNetwork:
    """Random weights, and a normaliser that changes the features."""
    rng = np.random.default_rng(0)
    mlp = MLPNetwork.of(MLP(d, h, c, rng, np.float32), rng.normal(size=d), rng.uniform(0.5, 2.0, d))
    mlp.start_almost_linear()
    return mlp


def _onnx(mlp: MLPNetwork, factor: NDArray[np.float32], offset: NDArray[np.float32]) -> Any:
    graph = Graph(len(mlp.mean))
    z = graph.known(graph.add("Div", graph.add("Sub", "x", mlp.mean), mlp.scale))
    for index, linear in enumerate(mlp.linears):
        z = graph.add("Gemm", graph.scaled_relu(z) if index else z, linear.W, linear.b)
    p = graph.add("Sigmoid", graph.add("Add", graph.add("Mul", z, factor), offset))
    run = graph.compile([p])
    return lambda x: run(x[None])[0][0]


def _torch(mlp: MLPNetwork, factor: NDArray[np.float32], offset: NDArray[np.float32], *, script: bool) -> Any:
    torch: Any = import_module("torch")
    torch.set_num_threads(1)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, array in {"mean": mlp.mean, "scale": mlp.scale, "factor": factor, "offset": offset}.items():
                self.register_buffer(name, torch.from_numpy(np.array(array)))
            self.linears = torch.nn.ModuleList()
            for linear in mlp.linears:
                module = torch.nn.Linear(*linear.W.shape)
                module.weight.data = torch.from_numpy(linear.W.T.copy())
                module.bias.data = torch.from_numpy(linear.b.copy())
                self.linears.append(module)

        def forward(self, x: Any) -> Any:
            a = torch.nan_to_num((x - self.mean) / self.scale, 0.0).float()
            z = self.linears[0](a)
            for linear in self.linears[1:]:
                z = linear(torch.where(z > 1, z + z, 0.0))
            return torch.sigmoid(z * self.factor + self.offset)

    module: Any = Network().eval()
    if script:
        module = torch.jit.freeze(torch.jit.trace(module, torch.from_numpy(np.zeros((1, len(mlp.mean))))))

    def run(x: Floats) -> Any:
        with torch.inference_mode():
            return module(torch.from_numpy(x[None])).numpy()[0]

    return run
