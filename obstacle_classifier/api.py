# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The functions for scripts, available as `from obstacle_classifier import ...`.

A path may be a string. A bag may be a rosbag2 folder, a bare storage file or a ROS 1 bag. A problem that does not end
the work is a Python warning (`warnings.warn`). Every other problem is an `ObstacleClassifierError` with a text of one
line.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from obstacle_classifier.bags import Bag, find_bags
from obstacle_classifier.bags.complete import complete_sensors
from obstacle_classifier.bags.intervals import read_intervals
from obstacle_classifier.features import SensorsConfig, load_sensors
from obstacle_classifier.model import Model
from obstacle_classifier.pipeline import FeaturePipeline, FeatureVector, Pipeline, Prediction
from obstacle_classifier.progress import Progress, Silent, Stage
from obstacle_classifier.training import Training, parse_train_config
from obstacle_classifier.training import evaluate as evaluate_model
from obstacle_classifier.training import train as train_model
from obstacle_classifier.training.backends import make_backend

__all__ = ["evaluate", "load_model", "load_sensors", "predict", "read_features", "train"]

AnyPath = str | os.PathLike[str]


def load_model(path: AnyPath) -> Model:
    """The model of a file, checked completely, including its golden vectors on this machine.

    Raises:
        ModelError: A check failed. The message has the file, the value found and the value expected.
    """
    return Model.load(Path(path))


def read_features(bag: AnyPath, sensors: SensorsConfig) -> Iterator[FeatureVector]:
    """Iterate over the feature vectors of a recording, one per interval, equal to those of the robot.

    Raises:
        BagError: The recording cannot be read, has none of the topics, or a topic has a type other than the sensor's.
        ConfigError: The definition of a message type is not known.
    """
    sensors = complete_sensors(sensors, [Path(bag)], "sensors")
    with Bag(Path(bag)) as recording:
        yield from read_intervals(recording, FeaturePipeline(sensors))
        _warn(recording.problems)


def predict(model: Model, bag: AnyPath) -> Iterator[Prediction]:
    """Iterate over the predictions for a recording, one per interval, equal to those of the robot.

    Raises:
        BagError: As in `read_features`.
    """
    with Bag(Path(bag)) as recording:
        yield from read_intervals(recording, Pipeline(model))
        _warn(recording.problems)


def train(
    sensors: SensorsConfig,
    bags: Sequence[AnyPath],
    settings: Mapping[str, Any] | None = None,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Training:
    """Train on labelled bags. `.model` of the result is the model, and `.model.save(path)` writes its file.

    Args:
        sensors: The sensors configuration, which defines the columns and the labels.
        bags: Bags, folders of bags and globs.
        settings: Training options by key, as in a training file. The other options have their defaults.
        jobs: Number of processes that read bags. With more than one, a script needs `if __name__ == "__main__":`.
        progress: Receiver of the progress. The default reports only warnings.

    Raises:
        BagError: No bag can be used, or no interval is left to train on.
        ConfigError: An option or a label file is not valid.
    """
    config = parse_train_config(settings or {}, "settings")
    return train_model(sensors, find_bags([*map(Path, bags)]), config, progress or _Warnings(), make_backend(jobs))


def evaluate(
    model: Model, bags: Sequence[AnyPath], *, jobs: int = 1, progress: Progress | None = None
) -> dict[str, Any]:
    """Scores of a model on labelled bags; see docs/training.md. A bag that was used in training gives a warning.

    Args:
        model: The model.
        bags: Bags, folders of bags and globs.
        jobs: Number of processes that read bags.
        progress: Receiver of the progress. The default reports only warnings.

    Raises:
        BagError: No bag can be used, or no bag has a known, labelled interval.
        ConfigError: A label file is not valid.
    """
    return evaluate_model(model, find_bags([*map(Path, bags)]), progress or _Warnings(), make_backend(jobs))


class _Warnings:
    """Progress that reports only warnings."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Stage]:
        return Silent().stage(name, total)

    def say(self, line: str) -> None:
        if line.startswith("warning: "):
            warnings.warn(line.removeprefix("warning: "), stacklevel=2)


def _warn(problems: Sequence[str]) -> None:
    for problem in problems:
        warnings.warn(problem, stacklevel=3)
