# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The windows that convolutions and pooling slide over arrays (n, c, *space)."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.lib.stride_tricks import sliding_window_view

from obstacle_classifier.nn.arrays import Array

__all__ = ["Lengths", "entry", "per_axis", "windows"]

Lengths = tuple[int, ...]


def per_axis(name: str, value: int | Lengths, axes: int, least: int = 1) -> Lengths:
    """One length for each axis, from a number for all or one for each.

    Raises:
        ValueError: Another number of lengths, or a length below the least.
    """
    lengths = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(lengths) != axes or min(lengths) < least:
        raise ValueError(f"expected a {name} of {axes} lengths of at least {least}, got {value}")
    return lengths


def windows(X: Array, size: Lengths, stride: Lengths) -> Array:
    """View of every window (n, c, *places, *size) of X (n, c, *space)."""
    view = sliding_window_view(X, size, tuple(range(2, X.ndim)))
    return view[(slice(None), slice(None), *(slice(None, None, step) for step in stride))]


def entry(offset: Lengths, stride: Lengths, places: Sequence[int]) -> tuple[slice, ...]:
    """Slices of X: the entry at this offset in the window of every place."""
    return (
        slice(None),
        slice(None),
        *(
            slice(start, start + step * (count - 1) + 1, step)
            for start, step, count in zip(offset, stride, places, strict=True)
        ),
    )
