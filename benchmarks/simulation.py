# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scores on held-out simulated bags, compared with scikit-learn on the same matrix.

    .venv/bin/python benchmarks/simulation.py [--train 30] [--test 10] [--seconds 60] [--folder BAGS] [--set KEY=VALUE]

The held-out bags have other seeds and therefore other streets. The table has the average precision of

- the model that `train` makes, scored by `evaluate`,
- scikit-learn's MLPClassifier of the same size, and gradient boosting,
- the single feature that ranks the training intervals best,
- guessing, which is the prevalence.

The task is sound if no single feature is nearly as good as the model, and every label can be learned.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from multiprocessing import Pool
from pathlib import Path

# More threads lose time on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import SensorsConfig, load_sensors
from obstacle_classifier.networks import fit_normaliser, standardise
from obstacle_classifier.progress import TextProgress
from obstacle_classifier.simulation import load_scenario, simulate
from obstacle_classifier.training import DefaultSettings, evaluate, load_train_config, train
from obstacle_classifier.training.dataset import Dataset, read_dataset
from obstacle_classifier.training.metrics import average_precision

CONFIG = Path(__file__).parents[1] / "config"
HELD_OUT_SEED = 1_000_000  # seed of the first held-out street; the next streets have the next seeds
TOLERANCE = 0.02  # largest allowed deficit in macro AP against MLPClassifier
MARGIN = 0.1  # least deficit in macro AP of a single feature against ours
LIFT = 1.5  # least ratio of AP to prevalence for every label

Floats = NDArray[np.float64]


def make_bag(job: tuple[Path, int, float]) -> Path:
    """Simulate one bag, unless it exists."""
    path, seed, seconds = job
    return (
        path if path.exists() else simulate(load_scenario(CONFIG / "scenarios" / "sidewalk.yaml"), path, seconds, seed)
    )


def make_bags(folder: Path, counts: Sequence[int], seconds: float) -> list[list[Path]]:
    """Simulate the training and the held-out bags, two at a time."""
    seeds = [range(counts[0]), range(HELD_OUT_SEED, HELD_OUT_SEED + counts[1])]
    jobs = [(folder / f"drive_{seed}_{seconds:g}s", seed, seconds) for part in seeds for seed in part]
    new = sum(not path.exists() for path, _, _ in jobs)
    began = time.monotonic()
    with Pool(2) as pool:
        paths = pool.map(make_bag, jobs, chunksize=1)
    if new:
        took = time.monotonic() - began
        speed = new * seconds / took
        print(f"{new} bags of {seconds:g} s, two at a time, took {took:.0f} s: {speed:.0f} times real time", flush=True)
    return [paths[: counts[0]], paths[counts[0] :]]


def precision(Y: Floats, P: Floats) -> list[float]:
    """Average precision of each label."""
    return [average_precision(Y[:, label], P[:, label]) for label in range(Y.shape[1])]


def matrix(data: Dataset) -> tuple[Floats, Floats]:
    """Features and targets of the usable intervals."""
    X, Y = data.usable().stack()
    return X, Y.astype(np.float64)


def sklearn_mlp(fit: tuple[Floats, Floats], test: Floats, config: DefaultSettings, columns: Sequence[str]) -> Floats:
    """scikit-learn's network of the same size, batch and epochs, by its own optimizer."""
    from sklearn.neural_network import MLPClassifier

    mean, scale = fit_normaliser(fit[0], np.array([column.endswith(".missing") for column in columns]))
    network = MLPClassifier(
        (config.hidden, config.hidden), batch_size=config.batch_size, max_iter=config.epochs, random_state=0
    )
    network.fit(standardise(fit[0], mean, scale), fit[1])
    return np.asarray(network.predict_proba(standardise(test, mean, scale)), np.float64)


def boosting(fit: tuple[Floats, Floats], test: Floats) -> Floats:
    """scikit-learn's gradient boosting on the raw features, with one model per label."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    X, Y = fit
    models = [HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, random_state=0).fit(X, y) for y in Y.T]
    return np.stack([model.predict_proba(test)[:, 1] for model in models], axis=1)


def single_feature(fit: tuple[Floats, Floats], test: Floats, columns: Sequence[str]) -> tuple[Floats, list[str]]:
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


def compare(bags: list[list[Path]], sensors: SensorsConfig, settings: Sequence[str]) -> int:
    """Print the table and the failed conditions. The exit status is 1 if a condition fails."""
    say = TextProgress()
    # The held-out bags are the test: of the training bags none is needed for one.
    config = load_train_config(None, ["test_share=0.001", *settings])
    if not isinstance(config, DefaultSettings):
        raise SystemExit("expected the recipe 'default': scikit-learn's network takes its size and epochs from it")
    began = time.monotonic()
    model = train(sensors, bags[0], config, say).model
    print(f"trained on {len(bags[0])} bags in {time.monotonic() - began:.0f} s")
    result = evaluate(model, bags[1], say)
    fit, (X, Y) = (matrix(read_dataset(paths, sensors, say)) for paths in bags)
    single, names = single_feature(fit, X, sensors.columns)
    table = {
        "ours": [float(result["labels"][label]["average_precision"]) for label in sensors.labels],
        "MLPClassifier": precision(Y, sklearn_mlp(fit, X, config, sensors.columns)),
        "HistGradientBoosting": precision(Y, boosting(fit, X)),
        "best single feature": precision(Y, single),
        "prevalence": Y.mean(axis=0).tolist(),
    }
    print(
        f"\naverage precision on {len(bags[1])} held-out bags, {len(Y)} intervals of {len(sensors.columns)} features\n"
    )
    print(f"{'':<21}" + "".join(f"{label:>12}" for label in (*sensors.labels, "macro")))
    for name, row in table.items():
        print(f"{name:<21}" + "".join(f"{value:>12.3f}" for value in (*row, np.mean(row))))
    best = [f"{label} {name}" for label, name in zip(sensors.labels, names, strict=True)]
    print(f"\nbest single features: {', '.join(best)}")
    macro = {name: float(np.mean(row)) for name, row in table.items()}
    failures = []
    if macro["ours"] < macro["MLPClassifier"] - TOLERANCE:
        failures.append(f"ours is below MLPClassifier by more than {TOLERANCE}")
    if macro["best single feature"] > macro["ours"] - MARGIN:
        failures.append(f"a single feature comes within {MARGIN} of ours")
    for label, score, prevalence in zip(sensors.labels, table["ours"], table["prevalence"], strict=True):
        if score < LIFT * prevalence:
            failures.append(f"{label} scores less than {LIFT} times its prevalence")
    print("\n".join(f"FAILED: {failure}" for failure in failures) or "all conditions hold")
    return bool(failures)


def main() -> int:
    """Simulate, train, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--train", type=int, default=30, help="training bags")
    parser.add_argument("--test", type=int, default=10, help="held-out bags")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each bag in s")
    parser.add_argument("--folder", type=Path, help="folder that keeps the bags; default: a temporary folder")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of training")
    options = parser.parse_args()
    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.filterwarnings("ignore")  # scikit-learn warns after a fit that it has not converged
    sensors = load_sensors(CONFIG / "sensors" / "sidewalk.yaml")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return compare(make_bags(folder, (options.train, options.test), options.seconds), sensors, options.set)


if __name__ == "__main__":
    sys.exit(main())
