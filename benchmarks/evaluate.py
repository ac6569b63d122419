# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Cross-validated scores on real recordings, beside scikit-learn's on the same matrices and folds.

    make evaluate                     3 folds by bag, 5 seeds
    make evaluate ARGS=--write        the same, and writes the table in docs/measurements.md
    make evaluate ARGS=--tune         candidates for the recipes, scored without any test bag

Only the scores use the test bags of a fold. `--tune` fits its candidates on seven in ten of a fold's training bags and
scores them on the other three. All folds share one recipe, and a test bag of one fold is a training bag of the other
folds. Each bag therefore influences the choice among these few candidates, but never in its own fold.
"""

from __future__ import annotations

import os

# One thread, set before NumPy loads: small products are slower on two cores, and several times slower if both are busy.
os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")})

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.sections import ROOT, measured_on, write_section
from obstacle_classifier.bags import find_bags
from obstacle_classifier.features import SensorsConfig, load_sensors
from obstacle_classifier.networks import fit_normaliser, standardise
from obstacle_classifier.nn import sigmoid
from obstacle_classifier.progress import Silent, TextProgress
from obstacle_classifier.training import DefaultSettings
from obstacle_classifier.training.dataset import Dataset, read_dataset
from obstacle_classifier.training.metrics import average_precision
from obstacle_classifier.training.recipes import DefaultRecipe
from obstacle_classifier.training.split import deal_bags

PAGE = ROOT / "docs" / "measurements.md"
RECORDINGS = ROOT.parent / "shared" / "data"
DATA_SETS = ("borealtc", "leg_tracker")
FOLDS = 3
SEEDS = 5
TOLERANCE = 0.02  # largest allowed deficit in macro AP against scikit-learn's SGD
SCORED_SHARE = 0.3  # of a fold's training bags, by --tune
SKLEARN_RATE = 0.1  # of its SGD: the best of `SKLEARN_RATES` by --tune
SKLEARN_RATES = (0.001, 0.003, 0.01, 0.03, 0.1)

Scores = NDArray[np.floating]
Method = Callable[[Dataset, Dataset, SensorsConfig, DefaultSettings], Scores]
"""Fits on the first data set, and returns scores of the second: (n, c), larger for "present"."""


def ours(train: Dataset, test: Dataset, sensors: SensorsConfig, config: DefaultSettings) -> Scores:
    """The project's ensemble as `train` fits it."""
    split = deal_bags(train, {"train": 1.0}, np.random.default_rng(config.seed))
    network = DefaultRecipe().fit(split, sensors, config, Silent()).network
    return np.asarray(sigmoid(network.logits(network.inputs(test.stack()[0]))))


def standardised(
    train: Dataset, test: Dataset, sensors: SensorsConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Standardised X and Y of the training bags, and X of the test bags."""
    X, Y = train.stack()
    mean, scale = fit_normaliser(X, sensors.layout.is_missing)
    return standardise(X, mean, scale), Y, standardise(test.stack()[0], mean, scale)


def sklearn_mlp(
    train: Dataset, test: Dataset, sensors: SensorsConfig, config: DefaultSettings, **options: object
) -> Scores:
    """scikit-learn's network of the same size, batch and epochs."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        hidden_layer_sizes=(config.hidden, config.hidden),
        batch_size=config.batch_size,
        max_iter=config.epochs,
        random_state=config.seed,
        **options,
    )
    X, Y, X_test = standardised(train, test, sensors)
    network.fit(X, Y)
    return np.asarray(network.predict_proba(X_test))


def sklearn_sgd(
    train: Dataset, test: Dataset, sensors: SensorsConfig, config: DefaultSettings, rate: float = SKLEARN_RATE
) -> Scores:
    """scikit-learn's network, trained by plain SGD."""
    return sklearn_mlp(train, test, sensors, config, solver="sgd", momentum=0, learning_rate_init=rate)


def forest(train: Dataset, test: Dataset, sensors: SensorsConfig, config: DefaultSettings) -> Scores:
    """scikit-learn's random forest."""
    from sklearn.ensemble import RandomForestClassifier

    trees = RandomForestClassifier(n_estimators=100, random_state=config.seed)
    X, Y, X_test = standardised(train, test, sensors)
    trees.fit(X, Y)
    columns = trees.predict_proba(X_test)
    # A label without a positive in training has one class only.
    return np.stack([c[:, 1] if c.shape[1] == 2 else np.zeros(len(c)) for c in columns], axis=1)


METHODS: dict[str, Method] = {
    "ours": ours,
    "sklearn sgd": sklearn_sgd,
    "sklearn adam": sklearn_mlp,
    "random forest": forest,
}


def macro(Y: Scores, P: Scores) -> float:
    """Mean average precision over the labels that have a positive."""
    return float(np.nanmean([average_precision(y, p) for y, p in zip(Y.T, P.T, strict=True)]))


def folds(data: Dataset, seed: int) -> Iterator[tuple[Dataset, Dataset]]:
    """Training and test bags of each fold."""
    shares = {f"fold {index}": 1 / FOLDS for index in range(FOLDS)}
    split = deal_bags(data, shares, np.random.default_rng(seed))
    for test in shares:
        yield split.take(*(name for name in shares if name != test)), split.take(test)


def inner_folds(data: Dataset, seed: int) -> Iterator[tuple[Dataset, Dataset]]:
    """The training bags of each fold, split again. The test bags of the fold are left out."""
    for index, (train, _) in enumerate(folds(data, seed)):
        shares = {"fitted": 1 - SCORED_SHARE, "scored": SCORED_SHARE}
        split = deal_bags(train, shares, np.random.default_rng([seed, index]))
        yield split.take("fitted"), split.take("scored")


def measure(
    method: Method, parts: Sequence[tuple[int, Dataset, Dataset]], sensors: SensorsConfig, config: DefaultSettings
) -> list[float]:
    """Macro average precision of each (seed, training bags, bags to score)."""
    return [
        macro(scored.stack()[1], method(train, scored, sensors, replace(config, seed=seed)))
        for seed, train, scored in parts
    ]


@dataclass(frozen=True)
class Candidate:
    """A recipe that --tune scores."""

    name: str
    method: Method
    config: DefaultSettings


def candidates() -> Iterator[Candidate]:
    """The recipes that --tune scores: ours near its defaults, and scikit-learn's SGD at several rates."""
    default = DefaultSettings()
    for rate in SKLEARN_RATES:
        yield Candidate(f"sklearn sgd  learning_rate {rate:g}", partial(sklearn_sgd, rate=rate), default)
    for learning_rate in (0.005, 0.01, 0.02):
        for weight_decay in (0.0, 0.01, 0.03, 0.1):
            config = replace(default, learning_rate=learning_rate, weight_decay=weight_decay)
            yield Candidate(f"ours  learning_rate {learning_rate:g}, weight_decay {weight_decay:g}", ours, config)


def section(scores: Mapping[str, Mapping[str, tuple[float, float]]], seeds: int) -> str:
    """The table of docs/measurements.md: mean and deviation of every method, by data set."""
    methods = list(METHODS)
    rows = [[name, *("{:.3f} ± {:.3f}".format(*found[method]) for method in methods)] for name, found in scores.items()]
    lines = [["data", *methods], ["---"] * (1 + len(methods)), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    command = "make evaluate ARGS=--write" if seeds == SEEDS else f'make evaluate ARGS="--seeds {seeds} --write"'
    return f"{table}\n\n`{command}`: {FOLDS} folds by bag, {seeds} seeds; mean ± deviation over both.\n{measured_on()}"


def main() -> int:
    """Print the table. The exit status is 1 if ours is below scikit-learn's SGD by more than the tolerance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=RECORDINGS, help="folder of the recordings")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--tune", action="store_true", help="score candidates without the test bags instead")
    parser.add_argument("--write", action="store_true", help=f"write the table in {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.tune and options.write:
        parser.error("--write goes with the scores, not with --tune")
    if not options.data.is_dir():
        print(f"no recordings: {options.data} does not exist")
        return 0
    warnings.filterwarnings("ignore")  # scikit-learn warns after every fit that it has not converged
    tried = candidates() if options.tune else [Candidate(name, m, DefaultSettings()) for name, m in METHODS.items()]
    tried, rows = list(tried), inner_folds if options.tune else folds
    print(
        f"macro average precision, {FOLDS} folds by bag, {options.seeds} seeds: mean +- deviation over folds and seeds"
    )
    status = 0
    scores: dict[str, dict[str, tuple[float, float]]] = {}
    for name in DATA_SETS:
        sensors = load_sensors(ROOT / "config" / "sensors" / f"{name}.yaml")
        data = read_dataset(find_bags([options.data / name]), sensors, TextProgress())
        print(f"\n{name}: {data.usable().intervals} intervals of {len(data)} bags, {len(sensors.columns)} columns")
        parts = [(seed, *part) for seed in range(options.seeds) for part in rows(data, seed)]
        found = scores[name] = {}
        for candidate in tried:
            values = measure(candidate.method, parts, sensors, candidate.config)
            mean, deviation = found[candidate.name] = float(np.mean(values)), float(np.std(values))
            print(f"  {candidate.name:<45} {mean:.3f} +- {deviation:.3f}", flush=True)
        if not options.tune:
            difference = found["ours"][0] - found["sklearn sgd"][0]
            status |= int(difference < -TOLERANCE)
            print(f"  ours less sklearn sgd: {difference:+.3f}, expected at least {-TOLERANCE:+.3f}")
    if options.write:
        write_section(PAGE, "evaluate", section(scores, options.seeds))
    return status


if __name__ == "__main__":
    sys.exit(main())
