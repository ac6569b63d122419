# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The table of a data set: the same on the screen and in the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.evaluate.methods import COMPETITORS
from benchmarks.evaluate.results import Result, Spread, calibration_errors, paired

__all__ = ["MAIN", "TOLERANCE", "table", "verdict"]

MAIN = "default"  # the recipe that all others are compared with
SLOW = "sgd"  # the recipe whose training time is the unit
TOLERANCE = 0.01  # macro average precision by which the main recipe may be below the best competitor

HEADER = (
    "method",
    "macro AP",
    f"{MAIN} less this",
    "ECE",
    "uncalibrated",
    "left-out less test bags",
    "fit, CPU s",
    f"of {SLOW}",
)
NONE = "-"


def table(results: Mapping[str, Sequence[Result]]) -> str:
    """Markdown, a row a method, with columns that are aligned in plain text too.

    Args:
        results: Of each method, on the same parts.
    """
    rows = [HEADER, *(_row(name, results) for name in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))


def verdict(results: Mapping[str, Sequence[Result]]) -> tuple[bool, str]:
    """Whether the main recipe is near the best competitor, and a sentence about it; true where one is missing."""
    means = {name: Spread.of([result.score for result in own]).mean for name, own in results.items()}
    competitors = [name for name in results if name in COMPETITORS]
    if MAIN not in results or not competitors:
        return True, f"no verdict: it takes '{MAIN}' and a competitor"
    best = max(competitors, key=means.__getitem__)
    difference = paired(results[MAIN], results[best])
    return (
        difference.mean >= -TOLERANCE,
        f"{MAIN} less {best}, the best of scikit-learn's: {difference:+.3f}, expected at least {-TOLERANCE:+.3f}",
    )


def _row(name: str, results: Mapping[str, Sequence[Result]]) -> tuple[str, ...]:
    own = results[name]
    error, raw_error = calibration_errors(own)
    seconds = float(np.mean([result.seconds for result in own]))
    compared = name != MAIN and MAIN in results
    unit = float(np.mean([result.seconds for result in results[SLOW]])) if SLOW in results else None
    left_out = [result.answer.left_out - result.score for result in own if result.answer.left_out is not None]
    return (
        name,
        f"{Spread.of([result.score for result in own]):.3f}",
        f"{paired(results[MAIN], own):+.3f}" if compared else NONE,
        f"{error:.3f}",
        NONE if raw_error is None else f"{raw_error:.3f} ({f'x {error / raw_error:.2f}' if raw_error else NONE})",
        f"{Spread.of(left_out):+.3f}" if left_out else NONE,
        f"{seconds:.1f}",
        NONE if unit is None else f"{seconds / unit:.2f}",
    )
