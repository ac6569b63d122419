# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The probabilities that a node has published, as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from obstacle_classifier.files import write_atomically

__all__ = ["write_table"]


def write_table(path: Path, labels: Sequence[str], answers: Iterable[tuple[int, Sequence[float]]]) -> None:
    """Write `time_ns` and a column per label to a CSV file, a row per (interval end in ns, probabilities).

    Raises:
        OSError: It cannot be written.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["time_ns", *labels])
    rows.writerows([end, *values] for end, values in answers)
    write_atomically(path, text.getvalue().encode())
