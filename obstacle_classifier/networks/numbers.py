# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Limits of the numbers in a model file's network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError

__all__ = ["MAX_FEATURE", "MAX_PARAMETER", "refuse"]

# Within these limits, no finite feature makes a number overflow in a network of three Linears.
MAX_FEATURE = 1e300  # of the mean and the deviation of a raw feature
MAX_PARAMETER = 1e6  # of a weight, bias or calibration


def refuse(
    name: str,
    array: NDArray[np.floating[Any]],
    refused: NDArray[np.bool_],
    expected: str,
    columns: Sequence[str] | None = None,
) -> None:
    """Raise an error for the first refused entry of an array; return if there is none.

    Args:
        name: Name of the array.
        array: The array.
        refused: Mask of the refused entries, in the array's shape.
        expected: The allowed numbers, in words.
        columns: Names of the entries of a one-dimensional array, if they have names.

    Raises:
        ModelError: An entry is refused. The message has the array, the column or index, and the number found.
    """
    if refused.any():
        where = tuple(int(index) for index in np.argwhere(refused)[0])
        place = f"column {columns[where[0]]}" if columns else f"index {where}"
        raise ModelError(f"{name}: {place}: found {array[where]:g}, expected {expected}")
