# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Handwritten digits of 8 x 8 pixels: `python -m examples.digits [--epochs 30]`.

A small convolutional network beside a fully connected one of about as many parameters, trained alike with Adam.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from obstacle_classifier.nn import Adam, Cosine, Linear
from obstacle_classifier.nn.convolution import Conv2d
from obstacle_classifier.nn.elementwise import Dropout, ReLU
from obstacle_classifier.nn.pooling import MaxPool2d
from obstacle_classifier.nn.sequential import Flatten, Sequential
from obstacle_classifier.nn.softmax import cross_entropy, grad_cross_entropy

Images = NDArray[np.float32]

BATCH, RATE = 64, 3e-3


def load() -> tuple[Images, Images, Images, Images]:
    """1347 images (n, 1, 8, 8) from 0 to 1 with one-hot labels to train on, and 450 held out."""
    pixels, labels = load_digits(return_X_y=True)
    X = (pixels / 16).reshape(-1, 1, 8, 8).astype(np.float32)
    Y = np.eye(10, dtype=np.float32)[labels]
    train, test = train_test_split(np.arange(len(X)), test_size=450, stratify=labels, random_state=0)
    return X[train], Y[train], X[test], Y[test]


def convolutional(seed: int = 0) -> Sequential:
    """Two convolutions of 3 x 3, each halved by pooling, and one Linear."""
    rng = np.random.default_rng(seed)
    return Sequential(
        Conv2d(1, 16, 3, padding=1, rng=rng, dtype=np.float32),
        ReLU(),
        MaxPool2d(2),
        Conv2d(16, 32, 3, padding=1, rng=rng, dtype=np.float32),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Dropout(0.2, rng),
        Linear(32 * 2 * 2, 10, rng, np.float32),
    )


def fully_connected(seed: int = 0) -> Sequential:
    """64 -> 80 -> 10."""
    rng = np.random.default_rng(seed)
    return Sequential(
        Flatten(), Linear(64, 80, rng, np.float32), ReLU(), Dropout(0.2, rng), Linear(80, 10, rng, np.float32)
    )


def train(model: Sequential, X: Images, Y: Images, epochs: int, seed: int = 0) -> None:
    """Adam, at a rate that falls to 0 along half a cosine."""
    rng = np.random.default_rng(seed)
    updates = epochs * -(-len(X) // BATCH)
    optimizer = Adam(Cosine(RATE, updates))
    for _ in range(epochs):
        for rows in np.split(rng.permutation(len(X)), range(BATCH, len(X), BATCH)):
            Z = model.forward(X[rows])
            _, *gradients = model.backward(grad_cross_entropy(Y[rows], Z))
            optimizer.step(model.parameters, gradients)


def accuracy(model: Sequential, X: Images, Y: Images) -> float:
    """Share of the images whose largest logit is at the label."""
    return float(np.mean(model.apply(X).argmax(axis=1) == Y.argmax(axis=1)))


def main(epochs: int = 30) -> dict[str, float]:
    """Print a row for each network, and return their accuracies on held-out images."""
    X, Y, X_test, Y_test = load()
    reached = {}
    print(f"{'network':<18}{'parameters':>12}{'loss':>10}{'accuracy':>10}{'seconds':>10}")
    for name, model in {"convolutional": convolutional(), "fully connected": fully_connected()}.items():
        start = time.perf_counter()
        train(model, X, Y, epochs)
        seconds = time.perf_counter() - start
        reached[name] = accuracy(model, X_test, Y_test)
        parameters = sum(parameter.size for parameter in model.parameters)
        loss = cross_entropy(Y_test, model.apply(X_test))
        print(f"{name:<18}{parameters:>12}{loss:>10.3f}{reached[name]:>10.3f}{seconds:>10.1f}")
    return reached


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    main(**vars(parser.parse_args()))
