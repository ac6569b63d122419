# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""One page at work on one recording: what the page asks for becomes edits, and every edit is written at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from obstacle_classifier.errors import ObstacleClassifierError
from obstacle_classifier.labelling.clock import MAX_REACTION, PlayingClock
from obstacle_classifier.labelling.document import Document, Grid
from obstacle_classifier.labelling.opinion import Opinion
from obstacle_classifier.labelling.store import ChangedElsewhereError, LabelStore

__all__ = ["Editor", "RequestError"]

DEFAULT_REACTION = 0.3  # s

Request = Mapping[str, Any]


class RequestError(ObstacleClassifierError):
    """A request that the page should not have made."""


class Editor:
    """The labels of one recording in the hands of one page.

    A request is a mapping with a `type` and the fields of that type; times of the recording are in ns since its start,
    times of the browser in s.

    Args:
        store: The label file.
        duration: Length of the recording in ns.
        grid: The ends of the intervals, for snapping.
        opinion: What the model says, if there is a model and as soon as it has said it.

    Attributes:
        document: The labels.
        read_only: Why this page may not write; None if it may.
        changed_elsewhere: Whether another program changed the label file; nothing is written until it is read again or
            `keep` says that these labels are to stay.

    Raises:
        ConfigError: The label file is malformed.
        BagError: The label topic has malformed messages.
    """

    def __init__(self, store: LabelStore, duration: int, grid: Grid, opinion: Opinion | None = None) -> None:
        self._store, self._grid = store, grid
        self.opinion = opinion
        self.clock = PlayingClock(duration)
        self.document: Document
        self.changed_elsewhere = False
        self.read_only: str | None = None
        self._reaction = DEFAULT_REACTION
        self._watched = -math.inf  # browser's time up to which played stretches are counted
        self._snapping = True
        self.take()

    @property
    def path(self) -> str:
        """The label file."""
        return str(self._store.path)

    def take(self) -> None:
        """Try to get the right to write, and read the labels again."""
        self.read_only = None if self._store.lock() else "another page has this recording open"
        self.reload()

    def reload(self) -> None:
        """Read the label file again; what could be undone is forgotten."""
        self.document = self._store.load()
        self.document.grid = self._grid if self._snapping else None
        self.changed_elsewhere = False

    def close(self) -> None:
        """Give the right to write back."""
        self._store.unlock()

    def poll(self) -> bool:
        """Look whether the label file changed elsewhere; a page that cannot write reads it again.

        Returns:
            Whether the page has something new to show.
        """
        if self.changed_elsewhere or not self._store.changed_elsewhere():
            return False
        if self.read_only:
            self.reload()
        else:
            self.changed_elsewhere = True
        return True

    def handle(self, request: Request) -> bool:
        """Do what a page asks for.

        Returns:
            Whether the labels changed.

        Raises:
            RequestError: The request is malformed, or not possible now.
            OSError: The label file cannot be written.
        """
        kind = request.get("type")
        if kind in _QUIET:
            return _QUIET[kind](self, request)
        if kind not in _EDITS:
            raise RequestError(f"found request {kind!r}, expected one of {', '.join((*_QUIET, *_EDITS))}")
        self._check_writable()
        changed = _EDITS[kind](self, request)
        if changed:
            self._save()
        return changed

    def state(self) -> dict[str, Any]:
        """What the page shows, as JSON."""
        document = self.document
        proposals = [] if self.opinion is None else self.opinion.proposals(document.tracks, document.rejected)
        return {
            "tracks": document.tracks,
            "unlabelled": document.unlabelled,
            "proposals": [[each.label, each.start, each.end] for each in proposals],
            "doubtful": [] if self.opinion is None else self.opinion.doubtful(),
            "undo": document.undoable,
            "redo": document.redoable,
            "share": document.labelled_share,
            "readOnly": self.read_only,
            "changedElsewhere": self.changed_elsewhere,
            "shift": self._store.shift,
            "exists": self._store.exists,
        }

    # Requests that are no edits

    def _transport(self, request: Request) -> bool:
        wall, speed = _number(request, "wall"), _number(request, "speed")
        seen = self._watch(wall, _held(request))
        try:
            self.clock.change(wall, _time(request, "position"), speed)
        except ValueError as error:
            raise RequestError(str(error)) from None
        return seen

    def _tick(self, request: Request) -> bool:
        return self._watch(_number(request, "wall") - self._reaction, _held(request) - self._reaction)

    def _watch(self, wall: float, held: float) -> bool:
        """Count what was played as labelled, up to a key that is held down: its label is not known yet."""
        until = min(wall, held)
        stretches = self.clock.played(self._watched, until)
        self._watched = max(self._watched, until)
        if self.read_only or self.changed_elsewhere:
            return False
        changes = [self.document.watch(start, end) for start, end in stretches]
        if any(changes):
            self._save()
        return any(changes)

    def _settings(self, request: Request) -> bool:
        reaction = _number(request, "reaction")
        if not 0.0 <= reaction <= MAX_REACTION:
            raise RequestError(f"reaction: found {reaction} s, expected 0 to {MAX_REACTION:g} s")
        self._reaction = reaction
        self._snapping = bool(request.get("snap", True))
        self.document.grid = self._grid if self._snapping else None
        return False

    # Edits

    def _mark(self, request: Request) -> bool:
        """A key held down, or the time between two presses: browser's times, corrected by the reaction time."""
        down = self.clock.at(_number(request, "down"), self._reaction)
        let_go = not request.get("open")  # the playback stopped, and nobody reacted to that
        up = self.clock.at(_number(request, "up"), self._reaction if let_go else 0.0)
        return self.document.add(self._label(request), down, up)

    def _accept(self, request: Request) -> bool:
        if self.opinion is None:
            raise RequestError("accept: there is no model")
        label, start, end = self._label(request), _time(request, "start"), _time(request, "end")
        return self.document.add(label, start, end)

    def _accept_all(self, request: Request) -> bool:
        del request
        if self.opinion is None:
            raise RequestError("accept: there is no model")
        proposals = self.opinion.proposals(self.document.tracks, self.document.rejected)
        changes = [self.document.add(each.label, each.start, each.end) for each in proposals]
        return any(changes)

    def _label(self, request: Request) -> str:
        label = request.get("label")
        if not isinstance(label, str) or label not in self.document.tracks:
            raise RequestError(f"found label {label!r}, expected one of {', '.join(self.document.tracks)}")
        return label

    def _interval(self, request: Request) -> tuple[int, int]:
        return _time(request, "start"), _time(request, "end")

    def _check_writable(self) -> None:
        if self.read_only:
            raise RequestError(f"nothing was changed: {self.read_only}")
        if self.changed_elsewhere:
            raise RequestError("nothing was changed: another program has changed the label file")

    def _save(self) -> None:
        try:
            self._store.save(self.document)
        except ChangedElsewhereError as error:
            self.changed_elsewhere = True
            raise RequestError(str(error)) from None

    def _keep(self, request: Request) -> bool:
        """These labels are to stay, and those that another program wrote are not."""
        del request
        if self.read_only:
            raise RequestError(f"nothing was changed: {self.read_only}")
        self._store.overwrite(self.document)
        self.changed_elsewhere = False
        return True

    def _reload(self, request: Request) -> bool:
        del request
        self.reload()
        return True

    def _take(self, request: Request) -> bool:
        del request
        self.take()
        return True


def _number(request: Request, name: str) -> float:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestError(f"{name}: found {value!r}, expected a number")
    return float(value)


def _held(request: Request) -> float:
    """Browser's time since which a label's key is held down; infinity if none is."""
    return math.inf if request.get("held") is None else _number(request, "held")


def _time(request: Request, name: str) -> int:
    return round(_number(request, name))


_QUIET: Mapping[Any, Callable[[Editor, Request], bool]] = {
    "transport": Editor._transport,
    "tick": Editor._tick,
    "settings": Editor._settings,
    "keep": Editor._keep,
    "reload": Editor._reload,
    "take": Editor._take,
}
_EDITS: Mapping[Any, Callable[[Editor, Request], bool]] = {
    "mark": Editor._mark,
    "add": lambda editor, request: editor.document.add(editor._label(request), *editor._interval(request)),
    "erase": lambda editor, request: editor.document.erase(editor._label(request), *editor._interval(request)),
    "trim": lambda editor, request: editor.document.trim(
        editor._label(request), editor._interval(request), _time(request, "newStart"), _time(request, "newEnd")
    ),
    "split": lambda editor, request: editor.document.split(editor._label(request), _time(request, "time")),
    "delete": lambda editor, request: editor.document.delete(editor._label(request), editor._interval(request)),
    "accept": Editor._accept,
    "acceptAll": Editor._accept_all,
    "reject": lambda editor, request: editor.document.reject(editor._label(request), *editor._interval(request)),
    "finish": lambda editor, request: editor.document.finish(*editor._interval(request)),
    "reopen": lambda editor, request: editor.document.reopen(*editor._interval(request)),
    "undo": lambda editor, request: editor.document.undo(),
    "redo": lambda editor, request: editor.document.redo(),
}
