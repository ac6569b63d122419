# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The features and labels of one bag: the work that a backend does for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.bags.intervals import read_intervals
from obstacle_classifier.bags.labels import LabelTrack, NoLabelsError, load_labels
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.pipeline import FeaturePipeline
from obstacle_classifier.training import scratch
from obstacle_classifier.training.shard import BadBag, Shard, directly_follows
from obstacle_classifier.training.shard_cache import ShardCache
from obstacle_classifier.training.shard_file import Features, ShardFileError

__all__ = ["ReadBag", "read_bag"]

_HERE = "{bag}"  # in place of the path in stored problems


@dataclass(frozen=True)
class ReadBag:
    """A bag that has been read; with a cache it names the features and does not hold them.

    Attributes:
        name: Name of the bag.
        track: Its labels; None if it has none.
        problems: Parts of the bag or its labels that could not be used and why, a line each.
        key: Of the features in the cache; None if they are in `features`.
        features: The features, if they are not in the cache.
        reused: Whether the cache had the features.
        cache_problems: What was wrong with the cache, a line each.
    """

    name: str
    track: LabelTrack | None
    problems: tuple[str, ...]
    key: str | None = None
    features: Features | None = None
    reused: bool = False
    cache_problems: tuple[str, ...] = ()

    def open(self, cache: ShardCache | None) -> Features:
        """The features."""
        if self.features is not None:
            return self.features
        assert cache is not None
        assert self.key is not None
        features = cache.find(self.key)
        if features is None:
            raise BagError(f"{cache.path(self.key)}: found no file, expected the features of bag {self.name}")
        return features

    def shard(self, features: Features, sensors: SensorsConfig, folder: Path | None) -> Shard:
        """The features with the labels; arrays are in memory, or in files in `folder`."""
        time_ns, unknown = np.array(features.time_ns), np.array(features.unknown)
        Y = scratch.empty((len(time_ns), len(sensors.labels)), np.float32, folder)
        _fill_targets(Y, self.track, sensors.labels, time_ns)
        return Shard(
            name=self.name,
            sha256=features.sha256,
            X=np.array(features.X) if folder is None else features.X,
            Y=Y,
            time_ns=time_ns if folder is None else features.time_ns,
            unknown=unknown if folder is None else features.unknown,
            follows=directly_follows(time_ns, unknown, sensors.interval),
            problems=self.problems,
            scratch=folder,
        )


def read_bag(
    bag_and_name: tuple[Path, str], sensors: SensorsConfig, labels_required: bool, cache: ShardCache | None
) -> ReadBag | BadBag:
    """Read a bag, or find its features in the cache.

    Args:
        bag_and_name: Path and name of the bag.
        sensors: The columns and the labels.
        labels_required: Whether a bag without labels cannot be used.
        cache: Where features are kept; None: nowhere.
    """
    path, name = bag_and_name
    try:
        with Bag(path) as bag:
            track = _labels(bag, sensors, labels_required)
            if cache is None:
                features = _read_features(bag, sensors, bag.sha256())
                return ReadBag(name, track, tuple(bag.problems), features=features)
            labels_problems = tuple(bag.problems)
            sha256 = bag.sha256()
        return _with_cache(path, ReadBag(name, track, labels_problems), sha256, sensors, cache)
    except BagError as error:
        return BadBag(name, str(error))


def _with_cache(path: Path, read: ReadBag, sha256: str, sensors: SensorsConfig, cache: ShardCache) -> ReadBag:
    key, trouble = cache.key(sha256, sensors), list[str]()
    try:
        features = cache.find(key)
    except (OSError, ShardFileError) as error:
        features = None
        trouble.append(f"cache: {cache.path(key)}: {error}: the features of {path} are read anew")
    reused = stored = features is not None
    if features is None:
        with Bag(path) as bag:  # anew: the problems of the labels are not those of the features
            features = _read_features(bag, sensors, sha256)
        features = replace(features, problems=tuple(_moved(features.problems, str(path), _HERE)))
        try:
            cache.store(key, features)
            stored = True
        except OSError as error:
            trouble.append(f"cache: {error.filename}: {error.strerror}: the features of {path} are not kept")
    problems = tuple(dict.fromkeys([*read.problems, *_moved(features.problems, _HERE, str(path))]))
    where: dict[str, Any] = {"key": key} if stored else {"features": features}
    return replace(read, problems=problems, **where, reused=reused, cache_problems=tuple(trouble))


def _moved(problems: Iterable[str], start: str, instead: str) -> Iterator[str]:
    """The problems with another path at the beginning: a copy of a bag has its problems, but not its path."""
    for problem in problems:
        yield instead + problem.removeprefix(start) if problem.startswith(start) else problem


def _read_features(bag: Bag, sensors: SensorsConfig, sha256: str) -> Features:
    intervals = list(read_intervals(bag, FeaturePipeline(sensors)))
    return Features(
        sha256=sha256,
        X=np.array([interval.x for interval in intervals], np.float64).reshape(-1, len(sensors.columns)),
        time_ns=np.array([interval.end for interval in intervals], np.int64),
        unknown=np.array([interval.unknown for interval in intervals], np.bool_),
        problems=tuple(bag.problems),
    )


def _labels(bag: Bag, sensors: SensorsConfig, required: bool) -> LabelTrack | None:
    try:
        return load_labels(bag, sensors.labels, sensors.label_topic, sensors.other_labels)
    except NoLabelsError:
        if required:
            raise
        return None


def _fill_targets(
    Y: NDArray[np.float32], track: LabelTrack | None, labels: tuple[str, ...], time_ns: NDArray[np.int64]
) -> None:
    """Write the labels present at each time into Y (n, c); NaN where they are ignored or there are none."""
    for row, time in enumerate(time_ns.tolist()):
        present = None if track is None else track.at(time)
        Y[row] = np.nan if present is None else [label in present for label in labels]
