# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The intervals of one bag."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.scratch import take

__all__ = ["BadBag", "Shard", "directly_follows"]


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
        scratch: Folder for file-backed copies of the arrays, of a data set that is larger than memory; None: copies are
            in memory.
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
    scratch: Path | None = None

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
        return replace(self, **{name: take(getattr(self, name), rows, self.scratch) for name in arrays})


@dataclass(frozen=True)
class BadBag:
    """A bag that cannot be used."""

    name: str
    problem: str
    """One line that names the bag's path and says why."""

    def document(self) -> dict[str, str]:
        """Name and problem as JSON-able data."""
        return {"name": self.name, "problem": self.problem}


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
