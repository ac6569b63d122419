# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Readers of rosbag2 files that `rosbags` refuses: damaged, without an index, or out of order.

`recover` is the only entry; whole files are read by `rosbags_file`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from obstacle_classifier.bags.recovery.mcap_file import McapFile
from obstacle_classifier.bags.recovery.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from pathlib import Path

    from obstacle_classifier.bags.blocks import BlockStorage

__all__ = ["recover"]


def recover(path: Path, name: str | None = None) -> BlockStorage:
    """Open a damaged `.mcap` or `.db3` file.

    Args:
        path: The file; it is not changed.
        name: The name of the file in problems; by default its path.

    Raises:
        DamageError: Nothing in the file can be read.
        OSError: It cannot be opened.
    """
    return McapFile(path, name) if path.suffix == ".mcap" else SqliteFile(path, name)
