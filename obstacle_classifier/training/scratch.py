# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Arrays in temporary files, for data sets that are larger than memory.

The file has no name, so it vanishes with the array, however the process ends. Its pages belong to the page cache: the
kernel writes them out and drops them when memory is needed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["IN_MEMORY", "blocks", "concatenate", "empty", "representative", "take"]

IN_MEMORY = 2**27
"""Bytes of features of a data set up to which everything is held in memory."""

_BLOCK = 2**12  # rows that are worked on at a time
_ADJACENT = 64  # rows of a sample that follow each other, for networks that remember

AnyArray = TypeVar("AnyArray", bound=NDArray[Any])


def empty(shape: tuple[int, ...], dtype: DTypeLike, folder: Path | None) -> NDArray[Any]:
    """An array to be filled: in a file without a name in `folder`, or in memory if that is None."""
    if folder is None or 0 in shape:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.asarray(np.memmap(file, dtype, "w+", shape=shape))


def blocks(n: int) -> Iterator[slice]:
    """Rows 0 to n in turn, some at a time."""
    for start in range(0, n, _BLOCK):
        yield slice(start, min(start + _BLOCK, n))


def representative(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Training rows to fit an encoding or statistics to.

    These are all rows up to `IN_MEMORY` bytes. Of more, it is a sample of half as many bytes, in memory: stretches of
    64 rows, evenly spaced. The sample does not depend on where the rows are stored.

    Args:
        X: (n, d), n > 0.
    """
    if X.nbytes <= IN_MEMORY:
        return X
    count = max(1, IN_MEMORY // 2 // (X.strides[0] * _ADJACENT))
    starts = np.linspace(0, len(X) - _ADJACENT, count).astype(np.intp)
    return np.asarray(X[(starts[:, None] + np.arange(_ADJACENT)).ravel()])


def take(array: AnyArray, rows: NDArray[np.bool_], folder: Path | None) -> AnyArray:
    """The rows (n, ...) of an array where `rows` (n,) is true."""
    if folder is None:
        return array[rows]  # type: ignore[return-value]
    out = empty((int(np.count_nonzero(rows)), *array.shape[1:]), array.dtype, folder)
    done = 0
    for block in blocks(len(rows)):
        kept = array[block][rows[block]]
        out[done : done + len(kept)] = kept
        done += len(kept)
    return out  # type: ignore[return-value]


def concatenate(arrays: Sequence[AnyArray], folder: Path | None) -> AnyArray:
    """The arrays (n, ...) one after the other; at least one."""
    if folder is None:
        return np.concatenate(arrays)  # type: ignore[return-value]
    out = empty((sum(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype, folder)
    done = 0
    for array in arrays:
        out[done : done + len(array)] = array
        done += len(array)
    return out  # type: ignore[return-value]
