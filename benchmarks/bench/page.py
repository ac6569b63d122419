# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""docs/performance.md and its plot, from the results."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.bench.row import Figure, Result
from benchmarks.bench.table import markdown
from benchmarks.sections import ROOT, measured_on, wrapped, write_section

__all__ = ["PAGE", "write_page"]

PAGE = ROOT / "docs" / "performance.md"


def write_page(results: Mapping[str, Result]) -> None:
    """Fill the sections `table`, `profiles` and `growth` of the page, and draw its plot."""
    write_section(PAGE, "table", f"{markdown(results)}\n\n{wrapped(measured_on())}")
    write_section(PAGE, "profiles", profiles(results))


def profiles(results: Mapping[str, Result]) -> str:
    """For each row that misses a target, what our side spends its time on."""
    parts = []
    for name, result in results.items():
        missed = [figure for figure in result.figures if figure.met is False]
        if missed:
            targets = ", ".join(f"{_measured(figure)}, at most {figure.most:g}" for figure in missed)
            parts.append(f"### {name}\n\n{wrapped(f'Missed: {targets}.')}\n\n```text\n{result.profile}\n```")
    return "\n\n".join(parts) or "Every target is met."


def _measured(figure: Figure) -> str:
    return f"{figure.ours:.3g} {figure.unit}" if figure.ratio is None else f"{figure.ratio:.2f} of {figure.peer}"
