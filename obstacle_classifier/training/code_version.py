# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The version of the code that computes something: a digest of its sources, and the version of NumPy."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["FEATURE_ROOMS", "TRAINING_ROOMS", "code_version"]

FEATURE_ROOMS = ("bags", "features", "names.py", "pipeline.py", "sensing")
"""All that lies between a recording and its features."""

TRAINING_ROOMS = (*FEATURE_ROOMS, "model", "networks", "nn", "training")
"""All that lies between a recording and its model."""

_PACKAGE = Path(__file__).parents[1]


@cache
def code_version(rooms: tuple[str, ...]) -> str:
    """Digest of the sources of some rooms, 16 hexadecimal digits, and NumPy's version, as in `0123456789abcdef-2.2.6`.

    Args:
        rooms: Folders and modules of the package.
    """
    digest = hashlib.sha256()
    for room in rooms:
        path = _PACKAGE / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            source = file.read_bytes()
            digest.update(f"{file.relative_to(_PACKAGE).as_posix()} {len(source)}\n".encode() + source)
    return f"{digest.hexdigest()[:16]}-{np.__version__}"
