# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Conversion and shape checks of the arrays that layers take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Array", "as_float", "as_matrix", "as_shape", "copy_into"]

Array = NDArray[np.floating[Any]]


def as_float(x: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """An array of floats: x itself if it is one (of `dtype`, if given), else a copy, by default float64."""
    x = np.asarray(x, dtype=dtype)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def as_matrix(
    owner: object, name: str, x: ArrayLike, shape: tuple[int | str, int], dtype: DTypeLike | None = None
) -> Array:
    """`as_float` with a check of the shape. A letter as first length allows any number of rows.

    Raises:
        ValueError: naming both shapes, and `owner`, whose argument `name` it is.
    """
    return as_shape(owner, name, x, shape, dtype)


def as_shape(
    owner: object, name: str, x: ArrayLike, shape: tuple[int | str, ...], dtype: DTypeLike | None = None
) -> Array:
    """`as_matrix` for any number of dimensions, of which every length may be a letter that stands for any."""
    x = as_float(x, dtype)
    if x.ndim != len(shape) or any(
        isinstance(length, int) and length != found for length, found in zip(shape, x.shape, strict=True)
    ):
        expected = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{owner} takes {name} of shape ({expected}), got {x.shape}")
    return x


def copy_into(targets: Sequence[Array], sources: Sequence[ArrayLike]) -> None:
    """Copy each source into its target. If the number of arrays or a shape differs, no target changes.

    Raises:
        ValueError: The number of arrays or a shape differs. The message has both lists of shapes.
    """
    arrays = [np.asarray(source) for source in sources]
    if (found := [a.shape for a in arrays]) != (expected := [t.shape for t in targets]):
        raise ValueError(f"expected arrays of shapes {expected}, got {found}")
    for target, array in zip(targets, arrays, strict=True):
        np.copyto(target, array, casting="same_kind")
