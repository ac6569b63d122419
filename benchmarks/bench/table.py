# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The table of results, for a terminal and for a document."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.bench.row import Figure, Result

__all__ = ["HEAD", "cells", "markdown", "terminal"]

HEAD = ("what", "ours", "peer", "its figure", "ratio", "at most", "met")


def cells(results: Mapping[str, Result]) -> list[tuple[str, ...]]:
    """One tuple a figure, in the order of `HEAD`."""
    return [_cells(name, figure) for name, result in results.items() for figure in result.figures]


def _cells(name: str, figure: Figure) -> tuple[str, ...]:
    theirs = "" if figure.theirs is None else f"{figure.theirs:.3g} {figure.unit}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    most = "" if figure.most is None else f"{figure.most:g}" + (f" {figure.unit}" if figure.ratio is None else "")
    met = {None: "", True: "yes", False: "NO"}[figure.met]
    return name, f"{figure.ours:.3g} {figure.unit}", figure.peer, theirs, ratio, most, met


def terminal(results: Mapping[str, Result]) -> str:
    """Columns padded with spaces."""
    rows = [HEAD, *cells(results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def markdown(results: Mapping[str, Result]) -> str:
    """A table in Markdown."""
    rows = [HEAD, ("---",) * len(HEAD), *cells(results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
