# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scores per event: an obstacle that comes and goes is one event, however many intervals it lasts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["event_scores", "runs"]

Flags = NDArray[np.bool_]
HOUR = 3600 * 10**9  # ns


def runs(flags: Flags, follows: Flags) -> list[tuple[int, int]]:
    """Start and end index (exclusive) of each maximal run of true flags (n,).

    Args:
        flags: Where the run may be.
        follows: (n,) whether an entry directly follows the one before; a run never spans one that does not.
    """
    begins = flags & ~(np.append(False, flags[:-1]) & follows)
    ends = flags & ~(np.append(flags[1:], False) & np.append(follows[1:], False))
    return list(zip(np.flatnonzero(begins).tolist(), (np.flatnonzero(ends) + 1).tolist(), strict=True))


def event_scores(y: Flags, present: Flags, follows: Flags, interval: int) -> dict[str, Any]:
    """Scores of one label's events.

    An event is a run of intervals in which the label is present in truth. It is detected if the label is called present
    in at least one of its intervals; its delay is the number of intervals before the first of these. A false alarm is a
    run of intervals called present in none of which the label is there.

    Args:
        y: (n,) truth.
        present: (n,) decisions.
        follows: (n,) whether an interval directly follows the one before, in the same bag.
        interval: Length of an interval in ns.

    Returns:
        JSON-able: `events`, `detected` (share), `delay` (median over detected events, in intervals),
        `false_alarms_per_hour`; None where undefined.
    """
    events = runs(y, follows)
    delays = [int(np.argmax(present[start:end])) for start, end in events if present[start:end].any()]
    alarms = sum(not y[start:end].any() for start, end in runs(present, follows))
    hours = len(y) * interval / HOUR
    return {
        "events": len(events),
        "detected": len(delays) / len(events) if events else None,
        "delay": float(np.median(delays)) if delays else None,
        "false_alarms_per_hour": alarms / hours if hours else None,
    }
