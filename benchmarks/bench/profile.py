# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a function spends its time on."""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Callable
from itertools import repeat

__all__ = ["parts_of"]


def parts_of(call: Callable[[], object], count: int = 2000, lines: int = 12) -> str:
    """The functions with the largest own time over `count` calls, by cProfile. Its overhead is in the figures."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in repeat(None, count):
        call()
    profiler.disable()
    out = io.StringIO()
    pstats.Stats(profiler, stream=out).strip_dirs().sort_stats("tottime").print_stats(lines)
    rows = [line.rstrip() for line in out.getvalue().splitlines() if line.strip()]
    start = next(index for index, line in enumerate(rows) if line.lstrip().startswith("ncalls"))
    return "\n".join(rows[start:])
