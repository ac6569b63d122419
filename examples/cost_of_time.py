# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What memory costs: `python -m examples.cost_of_time [--repeats 3] [--out out]`.

The MLP and the LSTM of `examples.names`, for batches of 16, 32 and 64 and names of 10, 15 and 20 letters: seconds an
epoch, and steps an update as the tape counts them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from examples.names import RATES, epoch, load, lstm, mlp
from obstacle_classifier.nn import SGD

NETWORKS = {"MLP": mlp, "LSTM": lstm}
BATCHES, LENGTHS = (16, 32, 64), (10, 15, 20)
REASONS = """
- The LSTM's steps are a x length + b: every letter adds the same operations. The MLP sees all letters in one product,
  whose size grows and whose number of operations does not.
- No step count depends on the batch: an operation works on all examples at once.
- Seconds an epoch fall as batches grow, because there are fewer updates and an operation's overhead is paid once a
  batch. They fall by less than half at each doubling: the arithmetic stays.
- Seconds of the LSTM grow with the length like its steps, because a step must wait for the one before it. Those of the
  MLP grow little: its first product is larger.
- Backward has as many steps as forward, because every operation has an input or a parameter upstream. A step back
  costs about twice a step forward: a product has two gradients.
"""


@dataclass(frozen=True)
class Run:
    """One network, batch size and length.

    Attributes:
        network: "MLP" or "LSTM".
        batch: Examples an update.
        length: Letters of a name.
        seconds: An epoch, the best of the repeats.
        forward: Steps an update.
        backward: Steps an update.
    """

    network: str
    batch: int
    length: int
    seconds: float
    forward: int
    backward: int


def measure(network: str, batch: int, length: int, per_kind: int, repeats: int) -> Run:
    """Train some epochs and take the best time."""
    data, _, _ = load(per_kind, length)
    tape, _, loss = NETWORKS[network](length)
    rng, optimizer, seconds = np.random.default_rng(0), SGD(RATES[network]), []
    for _ in range(repeats):
        start = time.perf_counter()
        epoch(tape, loss, optimizer, data, batch, rng)
        seconds.append(time.perf_counter() - start)
    updates = repeats * -(-len(data[0]) // batch)
    return Run(network, batch, length, min(seconds), tape.forward_steps // updates, tape.backward_steps // updates)


def plot_seconds(runs: list[Run], path: Path) -> None:
    """Seconds an epoch by length, a line for each batch size, a panel for each network."""
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    for axes, network in zip(figure.subplots(1, 2), NETWORKS, strict=True):
        for batch in BATCHES:
            line = [run.seconds for run in runs if (run.network, run.batch) == (network, batch)]
            axes.plot(LENGTHS, line, marker="o", label=f"batch {batch}")
        axes.set(xlabel="letters", ylabel="seconds an epoch", title=network, xticks=LENGTHS, ylim=(0, None))
        axes.legend()
    figure.savefig(path)


def plot_steps(runs: list[Run], path: Path) -> None:
    """Steps an update by length, which are those of any batch size."""
    figure = Figure(figsize=(5, 3.5), layout="constrained")
    axes = figure.subplots()
    for network in NETWORKS:
        line = [run for run in runs if (run.network, run.batch) == (network, BATCHES[0])]
        axes.plot(LENGTHS, [run.forward for run in line], marker="o", label=f"{network}, forward")
        axes.plot(LENGTHS, [run.backward for run in line], marker="x", linestyle="--", label=f"{network}, backward")
    axes.set(xlabel="letters", ylabel="steps an update", xticks=LENGTHS, ylim=(0, None))
    axes.legend()
    figure.savefig(path)


def main(repeats: int = 3, out: Path = Path("out"), per_kind: int = 2000) -> list[Run]:
    """Print the table and the reasons, make both plots, and return all runs."""
    print(f"{'network':<9}{'batch':>6}{'letters':>9}{'seconds':>10}{'forward':>9}{'backward':>10}")
    runs = []
    for network in NETWORKS:
        for batch in BATCHES:
            for length in LENGTHS:
                run = measure(network, batch, length, per_kind, repeats)
                runs.append(run)
                print(f"{network:<9}{batch:>6}{length:>9}{run.seconds:>10.3f}{run.forward:>9}{run.backward:>10}")
    print(REASONS)
    out.mkdir(parents=True, exist_ok=True)
    plot_seconds(runs, out / "cost_of_time_seconds.png")
    plot_steps(runs, out / "cost_of_time_steps.png")
    print(f"plots: {out / 'cost_of_time_seconds.png'}, {out / 'cost_of_time_steps.png'}")
    return runs


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out"))
    main(**vars(parser.parse_args()))
