# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Open a storage file with the right reader; first decompress it or repair its database if necessary."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.decompression import MAX_UNPACKED, unpack
from obstacle_classifier.bags.recovery import recover
from obstacle_classifier.bags.rosbag1_file import Rosbag1File
from obstacle_classifier.bags.rosbags_file import RosbagsFile

if TYPE_CHECKING:
    from types import TracebackType

    from obstacle_classifier.bags.storage import Storage

__all__ = ["Opener"]

MAX_RATIO = 1000
"""A file compressed as a whole may unpack to this many times its size, or to `MAX_UNPACKED` if that is more."""

_PIECE = 2**20  # bytes


class Opener:
    """Opens storage files. A context manager: leaving it removes the temporary folder of unpacked files."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        """Files that could not be unpacked whole, one line each with the reason."""
        self._stack = ExitStack()
        self._folder: Path | None = None

    def __enter__(self) -> Opener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def open(self, path: Path) -> Storage:
        """Open a storage file: through `rosbags` if it is whole, else through `recovery`.

        Raises:
            DamageError: Nothing in the file can be read.
            OSError: It cannot be opened.
        """
        name = str(path)
        if not path.stat().st_size:
            raise DamageError("empty, 0 bytes")
        if name.endswith((".bag", ".bag.active")):
            return Rosbag1File(path)
        if name.endswith(".zstd"):
            path = self._decompress(path)
        if path.suffix != ".mcap":
            path = self._complete_database(path)
        try:
            return RosbagsFile(path, name)
        except DamageError:
            return recover(path, name)

    def _target(self, path: Path) -> Path:
        """The path of the temporary version of a file."""
        if self._folder is None:
            self._folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="obstacle_classifier_")))
        return self._folder / path.name

    def _decompress(self, path: Path) -> Path:
        """Unpack a file that was compressed as a whole; a damaged file is unpacked up to the damage."""
        target = self._target(path.with_suffix(""))
        limit = max(MAX_UNPACKED, MAX_RATIO * path.stat().st_size)
        with path.open("rb") as source, target.open("wb") as out:
            try:
                for piece in unpack("zstd", iter(partial(source.read, _PIECE), b"")):
                    if out.tell() + len(piece) > limit:
                        raise DamageError(f"unpacks to more bytes than expected, {limit}; read up to that size")
                    out.write(piece)
            except DamageError as error:
                if not out.tell():
                    raise
                self.problems.append(f"{path}: {error}")
            except OSError:
                target.unlink()  # frees a full disk for the other files
                raise
        return target

    def _complete_database(self, path: Path) -> Path:
        """The database without journal and partial page: the file itself, or a copy if it has either."""
        journals = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
        journals = [journal for journal in journals if journal.is_file() and journal.stat().st_size]
        whole = _whole_pages(path)
        if not journals and whole == path.stat().st_size:
            return path
        if not whole:
            raise DamageError("cut off within its first page")
        target = self._target(path)
        if target != path:
            shutil.copyfile(path, target)
        with target.open("r+b") as file:
            file.truncate(whole)
        for journal in journals:
            shutil.copyfile(journal, self._target(journal))
        if journals:
            try:
                with closing(sqlite3.connect(target)) as database:
                    # Merges the journal into the database and removes it.
                    database.execute("PRAGMA journal_mode = DELETE").fetchall()
            except sqlite3.Error as error:
                self.problems.append(f"{journals[0]}: cannot be merged ({error})")
        return target


def _whole_pages(path: Path) -> int:
    """Bytes of the whole pages of a database, from the page size in its header; for other files, all bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(18)
    page = int.from_bytes(header[16:18], "big")
    page = 65536 if page == 1 else page
    return size - size % page if header.startswith(b"SQLite format 3\0") and page >= 512 else size
