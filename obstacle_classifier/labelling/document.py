# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The labels of one recording while a person edits them: tracks, edits, undo and redo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from obstacle_classifier.labelling import tracks
from obstacle_classifier.labelling.tracks import Interval, Track

__all__ = ["Change", "Document", "Grid", "tracks_of"]


@dataclass(frozen=True)
class Grid:
    """The ends of the intervals that a network judges.

    Attributes:
        interval: Step in ns.
        origin: Start of the recording in ns since the epoch. Interval k ends at k times `interval` since the epoch.
    """

    interval: int
    origin: int

    def snap(self, time: int) -> int:
        """The end of an interval nearest to a time; both in ns since the start of the recording."""
        steps = (2 * (self.origin + time) + self.interval) // (2 * self.interval)
        return steps * self.interval - self.origin


@dataclass(frozen=True)
class Change:
    """One edit.

    Attributes:
        name: For people, such as `add pedestrian`.
        label: The track that it changed; None if it changed none.
        rejects: Whether that is a track of `Document.rejected`.
        before: That track before.
        after: That track after.
        seen: Times that it took from the unlabelled time.
        unseen: Times that it gave back to the unlabelled time.
    """

    name: str
    label: str | None = None
    rejects: bool = False
    before: Track = ()
    after: Track = ()
    seen: Track = ()
    unseen: Track = ()


@dataclass
class Document:
    """The labels of a recording.

    All times are in ns since the start of the recording. Edits are limited to the recording and to valid intervals; an
    edit that changes nothing leaves no trace.

    Attributes:
        duration: Length of the recording.
        grid: Where edges snap to; None means anywhere.
        tracks: Intervals by label, `ignore` among them.
        rejected: By label, the times at which a person said that the label is not there.
        unlabelled: Times that nobody has labelled yet. Training ignores them.
    """

    duration: int
    grid: Grid | None
    tracks: dict[str, Track]
    unlabelled: Track = ()
    rejected: dict[str, Track] = field(default_factory=dict)
    _done: list[Change] = field(default_factory=list)
    _undone: list[Change] = field(default_factory=list)

    # Edits

    def add(self, label: str, start: int, end: int) -> bool:
        """Give a stretch a label; the time counts as labelled. Returns whether anything changed, as all edits do."""
        new = self._limit(start, end)
        if new is None:
            return False
        return self._edit(f"add {label}", label, lambda track: tracks.add(track, new), new)

    def erase(self, label: str, start: int, end: int) -> bool:
        """Take a label from a stretch."""
        gone = self._limit(start, end)
        if gone is None:
            return False
        return self._edit(f"erase {label}", label, lambda track: tracks.erase(track, gone), gone)

    def trim(self, label: str, old: Interval, start: int, end: int) -> bool:
        """Move the edges of an interval; it stops at its neighbours."""
        new = self._limit(start, end)
        if new is None:
            return False
        return self._edit(f"trim {label}", label, lambda track: tracks.trim(track, old, new), new)

    def split(self, label: str, time: int) -> bool:
        """Cut the interval around a time in two."""
        at = self._snap(time)
        return self._edit(f"split {label}", label, lambda track: tracks.split(track, at))

    def delete(self, label: str, old: Interval) -> bool:
        """Remove an interval."""
        return self._edit(f"delete {label}", label, lambda track: tuple(each for each in track if each != old))

    def reject(self, label: str, start: int, end: int) -> bool:
        """Say that a label is not there, against a proposal."""
        before = self.rejected.get(label, ())
        after = tracks.add(before, (start, end))
        return self._do(Change(f"reject {label}", label, rejects=True, before=before, after=after))

    def finish(self, start: int, end: int) -> bool:
        """Count a stretch as labelled: where it has no label, nothing is there."""
        seen = tracks.clip(self.unlabelled, (start, end))
        return self._do(Change("mark as labelled", seen=seen))

    def reopen(self, start: int, end: int) -> bool:
        """Count a stretch as not labelled; its labels stay."""
        open_ = self._limit(start, end, snap=False)
        unseen: Track = () if open_ is None else (open_,)
        for each in self.unlabelled:
            unseen = tracks.erase(unseen, each)
        return self._do(Change("mark as not labelled", unseen=unseen))

    def watch(self, start: int, end: int) -> bool:
        """Count a stretch as labelled because it was played to somebody who labels. It is no edit to undo."""
        before = self.unlabelled
        self.unlabelled = tracks.erase(before, (start, end))
        return self.unlabelled != before

    # Undo

    @property
    def undoable(self) -> str | None:
        """Name of the edit that `undo` takes back."""
        return self._done[-1].name if self._done else None

    @property
    def redoable(self) -> str | None:
        """Name of the edit that `redo` does again."""
        return self._undone[-1].name if self._undone else None

    def undo(self) -> bool:
        """Take the last edit back."""
        if not self._done:
            return False
        change = self._done.pop()
        self._undone.append(change)
        self._set(change, change.before, change.unseen, change.seen)
        return True

    def redo(self) -> bool:
        """Do the edit that was last taken back again."""
        if not self._undone:
            return False
        change = self._undone.pop()
        self._done.append(change)
        self._set(change, change.after, change.seen, change.unseen)
        return True

    # State

    @property
    def labelled_share(self) -> float:
        """Share of the recording's time that was labelled, 0 to 1."""
        inside = tracks.length(tracks.clip(self.unlabelled, (0, self.duration)))
        return 1.0 - inside / self.duration if self.duration else 0.0

    def rows(self) -> list[tuple[int, int, str]]:
        """Start, end and label of all intervals, in order of time, then of tracks."""
        order = {label: index for index, label in enumerate(self.tracks)}
        found = [(start, end, label) for label, track in self.tracks.items() for start, end in track]
        return sorted(found, key=lambda row: (row[0], row[1], order[row[2]]))

    def _edit(self, name: str, label: str, change: Callable[[Track], Track], touched: Interval | None = None) -> bool:
        before = self.tracks.get(label, ())
        after = change(before)
        if after == before:
            return self.finish(*touched) if touched else False
        seen = tracks.clip(self.unlabelled, touched) if touched else ()
        return self._do(Change(name, label, before=before, after=after, seen=seen))

    def _do(self, change: Change) -> bool:
        if change.before == change.after and not change.seen and not change.unseen:
            return False
        self._set(change, change.after, change.seen, change.unseen)
        self._done.append(change)
        self._undone.clear()
        return True

    def _set(self, change: Change, track: Track, seen: Sequence[Interval], unseen: Sequence[Interval]) -> None:
        if change.label is not None:
            (self.rejected if change.rejects else self.tracks)[change.label] = track
        for each in seen:
            self.unlabelled = tracks.erase(self.unlabelled, each)
        if unseen:
            self.unlabelled = tracks.union([*self.unlabelled, *unseen])

    def _snap(self, time: int) -> int:
        snapped = time if self.grid is None else self.grid.snap(time)
        return max(0, min(self.duration, snapped))

    def _limit(self, start: int, end: int, *, snap: bool = True) -> Interval | None:
        """The part of a stretch inside the recording with snapped edges, at least one step long; None if none is."""
        start, end = max(0, min(start, end)), min(self.duration, max(start, end))
        if end <= start:
            return None
        if not snap or self.grid is None:
            return start, end
        low, high = self._snap(start), self._snap(end)
        if high <= low:  # shorter than half a step: the step that holds its middle
            steps = (self.grid.origin + (start + end) // 2) // self.grid.interval
            low = max(0, steps * self.grid.interval - self.grid.origin)
            high = min(self.duration, (steps + 1) * self.grid.interval - self.grid.origin)
        return low, high


def tracks_of(rows: Sequence[tuple[int, int, str]], labels: Sequence[str]) -> dict[str, Track]:
    """The tracks of the rows of a label file: those of `labels` first, then others in order of their first row."""
    found: dict[str, list[Interval]] = {label: [] for label in labels}
    for start, end, label in rows:
        found.setdefault(label, []).append((start, end))
    return {label: _without_overlap(intervals) for label, intervals in found.items()}


def _without_overlap(intervals: Sequence[Interval]) -> Track:
    """The track of rows: those that overlap become one, those that touch stay apart."""
    track: list[Interval] = []
    for start, end in sorted(intervals):
        if track and start < track[-1][1]:
            track[-1] = track[-1][0], max(track[-1][1], end)
        else:
            track.append((start, end))
    return tuple(track)
