# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The numbers that a network of a model file may hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError

__all__ = ["MAX_FEATURE", "MAX_PARAMETER", "refuse"]

# Within these limits no finite features make a number overflow on the way through three Linears.
MAX_FEATURE = 1e300  # of a raw feature's mean and deviation
MAX_PARAMETER = 1e6  # of a weight, bias or calibration


def refuse(
    name: str,
    array: NDArray[np.floating[Any]],
    refused: NDArray[np.bool_],
    expected: str,
    columns: Sequence[str] | None = None,
) -> None:
    """Refuse an array for its first refused entry.

    Args:
        name: Name of the array.
        array: The array.
        refused: Mask of its shape.
        expected: Which numbers are allowed.
        columns: Names of the entries of a one-dimensional array, where they have some.

    Raises:
        ModelError: Naming the array, the column or index, and the number found.
    """
    if refused.any():
        where = tuple(int(index) for index in np.argwhere(refused)[0])
        place = f"column {columns[where[0]]}" if columns else f"index {where}"
        raise ModelError(f"{name}: {place}: found {array[where]:g}, expected {expected}")
