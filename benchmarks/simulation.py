# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Label by label on held-out simulated drives: is the task neither trivial nor impossible?

    .venv/bin/python -m benchmarks.simulation [--train 30] [--test 10] [--seconds 60] [--set KEY=VALUE] [--write]

The held-out drives have other seeds and therefore other streets. The table has the average precision of

- the model that `train` makes, scored by `evaluate`,
- scikit-learn's MLPClassifier and gradient boosting, as in `make evaluate`,
- the single feature that ranks the training intervals best,
- guessing, which is the prevalence.

The task is sound if no single feature is nearly as good as the model, and every label can be learned.
`--write` writes the table in docs/measurements.md.
"""

from __future__ import annotations

import os

# More threads lose time on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import shlex
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluate.methods import COMPETITORS
from benchmarks.sections import ROOT, measured_on, wrapped, write_section
from benchmarks.streets import make_streets
from obstacle_classifier.features import SensorsConfig, load_sensors
from obstacle_classifier.progress import TextProgress
from obstacle_classifier.training import evaluate, load_train_config, train
from obstacle_classifier.training.dataset import read_dataset
from obstacle_classifier.training.metrics import average_precision

PAGE = ROOT / "docs" / "measurements.md"
TOLERANCE = 0.02  # largest allowed deficit in macro AP against MLPClassifier
MARGIN = 0.1  # least deficit in macro AP of a single feature against ours
LIFT = 1.5  # least ratio of AP to prevalence for every label

Floats = NDArray[np.float64]


def precision(Y: NDArray[np.floating], P: Floats) -> list[float]:
    """Average precision of each label."""
    return [average_precision(Y[:, label], P[:, label]) for label in range(Y.shape[1])]


def single_feature(
    fit: tuple[Floats, NDArray[np.float32]], test: Floats, columns: Sequence[str]
) -> tuple[Floats, list[str]]:
    """Scores and name of the feature, rising or falling, that ranks the training intervals best, for each label."""
    filled = np.where(np.isnan(fit[0]), np.nanmedian(fit[0], axis=0), fit[0])
    tested = np.where(np.isnan(test), np.nanmedian(fit[0], axis=0), test)
    chosen, names = [], []
    for y in fit[1].T:
        ranked = [
            (average_precision(y, sign * filled[:, j]), sign, j) for j in range(filled.shape[1]) for sign in (1, -1)
        ]
        _, sign, best = max(ranked)
        chosen.append(sign * tested[:, best])
        names.append(columns[best])
    return np.stack(chosen, axis=1), names


def compare(bags: tuple[list[Path], list[Path]], sensors: SensorsConfig, settings: Sequence[str]) -> tuple[bool, str]:
    """Whether all conditions hold, and the table in Markdown; prints it and the failed conditions."""
    say = TextProgress()
    began = time.monotonic()
    model = train(sensors, bags[0], load_train_config(None, settings), say).model
    print(f"trained on {len(bags[0])} bags in {time.monotonic() - began:.0f} s")
    result = evaluate(model, bags[1], say)
    fit, held_out = (read_dataset(paths, sensors, say).usable() for paths in bags)
    X, Y = held_out.stack()
    single, names = single_feature(fit.stack(), X, sensors.columns)
    peers = {name: COMPETITORS[name](fit, sensors, 0)(held_out).P for name in ("sklearn mlp", "boosting")}
    table = {
        "ours": [float(result["labels"][label]["average_precision"]) for label in sensors.labels],
        **{name: precision(Y, P) for name, P in peers.items()},
        "best single feature": precision(Y, single),
        "prevalence": Y.mean(axis=0).tolist(),
    }
    rows = [["", *sensors.labels, "macro"], ["---"] * (len(sensors.labels) + 2)]
    rows += [[name, *(f"{value:.3f}" for value in (*row, np.mean(row)))] for name, row in table.items()]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    best = [f"{label} {name}" for label, name in zip(sensors.labels, names, strict=True)]
    text += "\n\n" + wrapped(f"Best single features: {', '.join(best)}.")
    print(f"\naverage precision on {len(bags[1])} held-out bags, {len(Y)} intervals\n\n{text}\n")
    macro = {name: float(np.mean(row)) for name, row in table.items()}
    failures = []
    if macro["ours"] < macro["sklearn mlp"] - TOLERANCE:
        failures.append(f"ours is below MLPClassifier by more than {TOLERANCE}")
    if macro["best single feature"] > macro["ours"] - MARGIN:
        failures.append(f"a single feature comes within {MARGIN} of ours")
    for label, score, prevalence in zip(sensors.labels, table["ours"], table["prevalence"], strict=True):
        if score < LIFT * prevalence:
            failures.append(f"{label} scores less than {LIFT} times its prevalence")
    print("\n".join(f"FAILED: {failure}" for failure in failures) or "all as it must be")
    return not failures, text


def main() -> int:
    """Simulate, train and compare. The exit status is 1 if a condition fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--train", type=int, default=30, help="training bags")
    parser.add_argument("--test", type=int, default=10, help="held-out bags")
    parser.add_argument("--seconds", type=float, default=60.0, help="of driving a bag")
    parser.add_argument("--jobs", type=int, default=1, help="simulations at a time")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of training")
    parser.add_argument("--write", action="store_true", help=f"write the table in {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # scikit-learn warns after every fit that it has not converged
    sensors = load_sensors(ROOT / "config" / "sensors" / "sidewalk.yaml")
    bags = make_streets(options.train, options.test, options.seconds, options.jobs)
    good, text = compare(bags, sensors, options.set)
    if options.write:
        command = shlex.join([".venv/bin/python", "-m", "benchmarks.simulation", *sys.argv[1:]])
        write_section(PAGE, "streets", f"{text}\n\n" + wrapped(f"`{command}`. {measured_on()}"))
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
