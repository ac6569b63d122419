# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The error of damaged bytes; `reader.Bag` turns it into a line of `problems` or a `BagError`."""

from __future__ import annotations

__all__ = ["DamageError"]


class DamageError(ValueError):
    """Bytes that a recording should not hold; the text gives the reason."""
