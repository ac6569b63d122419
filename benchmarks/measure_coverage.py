# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Line and branch coverage of the newest `make test`, compared with the figure in QUALITY_DECLARATION.md.

make test        measures, and fails if the coverage is more than one point below the figure
make coverage    measures, prints every module, and writes the figure
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

from benchmarks.sections import ROOT, measured_on, read_section, write_section

DECLARATION = ROOT / "QUALITY_DECLARATION.md"
SECTION = "coverage"
TOLERANCE = 1.0  # points that a run may be below the figure, because some tests are skipped on some machines
_FIGURE = re.compile(r"\*\*(\d+\.\d) %\*\*")


@dataclass(frozen=True)
class Figures:
    """Coverage in per cent.

    Attributes:
        total: Coverage of lines and branches together. This figure is compared.
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


def declared() -> float:
    """The figure of the declaration.

    Raises:
        ValueError: The declaration has no figure.
    """
    found = _FIGURE.search(read_section(DECLARATION, SECTION))
    if found is None:
        raise ValueError(f"{DECLARATION}: section '{SECTION}' has no figure; `make coverage` writes it")
    return float(found[1])


def main() -> int:
    """Print the coverage. The exit status is 1 if it is more than `TOLERANCE` below the declared figure."""
    parser = argparse.ArgumentParser(description="Coverage of the newest `make test`.")
    parser.add_argument("--write", action="store_true", help="print every module and write the figure")
    options = parser.parse_args()
    coverage = load()
    found = figures(coverage)
    if options.write:
        coverage.report(show_missing=True, skip_covered=True)
        write_section(DECLARATION, SECTION, found.text())
        print(f"coverage: {found.total:.1f} % is now the figure in {DECLARATION.name}")
        return 0
    least = declared() - TOLERANCE
    print(f"coverage: {found.total:.1f} %, expected at least {least:.1f} %")
    return int(found.total < least)


if __name__ == "__main__":
    sys.exit(main())
