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

__all__ = ["BadBag", "Dataset", "Shard", "check_some_usable", "directly_follows", "read_dataset", "warn_left_out"]


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
        follows: (n,) bool, whether the interval and the one before it in the bag are of one run; see
            `directly_follows`.
        problems: Parts of the bag that could not be read and why, a line each.
        whole: The shard that these intervals were selected from; None if these are all. Its known intervals are the
            history of those selected, whether or not they are labelled.
    """

    name: str
    sha256: str
    X: NDArray[np.float64]
    Y: NDArray[np.float32]
    time_ns: NDArray[np.int64]
    unknown: NDArray[np.bool_]
    follows: NDArray[np.bool_]
    problems: tuple[str, ...] = ()
    whole: Shard | None = None

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
        """The intervals where `rows` (n,) is true, with an unchanged history; the shard itself if it is everywhere."""
        return self if rows.all() else replace(self._rows(rows), whole=self.whole or self)

    def cut(self, rows: NDArray[np.bool_]) -> Shard:
        """The intervals where `rows` (n,) is true, as if the bag had no others; the shard itself if it is everywhere.

        The history of a shard that was selected from another is cut to the time from its first to its last interval.
        """
        if rows.all():
            return self
        kept = self._rows(rows)
        if self.whole is None or not len(kept):
            return replace(kept, follows=(self.follows & np.append(False, rows[:-1]))[rows])
        times = self.whole.time_ns
        return replace(kept, whole=self.whole.cut((kept.time_ns[0] <= times) & (times <= kept.time_ns[-1])))

    def _rows(self, rows: NDArray[np.bool_]) -> Shard:
        arrays = ("X", "Y", "time_ns", "unknown", "follows")
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})


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
        return np.concatenate([shard.X for shard in self]), np.concatenate([shard.Y for shard in self])


def directly_follows(time_ns: NDArray[np.int64], unknown: NDArray[np.bool_], interval: int) -> NDArray[np.bool_]:
    """(n,) bool, whether an interval and the one before it are of one run.

    Both are known, and the first ends where the second begins. The pipeline forgets earlier intervals wherever this is
    false: an unknown interval has no output, and a clock that jumps or a skipped backlog leaves a gap.

    Args:
        time_ns: (n,) interval ends of a bag, in time order.
        unknown: (n,) bool.
        interval: Length of an interval in ns.
    """
    known = ~unknown
    before = np.append(False, known[:-1])
    return np.asarray(known & before & (np.diff(time_ns, prepend=0) == interval))


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
            time_ns = np.array([interval.end for interval in intervals], np.int64)
            unknown = np.array([interval.unknown for interval in intervals], np.bool_)
            return Shard(
                name=name,
                sha256=bag.sha256(),
                X=np.array([interval.x for interval in intervals], np.float64).reshape(-1, len(sensors.columns)),
                Y=np.array([_target(track, sensors, interval.end) for interval in intervals], np.float32).reshape(
                    -1, len(sensors.labels)
                ),
                time_ns=time_ns,
                unknown=unknown,
                follows=directly_follows(time_ns, unknown, sensors.interval),
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
