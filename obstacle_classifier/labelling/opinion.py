# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a model says about a recording: probabilities, stretches that it proposes, stretches that it doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.labelling import tracks
from obstacle_classifier.labelling.tracks import Interval, Track
from obstacle_classifier.model.decision import Decision, DecisionRule

__all__ = ["Opinion", "Proposal"]

DOUBTFUL = 0.5
"""Doubt from which an interval is doubtful."""
SHORTEST = 3
"""Fewest intervals of a proposal and of a doubtful stretch."""
GAP = 5
"""Doubtful stretches that are at most this many intervals apart are one."""


@dataclass(frozen=True)
class Proposal:
    """A stretch that the model gives a label and a person did not."""

    label: str
    start: int
    end: int


class Opinion:
    """The probabilities of a model for the intervals of a recording.

    Args:
        ends: (n,) int64 ends of the intervals in ns since the start of the recording, increasing.
        p: (n, c) float32 probabilities, NaN where the interval is unknown.
        spread: (n, c) float32 standard deviation of the members' probabilities; None if the model has no members.
        labels: The model's c labels.
        rules: When each label is present.
        interval: Step between intervals in ns.
    """

    def __init__(
        self,
        ends: NDArray[np.int64],
        p: NDArray[np.float32],
        spread: NDArray[np.float32] | None,
        labels: Sequence[str],
        rules: Sequence[DecisionRule],
        interval: int,
    ) -> None:
        self.ends, self.p, self.labels, self.interval = ends, p, tuple(labels), interval
        self.thresholds = [rule.threshold for rule in rules]
        self.doubt = _doubt(p, spread, self.thresholds)
        self._present = self._decide(rules)

    def proposals(self, labelled: Mapping[str, Track], rejected: Mapping[str, Track]) -> list[Proposal]:
        """The stretches with a label of the model that a person neither gave nor rejected, in order of time.

        Differences at the edges, shorter than `SHORTEST` intervals, are left out.
        """
        found = []
        for label, present in self._present.items():
            left = present
            for each in (*labelled.get(label, ()), *rejected.get(label, ())):
                left = tracks.erase(left, each)
            found += [Proposal(label, *each) for each in left if each[1] - each[0] >= SHORTEST * self.interval]
        return sorted(found, key=lambda proposal: (proposal.start, proposal.end, proposal.label))

    def doubtful(self, within: Track | None = None) -> Track:
        """The stretches in which the model is in doubt.

        Args:
            within: Only stretches that overlap these times; None means all.
        """
        runs = _runs(self.doubt >= DOUBTFUL, GAP)
        stretches = [
            self._span(first, last)
            for first, last in runs
            if np.count_nonzero(self.doubt[first : last + 1] >= DOUBTFUL) >= SHORTEST
        ]
        return tuple(each for each in stretches if within is None or tracks.clip(within, each))

    def doubt_per_minute(self, within: Track) -> float:
        """Doubtful seconds in a minute of these times; 0 without any time."""
        total = inside = 0
        for start, end in within:
            chosen = self.doubt[np.searchsorted(self.ends, start) : np.searchsorted(self.ends, end)]
            total += len(chosen)
            inside += int(np.count_nonzero(chosen >= DOUBTFUL))
        return 60.0 * inside / total if total else 0.0

    def expected(self, label: str, within: Track) -> float:
        """Mean probability of a label in these times; 0 without any known interval."""
        if label not in self.labels:
            return 0.0
        column = self.p[:, self.labels.index(label)]
        parts = [column[np.searchsorted(self.ends, a) : np.searchsorted(self.ends, b)] for a, b in within]
        known = np.concatenate([*parts, np.empty(0, np.float32)])
        known = known[np.isfinite(known)]
        return float(known.mean()) if len(known) else 0.0

    def _span(self, first: int, last: int) -> Interval:
        """The stretch of intervals: from the end of the first, at which labels count, to one step after the last."""
        return int(self.ends[first]), int(self.ends[last]) + self.interval

    def _decide(self, rules: Sequence[DecisionRule]) -> dict[str, Track]:
        """The stretches of each label by the model's rules, dated back by the hysteresis."""
        decision = Decision(self.labels, rules)
        present = np.zeros(self.p.shape, np.bool_)
        known: NDArray[np.bool_] = np.isfinite(self.p.sum(axis=1))
        for row, p in enumerate(self.p):
            if not known[row] or (row and self.ends[row] - self.ends[row - 1] != self.interval):
                decision.reset()
            if known[row]:
                chosen = decision.update(p)
                present[row] = [label in chosen for label in self.labels]
        found = {}
        for column, (label, rule) in enumerate(zip(self.labels, rules, strict=True)):
            stretches = []
            for first, last in _runs(present[:, column], 0):
                begin = max(0, first - (rule.enter - 1))
                # The run ends late by the hysteresis, unless an unknown interval or the end of the recording cut it.
                late = rule.exit - 1 if last + 1 < len(known) and known[last + 1] else 0
                stretches.append(self._span(begin, max(begin, last - late)))
            found[label] = tracks.union(stretches)
        return found


def _doubt(
    p: NDArray[np.float32], spread: NDArray[np.float32] | None, thresholds: Sequence[float]
) -> NDArray[np.float32]:
    """(n,) the largest doubt about a label, 0 to 1; 0 where the interval is unknown: nobody can see anything there.

    The doubt about a label is 1 at its threshold and falls linearly to 0 at the probabilities 0 and 1, or twice the
    members' standard deviation (at most 0.5) if that is more.
    """
    limits = np.asarray(thresholds, np.float32)
    below = p / np.maximum(limits, 1e-6)
    above = (1.0 - p) / np.maximum(1.0 - limits, 1e-6)
    doubt = np.where(p < limits, below, above)
    if spread is not None:
        doubt = np.maximum(doubt, 2.0 * spread)
    found: NDArray[np.float32] = np.clip(np.where(np.isfinite(p), doubt, 0.0), 0.0, 1.0).max(axis=1).astype(np.float32)
    return found


def _runs(mask: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """First and last index of each run of True; runs at most `gap` apart are one."""
    runs: list[tuple[int, int]] = []
    for index in np.flatnonzero(mask).tolist():
        if runs and index - runs[-1][1] <= gap + 1:
            runs[-1] = runs[-1][0], index
        else:
            runs.append((index, index))
    return runs
