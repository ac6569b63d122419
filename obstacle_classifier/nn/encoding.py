# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Piecewise-linear encoding of numeric columns.

Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", 2022, section 3.2. The
quantiles e_0 < e_1 < ... < e_m of a column's training values cut its range into m bins. Entry j of a value x is

    (x - e_j) / (e_j+1 - e_j), limited to [0, 1]:

0 below its bin, 1 above, and rising within. The entries of x together hold x itself and each is steep only in one part
of the range, so a network draws a threshold on a column with one weight. Three departures from the paper: the first
entry goes on below the range down to -2 and the last above it up to 3, because a value slightly outside the training
range still means something; every entry is centred on its training mean; an unknown value gets 0, the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy import divide, maximum, minimum, subtract  # one look-up a call instead of two
from numpy.typing import ArrayLike, NDArray

__all__ = ["ABOVE", "BELOW", "CompiledEncoding", "Encoding"]

BELOW = -2.0
"""Lower limit of a column's first entry."""

ABOVE = 3.0
"""Upper limit of a column's last entry."""

LARGEST = 1e300
"""Training values beyond count as unknown, so that nothing here overflows."""

Floats = NDArray[np.float64]

_ZERO = np.array(0.0)  # NumPy takes longer to convert a Python number than to work through a vector


@dataclass(frozen=True)
class Encoding:
    """Entry i of the encoded vector is (x - origin_i) / width_i of one column's x, limited to [least_i, most_i] first.

    The limits are in units of x, so nothing overflows on the way. The origin is the raw value at which the entry is at
    its training mean.

    Attributes:
        column: (e,) intp index of the column that an entry reads, rising.
        least: (e,) float64.
        most: (e,) float64, at least `least`.
        origin: (e,) float64.
        width: (e,) float64, positive.
    """

    column: NDArray[np.intp]
    least: Floats
    most: Floats
    origin: Floats
    width: Floats

    @classmethod
    def fit(cls, X: Floats, bins: int, binary: ArrayLike | None = None) -> Encoding:
        """Edges between quantiles of the known values of each column.

        Equal edges are merged. A column without two distinct known values gets no entry, because nothing can be learnt
        about it; if no column has, the first one gets an entry that is always 0.

        Args:
            X: (n, d) float64 training rows, NaN where unknown, d > 0.
            bins: Number of bins of a column, at least 1.
            binary: (d,) bool, columns that hold 0 or 1: one bin from 0 to 1 even if training saw only one of them.
        """
        d = X.shape[1]
        is_binary = np.zeros(d, np.bool_) if binary is None else np.asarray(binary, np.bool_)
        entries = [
            entry
            for column in range(d)
            for entry in _entries(column, _known(X[:, column]), bins, bool(is_binary[column]))
        ]
        column, *numbers = zip(*(entries or [(0, 0.0, 0.0, 0.0, 1.0)]), strict=True)
        return cls(np.array(column, np.intp), *(np.array(array, np.float64) for array in numbers))

    def __len__(self) -> int:
        """Number of entries, e."""
        return len(self.column)

    def __call__(self, X: Floats) -> NDArray[np.float32]:
        """Encoded rows.

        Every entry depends on its own column's numbers alone, so a row gives the same bits by itself and in a matrix.

        Args:
            X: (d,) or (n, d) float64 raw values, NaN where unknown.

        Returns:
            (e,) or (n, e) float32, finite.
        """
        out = np.empty((*X.shape[:-1], len(self)), np.float32)
        for rows in self._blocks(X):
            z = np.take(X[rows], self.column, axis=-1)
            np.minimum(z, self.most, out=z)
            np.maximum(z, self.least, out=z)
            np.subtract(z, self.origin, out=z)
            np.divide(z, self.width, out=z)
            np.copyto(z, _ZERO, where=np.isnan(z))
            out[rows] = z
        return out

    def entries_of(self, columns: slice) -> slice:
        """The entries that read columns start to stop."""
        start, stop = np.searchsorted(self.column, [columns.start, columns.stop])
        return slice(int(start), int(stop))

    def _blocks(self, X: Floats, rows: int = 1024) -> Sequence[slice | tuple[()]]:
        """Rows of X in turn, so that the float64 on the way needs little memory."""
        return [slice(start, start + rows) for start in range(0, len(X), rows)] if X.ndim == 2 else [()]

    def numbers(self) -> dict[str, Floats]:
        """`least`, `most`, `origin` and `width` by name."""
        return {"least": self.least, "most": self.most, "origin": self.origin, "width": self.width}


class CompiledEncoding:
    """An `Encoding` for one vector a call, with the same bits. A call allocates nothing.

    Args:
        encoding: The encoding.
        out: (e,) float32, the buffer that a call fills.
    """

    def __init__(self, encoding: Encoding, out: NDArray[np.float32]) -> None:
        self._encoding, self._out = encoding, out
        self._z, self._nan = np.empty(len(encoding)), np.empty(len(encoding), np.bool_)

    def __call__(self, x: Floats) -> None:
        """Fill `out` with the encoded x (d,)."""
        encoding, z = self._encoding, self._z
        x.take(encoding.column, 0, z, "clip")  # "raise" would buffer
        minimum(z, encoding.most, out=z)
        maximum(z, encoding.least, out=z)
        subtract(z, encoding.origin, z)
        divide(z, encoding.width, z)
        if not z.dot(z) >= 0:  # a sum of squares is NaN if one number is
            np.putmask(z, np.isnan(z, self._nan), _ZERO)
        self._out[...] = z


def _known(x: Floats) -> Floats:
    return x[np.abs(x) <= LARGEST]


def _entries(column: int, known: Floats, bins: int, is_binary: bool) -> list[tuple[int, float, float, float, float]]:
    """(column, least, most, origin, width) of each bin of one column."""
    edges = np.array([0.0, 1.0]) if is_binary else _edges(known, bins)
    last = len(edges) - 2
    entries = []
    for j, (start, stop) in enumerate(pairwise(edges)):
        width = stop - start
        least = start if j > 0 or is_binary else start + BELOW * width
        most = stop if j < last or is_binary else start + ABOVE * width
        origin = np.clip(known, least, most).mean() if len(known) else start
        entries.append((column, float(least), float(most), float(origin), float(width)))
    return entries


def _edges(known: Floats, bins: int) -> Floats:
    """Quantiles of the known values, those merged that are equal up to the rounding of the values."""
    if not len(known):
        return known
    edges = np.quantile(known, np.linspace(0.0, 1.0, bins + 1))
    rounding = len(known) * np.finfo(np.float64).eps * np.abs(edges).max()
    distinct = [edges[0]]
    for edge in edges[1:]:
        if edge - distinct[-1] > rounding:
            distinct.append(edge)
    return np.array(distinct)
