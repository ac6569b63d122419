# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The playing clock: which time of the recording was on the screen when a key was pressed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SPEEDS", "PlayingClock"]

SPEEDS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Seconds of the recording that pass in a second while it plays."""
MAX_REACTION = 3.0
"""Longest reaction time in s."""
_HISTORY = 64


@dataclass(frozen=True)
class _Piece:
    """From `wall` on, the recording is at `position` and moves at `speed`."""

    wall: float
    position: int
    speed: float

    def at(self, wall: float) -> int:
        return self.position + round((wall - self.wall) * self.speed * 1e9)


class PlayingClock:
    """The position in a recording as a function of the browser's clock.

    The browser stamps keys and changes of the playback with its own monotonic clock, in seconds, so the time that an
    event takes to arrive does no harm.

    Args:
        duration: Length of the recording in ns; the position stays inside.
    """

    def __init__(self, duration: int) -> None:
        self._duration = duration
        self._pieces = [_Piece(float("-inf"), 0, 0.0)]

    def change(self, wall: float, position: int, speed: float) -> None:
        """From a time of the browser on, the recording plays from a position; speed 0 means that it is paused.

        Raises:
            ValueError: The speed is not 0 or between the lowest and the highest of `SPEEDS`.
        """
        if speed and not SPEEDS[0] <= speed <= SPEEDS[-1]:
            raise ValueError(f"speed: found {speed}, expected 0 or {SPEEDS[0]} to {SPEEDS[-1]}")
        self._pieces = [each for each in self._pieces if each.wall < wall][-_HISTORY:]
        self._pieces.append(_Piece(wall, self._limit(position), speed))

    def at(self, wall: float, reaction: float = 0.0) -> int:
        """The position in ns that was on the screen `reaction` seconds before a time of the browser.

        A jump or a pause in between does not matter for a key that answers to what was shown after it: the position is
        never taken from before the last jump.
        """
        piece = next((each for each in reversed(self._pieces) if each.wall <= wall), self._pieces[0])
        seen = wall - reaction
        if piece.wall <= seen:
            return self._limit(piece.at(seen)) if piece.speed else piece.position
        index = self._pieces.index(piece)
        while index and seen < piece.wall:
            before = self._pieces[index - 1]
            if before.speed and abs(before.at(piece.wall) - piece.position) > _CONTINUOUS:
                return piece.position  # the playback jumped there
            if not before.speed and before.position != piece.position:
                return piece.position
            piece, index = before, index - 1
        return self._limit(piece.at(seen)) if piece.speed else piece.position

    def played(self, since: float, until: float) -> list[tuple[int, int]]:
        """The stretches (start, end) in ns that were played between two times of the browser."""
        stretches = []
        for index, piece in enumerate(self._pieces):
            last = self._pieces[index + 1].wall if index + 1 < len(self._pieces) else until
            low, high = max(since, piece.wall), min(until, last)
            if piece.speed and high > low:
                start, end = self._limit(piece.at(low)), self._limit(piece.at(high))
                if end > start:
                    stretches.append((start, end))
        return stretches

    def _limit(self, position: int) -> int:
        return max(0, min(self._duration, position))


_CONTINUOUS = 50_000_000  # ns: more is a jump, less is the rounding of a browser's frame
