# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recordings as training and scoring see them: a shard of intervals for each bag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.bags.intervals import read_intervals
from obstacle_classifier.bags.labels import LabelTrack, NoLabelsError, load_labels
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.pipeline import FeaturePipeline
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.backends import Backend, Serial

__all__ = ["BadBag", "Dataset", "Shard", "check_some_usable", "read_dataset", "warn_left_out"]


@dataclass(frozen=True)
class Shard:
    """The intervals of one bag, or some of them, in time order.

    Attributes:
        name: Name of the bag.
        sha256: Of the bag's content, hexadecimal.
        X: (n, d) float64 feature vectors, NaN where unknown.
        Y: (n, c) float32, 1 where a label is present, 0 where absent, NaN in rows that are labelled `ignore` or not at
            all.
        time_ns: (n,) int64 interval ends.
        unknown: (n,) bool, whether a required sensor, or every sensor, was stale.
        problems: Parts of the bag that could not be read and why, a line each.
    """

    name: str
    sha256: str
    X: NDArray[np.float64]
    Y: NDArray[np.float32]
    time_ns: NDArray[np.int64]
    unknown: NDArray[np.bool_]
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.X)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(n,) bool: labelled, and not `ignore`."""
        return np.asarray(~np.isnan(self.Y).any(axis=1))

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(n,) bool: known and labelled."""
        return self.labelled & ~self.unknown

    def select(self, rows: NDArray[np.bool_]) -> Shard:
        """The intervals where `rows` (n,) is true; the shard itself if it is everywhere."""
        if rows.all():
            return self
        return replace(self, X=self.X[rows], Y=self.Y[rows], time_ns=self.time_ns[rows], unknown=self.unknown[rows])


@dataclass(frozen=True)
class BadBag:
    """A bag that cannot be used."""

    name: str
    problem: str
    """One line that names the bag's path and says why."""

    def document(self) -> dict[str, str]:
        """Name and problem as JSON-able data."""
        return {"name": self.name, "problem": self.problem}


@dataclass(frozen=True)
class Dataset:
    """A sequence of shards, one a bag, in the order of the bags.

    Attributes:
        shards: The shards.
        left_out: Bags that could not be used.
    """

    shards: tuple[Shard, ...]
    left_out: tuple[BadBag, ...] = ()

    def __len__(self) -> int:
        return len(self.shards)

    def __iter__(self) -> Iterator[Shard]:
        return iter(self.shards)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the bags."""
        return tuple(shard.name for shard in self.shards)

    @property
    def intervals(self) -> int:
        """Number of intervals in all shards."""
        return sum(map(len, self.shards))

    def usable(self) -> Dataset:
        """The known, labelled intervals; shards without any are left out."""
        return self.select([shard.usable for shard in self.shards])

    def select(self, rows: Sequence[NDArray[np.bool_]]) -> Dataset:
        """The intervals where `rows`, an array a shard, is true; shards without any are left out."""
        chosen = [shard.select(mask) for shard, mask in zip(self.shards, rows, strict=True)]
        return replace(self, shards=tuple(shard for shard in chosen if len(shard)))

    @property
    def bag(self) -> NDArray[np.intp]:
        """(n,) index of the shard of each interval, in the order of `stack`."""
        return np.repeat(np.arange(len(self)), np.array([len(shard) for shard in self], np.intp))

    @property
    def time_ns(self) -> NDArray[np.int64]:
        """(n,) interval ends, in the order of `stack`."""
        return np.concatenate([shard.time_ns for shard in self])

    def stack(self) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """X (n, d) and Y (n, c) of all shards, one after the other; of a data set without shards, () and ()."""
        if len(self.shards) == 1:
            return self.shards[0].X, self.shards[0].Y
        if not self.shards:
            return np.empty((0, 0)), np.empty((0, 0), np.float32)
        return np.concatenate([shard.X for shard in self]), np.concatenate([shard.Y for shard in self])


def read_dataset(
    paths: Sequence[Path],
    sensors: SensorsConfig,
    progress: Progress,
    *,
    labels_required: bool = True,
    backend: Backend | None = None,
) -> Dataset:
    """The intervals of all bags with their labels; bags that cannot be used are left out and named.

    Args:
        paths: The bags.
        sensors: The columns and the labels.
        progress: Told of every bag.
        labels_required: Whether a bag without labels cannot be used.
        backend: Where the bags are read; by default here, one after the other.

    Raises:
        BagError: None of the bags can be used.
        ConfigError: A label file that does not hold what it must.
    """
    names = bag_names(paths)
    shards: list[Shard] = []
    left_out: list[BadBag] = []
    read = partial(_read_shard, sensors=sensors, labels_required=labels_required)
    with progress.stage("bags", len(paths)) as stage:
        for result in (backend or Serial()).map(read, list(zip(paths, names, strict=True))):
            if isinstance(result, Shard):
                shards.append(result)
            else:
                left_out.append(result)
            stage.advance(result.name)
    check_some_usable(left_out, len(paths))
    return Dataset(tuple(shards), tuple(left_out))


def check_some_usable(left_out: Sequence[BadBag], total: int) -> None:
    """Refuse to go on without a single bag.

    Raises:
        BagError: As many bags are left out as there are.
    """
    if left_out and len(left_out) == total:
        others = f" (and none of the {total - 1} other bags can be used)" if total > 1 else ""
        raise BagError(left_out[0].problem + others)


def warn_left_out(left_out: Sequence[BadBag], total: int, progress: Progress) -> None:
    """Say which of `total` bags are left out, and why: the last lines of a run, so that nobody overlooks them."""
    for bad in left_out:
        progress.say(f"warning: {bad.problem}: left out")
    if left_out:
        progress.say(f"warning: {len(left_out)} of {total} bags left out: {', '.join(bad.name for bad in left_out)}")


def _read_shard(bag_and_name: tuple[Path, str], sensors: SensorsConfig, labels_required: bool) -> Shard | BadBag:
    path, name = bag_and_name
    try:
        with Bag(path) as bag:
            track = _labels(bag, sensors, labels_required)
            intervals = list(read_intervals(bag, FeaturePipeline(sensors)))
            return Shard(
                name=name,
                sha256=bag.sha256(),
                X=np.array([interval.x for interval in intervals], np.float64).reshape(-1, len(sensors.columns)),
                Y=np.array([_target(track, sensors, interval.end) for interval in intervals], np.float32).reshape(
                    -1, len(sensors.labels)
                ),
                time_ns=np.array([interval.end for interval in intervals], np.int64),
                unknown=np.array([interval.unknown for interval in intervals], np.bool_),
                problems=tuple(bag.problems),
            )
    except BagError as error:
        return BadBag(name, str(error))


def _labels(bag: Bag, sensors: SensorsConfig, required: bool) -> LabelTrack | None:
    try:
        return load_labels(bag, sensors.labels, sensors.label_topic, sensors.other_labels)
    except NoLabelsError:
        if required:
            raise
        return None


def _target(track: LabelTrack | None, sensors: SensorsConfig, end: int) -> NDArray[np.float32]:
    present = None if track is None else track.at(end)
    if present is None:
        return np.full(len(sensors.labels), np.nan, np.float32)
    return np.array([label in present for label in sensors.labels], np.float32)
