# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Probabilities and their spread as a CSV table, the same text for the same numbers wherever they come from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.files import write_atomically

__all__ = ["format_float32", "write_table"]


def format_float32(value: float) -> str:
    """The shortest decimal text that reads back as the same float32, such as `0.1`; `nan` for NaN."""
    return str(np.float32(value))


def write_table(
    path: Path, names: Sequence[str], rows: Iterable[tuple[int, Sequence[float] | NDArray[np.float32]]]
) -> None:
    """Write `time_ns` and a column per name to a CSV file, each row as soon as it is there.

    Args:
        path: The file; it appears once it is complete.
        names: The columns: labels, and what else a row holds.
        rows: Interval end in ns and a float32 value per column.

    Raises:
        OSError: The file cannot be written.
    """

    def write(stream: IO[bytes]) -> None:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["time_ns", *names])
        table.writerows([end, *map(format_float32, values)] for end, values in rows)
        text.detach()

    write_atomically(path, write)
