# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The rows of the table. This is the only list."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bench.row import PEERS, Row

__all__ = ["ROWS", "select"]

ROWS = (
    Row("inference 32-64-8", "inference_mlp", [32, 64, 8], PEERS),
    Row("inference 64-128-10", "inference_mlp", [64, 128, 10], PEERS),
    Row("inference 128-256-16", "inference_mlp", [128, 256, 16], PEERS),
    Row("inference of the default network, 73 columns", "inference_default", ["leg_tracker"], PEERS),
    Row("inference of the default network, 222 columns", "inference_default", ["sidewalk"], PEERS),
)


def select(parts: Sequence[str]) -> list[Row]:
    """The rows whose names contain one of the parts; all rows without parts.

    Raises:
        ValueError: A part selects nothing.
    """
    for part in parts:
        if not any(part in row.name for row in ROWS):
            raise ValueError(f"--rows: found '{part}', expected a part of: {'; '.join(row.name for row in ROWS)}")
    return [row for row in ROWS if not parts or any(part in row.name for part in parts)]
