# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Latency of one LSTM step at batch 1, beside PyTorch's: `python -m benchmarks.recurrent_inference [D H]`.

PyTorch is on one thread and measured where it is installed: its cell eagerly, and as a frozen TorchScript.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.inference import Call, Vector, measure
from obstacle_classifier.nn.recurrent import LSTM
from obstacle_classifier.nn.recurrent_inference import CompiledLSTM


def ours(x: Vector, d: int, h: int) -> Iterator[tuple[str, Call]]:
    """The layer compiled, and as it is trained."""
    lstm = LSTM(d, h, rng=0, dtype=np.float32)
    compiled = CompiledLSTM(lstm)
    _, state = lstm.advance(x[None, None])
    yield "CompiledLSTM.step", lambda: compiled.step(x)
    yield "LSTM.advance", lambda: lstm.advance(x[None, None], state)


def pytorch(x: Vector, d: int, h: int) -> Iterator[tuple[str, Call]]:
    """LSTMCell, eager and as a frozen TorchScript."""
    torch: Any = __import__("torch")
    torch.set_num_threads(1)
    cell, state = torch.nn.LSTMCell(d, h).eval(), (torch.zeros(1, h), torch.zeros(1, h))
    script = torch.jit.freeze(torch.jit.trace(cell, (torch.from_numpy(x[None]), state)))

    def run(module: Any) -> object:
        with torch.inference_mode():
            return module(torch.from_numpy(x[None]), state)[0].numpy()

    yield "PyTorch, eager", lambda: run(cell)
    yield "PyTorch, TorchScript", lambda: run(script)


def main(d: int = 64, h: int = 64) -> None:
    """Print the latencies."""
    x = np.random.default_rng(0).normal(size=d).astype(np.float32)
    calls = dict(ours(x, d, h))
    if find_spec("torch") is None:
        print("torch is not installed")
    else:
        calls |= dict(pytorch(x, d, h))
    print(f"{d} -> LSTM of {h}, float32, NumPy {np.__version__}, microseconds")
    print(f"{'':<28}{'median':>10}{'p99':>10}{'worst':>10}")
    for name, row in measure(calls).items():
        print(f"{name:<28}{''.join(f'{value:10.1f}' for value in row)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
