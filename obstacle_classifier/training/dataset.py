# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recordings as training and scoring see them: a shard of intervals for each bag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.backends import Backend, Serial
from obstacle_classifier.training.bag_reader import ReadBag, read_bag
from obstacle_classifier.training.scratch import IN_MEMORY, concatenate
from obstacle_classifier.training.shard import BadBag, Shard, directly_follows
from obstacle_classifier.training.shard_cache import ShardCache

__all__ = [
    "BadBag",
    "Dataset",
    "Shard",
    "check_some_usable",
    "directly_follows",
    "make_dataset",
    "read_dataset",
    "warn_left_out",
]


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

    @property
    def scratch(self) -> Path | None:
        """Folder for file-backed copies, of a data set that is larger than memory; None: copies are in memory."""
        return self.shards[0].scratch if self.shards else None

    def usable(self) -> Dataset:
        """The known, labelled intervals; shards without any are left out."""
        return self.select([shard.usable for shard in self.shards])

    def select(self, rows: Sequence[NDArray[np.bool_]]) -> Dataset:
        """The intervals where `rows`, an array a shard, is true; shards without any are left out."""
        chosen = [shard.select(mask) for shard, mask in zip(self.shards, rows, strict=True)]
        return replace(self, shards=tuple(shard for shard in chosen if len(shard)))

    def cut(self, rows: Sequence[NDArray[np.bool_]]) -> Dataset:
        """As `select`, as if the bags had no other intervals; see `Shard.cut`."""
        chosen = [shard.cut(mask) for shard, mask in zip(self.shards, rows, strict=True)]
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
        if self.scratch is not None:
            return self._in_files
        return np.concatenate([shard.X for shard in self]), np.concatenate([shard.Y for shard in self])

    @cached_property
    def _in_files(self) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """`stack` of a data set that is larger than memory: once, since it takes a pass over the disk."""
        X, Y = ([getattr(shard, name) for shard in self] for name in "XY")
        return concatenate(X, self.scratch), concatenate(Y, self.scratch)


def read_dataset(
    paths: Sequence[Path],
    sensors: SensorsConfig,
    progress: Progress,
    *,
    labels_required: bool = True,
    backend: Backend | None = None,
    cache: ShardCache | None = None,
) -> Dataset:
    """The intervals of all bags with their labels; bags that cannot be used are left out and named.

    Args:
        paths: The bags.
        sensors: The columns and the labels.
        progress: Told of every bag.
        labels_required: Whether a bag without labels cannot be used.
        backend: Where the bags are read; by default here, one after the other.
        cache: Keeps the features of bags from run to run; None: all bags are read.

    Raises:
        BagError: None of the bags can be used.
        ConfigError: A label file that does not hold what it must.
    """
    names = bag_names(paths)
    read: list[ReadBag] = []
    left_out: list[BadBag] = []
    function = partial(read_bag, sensors=sensors, labels_required=labels_required, cache=cache)
    with progress.stage("bags", len(paths)) as stage:
        for result in (backend or Serial()).map(function, list(zip(paths, names, strict=True))):
            if isinstance(result, ReadBag):
                read.append(result)
            else:
                left_out.append(result)
            stage.advance(result.name)
    check_some_usable(left_out, len(paths))
    if cache is not None:
        _tell(read, cache, progress)
    return replace(make_dataset(read, sensors, cache), left_out=tuple(left_out))


def make_dataset(read: Sequence[ReadBag], sensors: SensorsConfig, cache: ShardCache | None) -> Dataset:
    """The data set of bags that have been read: in memory, or in files if it is large and there is a cache.

    Args:
        read: The bags.
        sensors: The columns and the labels.
        cache: Holds the features that the bags do not hold themselves.
    """
    features = [bag.open(cache) for bag in read]
    size = sum(each.X.nbytes for each in features)
    scratch = cache.scratch if cache is not None and size > IN_MEMORY else None
    return Dataset(tuple(bag.shard(own, sensors, scratch) for bag, own in zip(read, features, strict=True)))


def _tell(read: Sequence[ReadBag], cache: ShardCache, progress: Progress) -> None:
    """Say what the cache gave, and how to clear it."""
    for bag in read:
        for problem in bag.cache_problems:
            progress.say(f"warning: {problem}")
    reused = sum(bag.reused for bag in read)
    progress.say(
        f"cache {cache.location}: reused the features of {reused} of {len(read)} bags; to clear it: "
        f"{cache.clear_command}"
    )


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
