# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The data sets, and their bags in training and test parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.sections import ROOT
from obstacle_classifier.bags import find_bags
from obstacle_classifier.features import SensorsConfig, load_sensors
from obstacle_classifier.progress import TextProgress
from obstacle_classifier.training.backends import make_backend
from obstacle_classifier.training.dataset import Dataset, read_dataset
from obstacle_classifier.training.split import deal_bags

__all__ = ["FOLDS", "NAMES", "DataSet", "Part", "load"]

RECORDINGS = ("borealtc", "leg_tracker")
STREETS = "streets"
NAMES = (*RECORDINGS, STREETS)

FOLDS = 3
SCORED_SHARE = 0.3  # of a fold's training bags, without test bags
TRAIN_STREETS, TEST_STREETS, STREET_SECONDS = 30, 10, 60.0


@dataclass(frozen=True)
class Part:
    """Bags to fit, and other bags to score.

    Attributes:
        seed: Of the folds and of the method.
        train: Known, labelled intervals to fit.
        test: Known, labelled intervals to score.
    """

    seed: int
    train: Dataset
    test: Dataset


@dataclass(frozen=True)
class DataSet:
    """A named data set.

    Attributes:
        name: Its name.
        sensors: The columns and the labels.
        data: The known, labelled intervals.
        held_out: Those of the bags that are only scored; None: every bag is in the test part of one fold.
    """

    name: str
    sensors: SensorsConfig
    data: Dataset
    held_out: Dataset | None = None

    def parts(self, seed: int) -> Iterator[Part]:
        """Training and test bags: of each fold, or the given ones."""
        if self.held_out is not None:
            yield Part(seed, self.data, self.held_out)
            return
        shares = {f"fold {index}": 1 / FOLDS for index in range(FOLDS)}
        split = deal_bags(self.data, shares, np.random.default_rng(seed))
        for test in shares:
            yield Part(seed, split.take(*(name for name in shares if name != test)), split.take(test))

    def inner_parts(self, seed: int) -> Iterator[Part]:
        """The training bags of each part, split again. The test bags are left out."""
        if self.held_out is not None:
            yield from DataSet(self.name, self.sensors, self.data).parts(seed)
            return
        for index, part in enumerate(self.parts(seed)):
            shares = {"fitted": 1 - SCORED_SHARE, "scored": SCORED_SHARE}
            split = deal_bags(part.train, shares, np.random.default_rng([seed, index]))
            yield Part(seed, split.take("fitted"), split.take("scored"))

    def __str__(self) -> str:
        bags, sizes = (
            f"{len(self.data)} bags",
            f"{len(self.sensors.columns)} columns, {len(self.sensors.labels)} labels",
        )
        held_out = "" if self.held_out is None else f", {len(self.held_out)} more bags held out"
        return f"{self.name}: {self.data.intervals} intervals of {bags}{held_out}, {sizes}"

    @property
    def protocol(self) -> str:
        """How bags become test bags."""
        if self.held_out is None:
            return f"{len(self.data)} bags, {FOLDS} folds by bag"
        return f"{len(self.data)} bags to train on, {len(self.held_out)} held-out bags"


def load(name: str, recordings: Path, jobs: int) -> DataSet:
    """Read a data set; the streets are simulated where they are not cached.

    Args:
        name: One of `NAMES`.
        recordings: Folder of the recordings, with a folder of each name.
        jobs: Number of processes.

    Raises:
        BagError: No bag can be used.
    """
    if name == STREETS:
        from benchmarks.streets import make_streets  # MuJoCo need not be installed for the recordings

        train, test = make_streets(TRAIN_STREETS, TEST_STREETS, STREET_SECONDS, jobs)
        sensors = load_sensors(ROOT / "config" / "sensors" / "sidewalk.yaml")
        return DataSet(name, sensors, _read(train, sensors, jobs), _read(test, sensors, jobs))
    sensors = load_sensors(ROOT / "config" / "sensors" / f"{name}.yaml")
    return DataSet(name, sensors, _read(find_bags([recordings / name]), sensors, jobs))


def _read(paths: list[Path], sensors: SensorsConfig, jobs: int) -> Dataset:
    return read_dataset(paths, sensors, TextProgress(), backend=make_backend(jobs)).usable()
