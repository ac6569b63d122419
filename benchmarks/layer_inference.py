# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Latency of an LSTM step and of a scan network at batch 1, beside PyTorch's: `python -m benchmarks.layer_inference`.

PyTorch is on one thread and measured where it is installed: eagerly, and as a frozen TorchScript. The LSTM has 64
inputs and 64 units. The scan network takes 360 beams through two convolutions with pooling and two Linears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.inference import Call, Vector, measure
from obstacle_classifier.nn import CompiledMLP, Layer, Linear, ScaledReLU
from obstacle_classifier.nn.convolution import Conv1d
from obstacle_classifier.nn.convolution_inference import CompiledConv1d
from obstacle_classifier.nn.elementwise import ReLU
from obstacle_classifier.nn.pooling import MaxPool1d
from obstacle_classifier.nn.recurrent import LSTM
from obstacle_classifier.nn.recurrent_inference import CompiledLSTM

D, H, BEAMS, LABELS = 64, 64, 360, 6


def lstm(x: Vector) -> Iterator[tuple[str, Call]]:
    """The layer compiled, and as it is trained."""
    layer = LSTM(D, H, rng=0, dtype=np.float32)
    compiled = CompiledLSTM(layer)
    _, state = layer.advance(x[None, None])
    yield "CompiledLSTM.step", lambda: compiled.step(x)
    yield "LSTM.advance", lambda: layer.advance(x[None, None], state)


def scan(x: Vector) -> Iterator[tuple[str, Call]]:
    """The network compiled, and its layers as they are trained."""
    rng, options = np.random.default_rng(0), {"dtype": np.float32}
    first, second = Conv1d(1, 8, 7, 3, 2, rng, **options), Conv1d(8, 16, 5, 2, 2, rng, **options)
    layers: list[Layer] = [first, ReLU(), MaxPool1d(2), second, ReLU(), MaxPool1d(2)]
    convolutions = CompiledConv1d(layers, (1, BEAMS))
    flat = convolutions.apply(x[None]).size
    linears = [Linear(flat, H, rng, **options), Linear(H, LABELS, rng, **options)]
    last = CompiledMLP([(linear.W, linear.b) for linear in linears])

    def trained() -> object:
        X = x[None, None]
        for layer in layers:
            X = layer.apply(X)
        return linears[1].apply(ScaledReLU(H).apply(linears[0].apply(X.reshape(1, -1))))

    yield "compiled", lambda: last.logits(convolutions.apply(x[None]).reshape(-1))
    yield "layers", trained


def pytorch(make: Callable[[Any], tuple[Any, Any]]) -> Iterator[tuple[str, Call]]:
    """What `make` makes of torch: a module and its arguments, eager and as a frozen TorchScript."""
    torch: Any = __import__("torch")
    torch.set_num_threads(1)
    module, arguments = make(torch)
    script = torch.jit.freeze(torch.jit.trace(module.eval(), arguments))

    def run(function: Any) -> object:
        with torch.inference_mode():
            return function(*arguments)

    yield "PyTorch, eager", lambda: run(module)
    yield "PyTorch, TorchScript", lambda: run(script)


def torch_lstm(torch: Any) -> tuple[Any, Any]:
    """A cell, its input and its state."""
    return torch.nn.LSTMCell(D, H), (torch.randn(1, D), (torch.zeros(1, H), torch.zeros(1, H)))


def torch_scan(torch: Any) -> tuple[Any, Any]:
    """The same layers, and a scan."""
    nn = torch.nn
    convolutions = [nn.Conv1d(1, 8, 7, 3, 2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 16, 5, 2, 2), nn.ReLU()]
    last = [nn.MaxPool1d(2), nn.Flatten(), nn.LazyLinear(H), nn.ReLU(), nn.Linear(H, LABELS)]
    network, scan = nn.Sequential(*convolutions, *last), torch.randn(1, 1, BEAMS)
    network(scan)
    return network, (scan,)


def main() -> None:
    """Print the latencies."""
    rng = np.random.default_rng(0)
    networks = {
        f"LSTM step, {D} inputs, {H} units": (lstm, rng.normal(size=D), torch_lstm),
        f"scan network, {BEAMS} beams": (scan, rng.normal(size=BEAMS), torch_scan),
    }
    for title, (ours, x, theirs) in networks.items():
        calls = dict(ours(x.astype(np.float32)))
        if find_spec("torch") is None:
            print("torch is not installed")
        else:
            calls |= dict(pytorch(theirs))
        print(f"{title}, float32, NumPy {np.__version__}, microseconds")
        print(f"{'':<28}{'median':>10}{'p99':>10}{'worst':>10}")
        for name, row in measure(calls).items():
            print(f"{name:<28}{''.join(f'{value:10.1f}' for value in row)}")


if __name__ == "__main__":
    main()
