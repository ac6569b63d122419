# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measure the rows and print one table: `make bench ARGS="--rows inference"`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.bench.page import PAGE, write_page
from benchmarks.bench.row import Result, Row
from benchmarks.bench.rows import ROWS, select
from benchmarks.bench.table import terminal
from benchmarks.sections import ROOT, measured_on

THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "BLIS", "NUMEXPR", "VECLIB_MAXIMUM")}
OUTPUT = ROOT / "out" / "bench.json"


def measure(row: Row) -> Result:
    """The result of a row, from a process of its own.

    Raises:
        RuntimeError: The environment is missing or the process failed. The message has the last lines of its errors.
    """
    python = ROOT / row.environment / "bin" / "python"
    if not python.exists():
        raise RuntimeError(f"{row.name}: found no {python.relative_to(ROOT)}; `make bench` installs it")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        command: list[str | Path] = [python, "-m", "benchmarks.bench.measure_row", row.name, file]
        environment = {**os.environ, **THREADS, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{row.name}: {done.stderr.strip()[-2000:]}")
        return Result.from_json(json.loads(file.read_text(encoding="utf-8")))


def write_json(results: Mapping[str, Result], path: Path) -> None:
    """All results, with the machine, for other programs."""
    rows = {}
    for name, result in results.items():
        figures = [
            {**document, "ratio": figure.ratio, "met": figure.met}
            for document, figure in zip(result.to_json()["figures"], result.figures, strict=True)
        ]
        rows[name] = {**result.to_json(), "figures": figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": measured_on(), "rows": rows}, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write the JSON. The exit status is 1 if a row could not be measured."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", default="", metavar="PARTS", help="parts of row names, separated by commas")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and exit")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"the JSON, by default {OUTPUT.relative_to(ROOT)}")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}; needs all rows")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(row.name for row in ROWS))
        return 0
    if options.write and options.rows:
        parser.error("--write needs all rows")
    try:
        rows = select([part for part in options.rows.split(",") if part])
    except ValueError as error:
        parser.error(str(error))
    results: dict[str, Result] = {}
    problems = []
    for row in rows:
        print(f"measuring {row.name}", file=sys.stderr, flush=True)
        try:
            results[row.name] = measure(row)
        except RuntimeError as error:
            problems.append(str(error))
    print(terminal(results))
    write_json(results, options.output)
    print(f"{measured_on()}\nwritten to {options.output}")
    for problem in problems:
        print(f"not measured: {problem}", file=sys.stderr)
    if options.write and not problems:
        write_page(results)
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
