# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a Dutch name is the name of, letter by letter: `python -m examples.names [--epochs 15] [--out out]`.

An MLP and an LSTM, both written as expressions of the tape, tell people, places and organisations apart by the first 10
letters of a name. The letters are one-hot and come in reverse, so that the LSTM reads the first letter last. The names
are those of the package Faker (MIT licence). Of all epochs, the parameters of the best validation loss are kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from faker import Faker
from numpy.typing import NDArray

from obstacle_classifier.nn import SGD, xavier_uniform
from obstacle_classifier.nn import operations as op
from obstacle_classifier.nn.autodiff import Register, Tape
from obstacle_classifier.nn.softmax import softmax

Floats = NDArray[np.float64]
Model = tuple[Tape, Register, Register]  # the tape, its logits and its loss
Data = tuple[Floats, Floats]  # X (n, length, letters), Y (n, kinds), both one-hot

KINDS = ("name", "city", "company")  # Faker's words for people, places and organisations
LETTERS = " abcdefghijklmnopqrstuvwxyz"  # the first stands for all others; after the end of a name there is none
PER_KIND, LENGTH, HIDDEN, BATCH, EPOCHS = 2000, 10, 50, 64, 15
RATES = {"MLP": 0.05, "LSTM": 0.5}


def load(per_kind: int = PER_KIND, length: int = LENGTH, seed: int = 0) -> tuple[Data, Data, Data]:
    """Distinct names, as many of each kind, in random order: 8 of 10 to train on, one to validate, one to test."""
    faker = Faker("nl_NL")
    faker.seed_instance(seed)
    names: dict[str, int] = {}
    for kind, provider in enumerate(KINDS):
        wanted = len(names) + per_kind
        while len(names) < wanted:
            names.setdefault(getattr(faker, provider)().lower(), kind)
    X = np.stack([one_hot(name, length) for name in names])
    Y = np.eye(len(KINDS))[list(names.values())]
    order = np.random.default_rng(seed).permutation(len(X))
    train, validation, test = np.split(order, [8 * len(X) // 10, 9 * len(X) // 10])
    return (X[train], Y[train]), (X[validation], Y[validation]), (X[test], Y[test])


def one_hot(name: str, length: int) -> Floats:
    """(length, letters): the first letters of a name in reverse, after zeros."""
    X = np.zeros((length, len(LETTERS)))
    for place, letter in enumerate(name[:length]):
        X[length - 1 - place, max(LETTERS.find(letter), 0)] = 1
    return X


def mlp(length: int, seed: int = 0) -> Model:
    """All letters -> 50 units with ReLU -> 3 logits."""
    tape, rng, inputs = Tape(), np.random.default_rng(seed), length * len(LETTERS)
    x = op.reshape(tape.input("X"), (-1, inputs))
    W, b = tape.parameter("W", xavier_uniform(inputs, HIDDEN, rng)), tape.parameter("b", np.zeros(HIDDEN))
    return _classify(tape, op.relu(x @ W + b), rng)


def lstm(length: int, seed: int = 0) -> Model:
    """A letter a step -> 50 units with memory -> 3 logits of the last step."""
    tape, rng, h = Tape(), np.random.default_rng(seed), HIDDEN
    x, gates = tape.input("X"), range(4)
    W = tape.parameter("W", np.concatenate([xavier_uniform(len(LETTERS), h, rng) for _ in gates], axis=1))
    U = tape.parameter("U", np.concatenate([xavier_uniform(h, h, rng) for _ in gates], axis=1))
    b = tape.parameter("b", np.repeat([0.0, 1.0, 0.0, 0.0], h))
    last = cell = tape.register(np.zeros((1, h)))  # one row for all examples
    for step in range(length):
        z = x[:, step] @ W + last @ U + b
        i, f, o = (op.sigmoid(z[:, k * h : (k + 1) * h]) for k in range(3))
        cell = f * cell + i * op.tanh(z[:, 3 * h :])
        last = o * op.tanh(cell)
    return _classify(tape, last, rng)


def _classify(tape: Tape, hidden: Register, rng: np.random.Generator) -> Model:
    V = tape.parameter("V", xavier_uniform(HIDDEN, len(KINDS), rng))
    logits = hidden @ V + tape.parameter("a", np.zeros(len(KINDS)))
    return tape, logits, op.cross_entropy(logits, tape.input("Y"))


def epoch(tape: Tape, loss: Register, optimizer: SGD, data: Data, batch: int, rng: np.random.Generator) -> None:
    """An update for each batch, in random order."""
    for X, Y in batches(data, batch, rng):
        tape.forward({"X": X, "Y": Y})
        gradients = tape.backward(loss)
        optimizer.step(tape.parameters, {name: gradients[name] for name in tape.parameters})


def batches(data: Data, batch: int, rng: np.random.Generator) -> Iterator[Data]:
    """The rows in random order."""
    X, Y = data
    for rows in np.split(rng.permutation(len(X)), range(batch, len(X), batch)):
        yield X[rows], Y[rows]


def train(model: Model, rate: float, data: Data, validation: Data, epochs: int) -> list[float]:
    """Validation loss of each epoch; the tape's parameters end as those of the best one."""
    tape, _, loss = model
    rng, optimizer, losses = np.random.default_rng(0), SGD(rate), []
    best: dict[str, Floats] = {}
    for _ in range(epochs):
        epoch(tape, loss, optimizer, data, BATCH, rng)
        tape.forward(dict(zip("XY", validation, strict=True)))
        losses.append(float(loss.value))
        if losses[-1] == min(losses):
            best = {name: parameter.copy() for name, parameter in tape.parameters.items()}
    for name, parameter in best.items():
        tape.parameters[name][...] = parameter
    return losses


def main(epochs: int = EPOCHS, out: Path = Path("out"), per_kind: int = PER_KIND) -> dict[str, float]:
    """Print a row for each network, save their probabilities, and return the accuracies on the test names."""
    data, validation, test = load(per_kind)
    reached, build = {}, {"MLP": mlp, "LSTM": lstm}
    print(f"{len(data[0])} names to train on")
    print(f"{'':<6}{'best epoch':>12}{'validation':>12}{'test loss':>12}{'accuracy':>12}")
    out.mkdir(parents=True, exist_ok=True)
    for name, rate in RATES.items():
        tape, logits, loss = model = build[name](LENGTH)
        losses = train(model, rate, data, validation, epochs)
        tape.forward(dict(zip("XY", test, strict=True)))
        reached[name] = float(np.mean(logits.value.argmax(axis=1) == test[1].argmax(axis=1)))
        best = int(np.argmin(losses))
        print(f"{name:<6}{best + 1:>12}{losses[best]:>12.3f}{float(loss.value):>12.3f}{reached[name]:>12.3f}")
        np.save(out / f"names_{name.lower()}.npy", softmax(logits.value))
    return reached


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--out", type=Path, default=Path("out"))
    main(**vars(parser.parse_args()))
