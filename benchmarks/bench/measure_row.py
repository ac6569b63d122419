# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measure one row in this process and write its result as JSON: `python -m benchmarks.bench.measure_row NAME FILE`."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.bench.row import Result
from benchmarks.bench.rows import ROWS


def main(name: str, file: str) -> None:
    """Measure the row `name`."""
    (row,) = (row for row in ROWS if row.name == name)
    result: Result = import_module(f"benchmarks.bench.{row.module}").measure(*row.arguments)
    Path(file).write_text(json.dumps(result.to_json()), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
