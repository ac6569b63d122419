# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Intervals of time by label: a set of them for each track, sorted and without overlap."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Interval", "add", "clip", "erase", "find", "length", "split", "trim", "union"]

Interval = tuple[int, int]
"""Start and end in ns; the end is not part of it, and it is after the start."""

Track = tuple[Interval, ...]
"""Intervals in order of time without overlap; neighbours may touch."""


def union(intervals: Iterable[Interval]) -> Track:
    """The track that covers the same times; intervals that overlap or touch become one."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        elif end > start:
            merged.append((start, end))
    return tuple(merged)


def add(track: Track, new: Interval) -> Track:
    """The track with one more interval; those that it overlaps or touches become part of it."""
    start, end = new
    if end <= start:
        return track
    apart = [each for each in track if each[1] < start or end < each[0]]
    joined = [each for each in track if not (each[1] < start or end < each[0])]
    whole = min([start, *(a for a, _ in joined)]), max([end, *(b for _, b in joined)])
    return tuple(sorted([*apart, whole]))


def erase(track: Track, gone: Interval) -> Track:
    """The track without the times of an interval."""
    start, end = gone
    if end <= start:
        return track
    kept = []
    for a, b in track:
        kept += [each for each in ((a, min(b, start)), (max(a, end), b)) if each[1] > each[0]]
    return tuple(kept)


def trim(track: Track, old: Interval, new: Interval) -> Track:
    """The track with one interval moved to other times, at most up to its neighbours.

    The track is unchanged if it lacks the old interval, or if nothing would be left of the new one.
    """
    if old not in track:
        return track
    index = track.index(old)
    low = track[index - 1][1] if index else new[0]
    high = track[index + 1][0] if index + 1 < len(track) else new[1]
    start, end = max(low, new[0]), min(high, new[1])
    return track if end <= start else (*track[:index], (start, end), *track[index + 1 :])


def split(track: Track, time: int) -> Track:
    """The track with the interval around a time cut in two there."""
    cut = []
    for start, end in track:
        cut += [(start, time), (time, end)] if start < time < end else [(start, end)]
    return tuple(cut)


def find(track: Track, time: int) -> Interval | None:
    """The interval that holds a time."""
    return next((each for each in track if each[0] <= time < each[1]), None)


def clip(track: Track, span: Interval) -> Track:
    """The parts of the intervals inside a span."""
    inside = ((max(start, span[0]), min(end, span[1])) for start, end in track)
    return tuple(each for each in inside if each[1] > each[0])


def length(track: Track) -> int:
    """Time in ns that the track covers."""
    return sum(end - start for start, end in track)
