# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Multilabel obstacle classification for sidewalk robots: NumPy on the robot, the same code offline.

The names below are for scripts; see docs/api.md. Each name is imported at its first use. The robot's nodes import from
the rooms of the package, and therefore load no module that they do not need.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from obstacle_classifier.api import evaluate, load_model, load_sensors, predict, read_features, train

__all__ = ["evaluate", "load_model", "load_sensors", "predict", "read_features", "train"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Before NumPy loads: BLAS threads slow down products as small as these, several-fold on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from obstacle_classifier import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
