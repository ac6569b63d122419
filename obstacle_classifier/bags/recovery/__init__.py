# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Readers of rosbag2 files that `rosbags` refuses: damaged, without an index, or out of order.

`recover` is the only entry; whole files are read by `rosbags_file`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.recovery.mcap_file import McapFile
from obstacle_classifier.bags.recovery.sqlite_file import ForeignDatabaseError, SqliteFile
from obstacle_classifier.bags.recovery.sqlite_pages import SqlitePages

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
    return McapFile(path, name) if path.suffix == ".mcap" else _recover_database(path, name)


def _recover_database(path: Path, name: str | None) -> BlockStorage:
    """The rows that SQLite reaches, or those of all leaf pages if these are more."""
    by_rows: SqliteFile | None = None
    try:
        by_rows = SqliteFile(path, name)
    except ForeignDatabaseError:
        raise
    except DamageError as error:
        reason = error
    if by_rows is not None and not by_rows.problems:
        return by_rows
    try:
        by_pages = SqlitePages(path, name)
    except DamageError:
        if by_rows is None:
            raise reason from None
        return by_rows
    if by_rows is None:
        return by_pages
    if sum(by_pages.counts.values()) > sum(by_rows.counts.values()):
        by_rows.close()
        return by_pages
    by_pages.close()
    return by_rows
