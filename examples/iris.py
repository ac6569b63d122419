# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fisher's irises with a two-layer network: `python -m examples.iris [--epochs 200] [--out out]`.

A table of the accuracy over learning rates and widths, and a plot of the loss. Batches of 25, momentum 0.9 and Xavier's
uniform weights throughout; rate 0.01 and 10 units are the network that is plotted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from obstacle_classifier.nn import Linear, Momentum, xavier_uniform
from obstacle_classifier.nn.elementwise import Tanh
from obstacle_classifier.nn.sequential import Sequential
from obstacle_classifier.nn.softmax import cross_entropy, grad_cross_entropy

Floats = NDArray[np.float64]
Split = tuple[Floats, Floats, Floats, Floats]  # X and Y to train on, X and Y held out

BATCH, MOMENTUM = 25, 0.9
RATES, WIDTHS = (0.001, 0.01, 0.1), (2, 5, 10, 50)
RATE, WIDTH = 0.01, 10


def load() -> Split:
    """100 flowers to train on and 50 held out, standardised by the former; Y is one-hot."""
    X, labels = load_iris(return_X_y=True)
    train, test, train_labels, test_labels = train_test_split(X, labels, test_size=50, stratify=labels, random_state=0)
    mean, scale = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / scale, np.eye(3)[train_labels], (test - mean) / scale, np.eye(3)[test_labels]


def network(width: int, seed: int = 0) -> Sequential:
    """4 -> Linear -> tanh -> Linear -> 3 logits."""
    rng = np.random.default_rng(seed)
    first = Linear.of(xavier_uniform(4, width, rng), np.zeros(width))
    second = Linear.of(xavier_uniform(width, 3, rng), np.zeros(3))
    return Sequential(first, Tanh(), second)


def train(model: Sequential, X: Floats, Y: Floats, rate: float, epochs: int, seed: int = 0) -> list[float]:
    """Mean loss of each epoch."""
    rng, optimizer, losses = np.random.default_rng(seed), Momentum(rate, MOMENTUM), []
    for _ in range(epochs):
        batches = np.split(rng.permutation(len(X)), range(BATCH, len(X), BATCH))
        losses.append(float(np.mean([step(model, optimizer, X[rows], Y[rows]) for rows in batches])))
    return losses


def step(model: Sequential, optimizer: Momentum, X: Floats, Y: Floats) -> float:
    """One update, and the loss before it."""
    Z = model.forward(X)
    _, *gradients = model.backward(grad_cross_entropy(Y, Z))
    optimizer.step(model.parameters, gradients)
    return cross_entropy(Y, Z)


def accuracy(model: Sequential, X: Floats, Y: Floats) -> float:
    """Share of the rows whose largest logit is at the label."""
    return float(np.mean(model.apply(X).argmax(axis=1) == Y.argmax(axis=1)))


def plot(losses: list[float], path: Path) -> None:
    """Loss by epoch, logarithmic."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(range(1, len(losses) + 1), losses)
    axes.set(xlabel="epoch", ylabel="cross-entropy", title=f"Iris, {WIDTH} units, rate {RATE}")
    axes.grid(alpha=0.3)
    figure.savefig(path)


def main(epochs: int = 200, out: Path = Path("out")) -> float:
    """Print the table, plot the loss, and return the accuracy on held-out flowers."""
    X, Y, X_test, Y_test = load()
    print("accuracy on held-out flowers\n" + "rate \\ units".ljust(14) + "".join(f"{width:>8}" for width in WIDTHS))
    for rate in RATES:
        models = [network(width) for width in WIDTHS]
        for model in models:
            train(model, X, Y, rate, epochs)
        print(f"{rate:<14}" + "".join(f"{accuracy(model, X_test, Y_test):>8.2f}" for model in models))

    model = network(WIDTH)
    losses = train(model, X, Y, RATE, epochs)
    out.mkdir(parents=True, exist_ok=True)
    plot(losses, out / "iris_loss.png")
    reached = accuracy(model, X_test, Y_test)
    print(f"{WIDTH} units, rate {RATE}: loss {losses[0]:.3f} to {losses[-1]:.3f}, accuracy {reached:.2f}")
    print(f"plot: {out / 'iris_loss.png'}")
    return reached


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("out"))
    main(**vars(parser.parse_args()))
