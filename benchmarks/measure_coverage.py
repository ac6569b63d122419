# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Print the coverage that `make coverage` has measured, and write the figure to QUALITY_DECLARATION.md."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

from benchmarks.sections import ROOT, measured_on, write_section

DECLARATION = ROOT / "QUALITY_DECLARATION.md"
SECTION = "coverage"


@dataclass(frozen=True)
class Figures:
    """Coverage in per cent.

    Attributes:
        total: Coverage of lines and branches together.
        lines: Coverage of lines.
        branches: Coverage of branches.
    """

    total: float
    lines: float
    branches: float

    def text(self) -> str:
        """The section of the declaration."""
        return (
            f"Coverage: **{self.total:.1f} %** of lines and branches together ({self.lines:.1f} % of the lines, "
            f"{self.branches:.1f} % of the branches), nodes and\ncommands in processes of their own included, the "
            "simulation left out. "
            f"{measured_on()}"
        )


def load() -> Coverage:
    """The coverage data of all processes of the newest run, combined."""
    coverage = Coverage(config_file=str(ROOT / "pyproject.toml"))
    if any(ROOT.glob(".coverage.*")):
        coverage.combine(keep=False)
    coverage.load()
    return coverage


def figures(coverage: Coverage) -> Figures:
    """Coverage of the whole package."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        total = coverage.json_report(outfile=str(path))
        totals = json.loads(path.read_text(encoding="utf-8"))["totals"]
    return Figures(
        total=total,
        lines=100 * totals["covered_lines"] / totals["num_statements"],
        branches=100 * totals["covered_branches"] / totals["num_branches"],
    )


def main() -> int:
    """Print every module and write the figure."""
    coverage = load()
    found = figures(coverage)
    coverage.report(show_missing=True, skip_covered=True)
    write_section(DECLARATION, SECTION, found.text())
    print(f"coverage: {found.total:.1f} % is now the figure in {DECLARATION.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
