# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Write files completely or not at all; open regular files only."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

from obstacle_classifier.errors import ConfigError

__all__ = ["check_output", "open_regular_file", "write_atomically"]

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def check_output(path: Path) -> None:
    """Check, before long work, that an output file can be written.

    Raises:
        ConfigError: `path` is a folder, or its folder does not exist or is not writable.
    """
    if path.is_dir():
        raise ConfigError(f"{path}: found a folder, expected a file to write")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"{path}: folder {path.parent} is not writable")


def write_atomically(path: str | Path, content: bytes | Callable[[IO[bytes]], object]) -> None:
    """Write a file: at every instant, `path` holds either the old content or the complete new content.

    The content is written to `.<name>.<16 hex digits>.tmp` in the same folder, synced to disk and renamed. An error
    removes this file; a killed process leaves it behind, and nothing reads it. The umask gives the permissions of a new
    file; an existing file keeps its permissions. A symbolic link stays, and its target is replaced.

    Args:
        path: File to write.
        content: The bytes, or a function that writes them to a binary stream.

    Raises:
        OSError: The file cannot be written; `filename` is `path`. Exceptions of `content` pass through.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = _permissions(target)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    except OSError as error:
        raise _with_path(error, path) from None
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None:
                os.fchmod(descriptor, mode)
            if callable(content):
                content(stream)
            else:
                stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            raise _with_path(error, path) from None
        raise
    try:
        _sync_folder(target.parent)
    except OSError as error:
        raise _with_path(error, path) from None


def open_regular_file(path: str | Path) -> tuple[BinaryIO, int]:
    """Open a regular file for reading, without blocking; returns the stream and the size in bytes.

    Raises:
        OSError: The file cannot be opened, or is a folder, a pipe or a device; `strerror` says which.
    """
    # Without O_NONBLOCK, opening a FIFO waits for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | _BINARY
    try:
        descriptor = os.open(path, flags)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, f"found {_kind(status.st_mode)}, expected a regular file", str(path))
        return os.fdopen(descriptor, "rb"), status.st_size
    except BaseException:
        os.close(descriptor)
        raise


def _permissions(target: Path) -> int | None:
    """Permission bits of an existing file; None if there is no file."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"found {_kind(mode)}, expected a file to write")
    return stat.S_IMODE(mode)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "a special file")


def _sync_folder(folder: Path) -> None:
    """Sync the folder so that the rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot sync folders
            raise
    finally:
        os.close(descriptor)


def _with_path(error: OSError, path: str | Path) -> OSError:
    """The same error with the path that the user gave."""
    return OSError(error.errno, error.strerror or str(error), str(path))
