# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recordings to the matrix that training and scoring work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.bags.intervals import read_intervals
from obstacle_classifier.bags.labels import LabelTrack, NoLabelsError, load_labels
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.pipeline import FeaturePipeline, FeatureVector
from obstacle_classifier.progress import Progress

__all__ = ["Dataset", "read_dataset"]


@dataclass(frozen=True)
class Dataset:
    """Intervals of one or more bags, bag after bag, in time order.

    Attributes:
        X: (n, d) float64 feature vectors, NaN where unknown.
        Y: (n, c) float32, 1 where a label is present, 0 where absent, NaN in rows that are labelled `ignore` or not at
        all.
        time_ns: (n,) int64 interval ends.
        bag: (n,) intp index into `bags`.
        unknown: (n,) bool, whether a required sensor, or every sensor, was stale.
        bags: Name of each bag.
        problems: What could not be read and why, a line each.
    """

    X: NDArray[np.float64]
    Y: NDArray[np.float32]
    time_ns: NDArray[np.int64]
    bag: NDArray[np.intp]
    unknown: NDArray[np.bool_]
    bags: tuple[str, ...]
    problems: tuple[str, ...] = ()

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(n,) bool: known and labelled."""
        known: NDArray[np.bool_] = ~self.unknown & ~np.isnan(self.Y).any(axis=1)
        return known


def read_dataset(
    paths: Sequence[Path], sensors: SensorsConfig, progress: Progress, *, labels_required: bool = True
) -> Dataset:
    """The intervals of all bags with their labels.

    Raises:
        BagError: A bag cannot be used, or has no labels although they are required.
        ConfigError: A label file that does not hold what it must.
    """
    names = bag_names(paths)
    intervals: list[FeatureVector] = []
    targets: list[NDArray[np.float32]] = []
    bag_of_row: list[int] = []
    problems: list[str] = []
    with progress.stage("bags", len(paths)) as stage:
        for index, path in enumerate(paths):
            with Bag(path) as bag:
                track = _labels(bag, sensors, labels_required)
                for interval in read_intervals(bag, FeaturePipeline(sensors)):
                    intervals.append(interval)
                    targets.append(_target(track, sensors, interval.end))
                    bag_of_row.append(index)
                problems += bag.problems
            stage.advance(names[index])
    d, c = len(sensors.columns), len(sensors.labels)
    return Dataset(
        X=np.array([interval.x for interval in intervals], np.float64).reshape(-1, d),
        Y=np.array(targets, np.float32).reshape(-1, c),
        time_ns=np.array([interval.end for interval in intervals], np.int64),
        bag=np.array(bag_of_row, np.intp),
        unknown=np.array([interval.unknown for interval in intervals], np.bool_),
        bags=names,
        problems=tuple(problems),
    )


def _labels(bag: Bag, sensors: SensorsConfig, required: bool) -> LabelTrack | None:
    try:
        return load_labels(bag, sensors.labels, sensors.label_topic)
    except NoLabelsError:
        if required:
            raise
        return None


def _target(track: LabelTrack | None, sensors: SensorsConfig, end: int) -> NDArray[np.float32]:
    present = None if track is None else track.at(end)
    if present is None:
        return np.full(len(sensors.labels), np.nan, np.float32)
    return np.array([label in present for label in sensors.labels], np.float32)
