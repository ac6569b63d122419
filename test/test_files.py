# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

import pytest

from obstacle_classifier.files import open_regular_file, write_atomically

pytestmark = pytest.mark.runtime


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_and_writers_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write_atomically(path, b"one")
    assert path.read_bytes() == b"one"
    write_atomically(str(path), lambda stream: stream.write(b"two"))
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["out"]


def test_the_umask_gives_the_permissions_of_a_new_file_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "out"
    before = os.umask(0o027)
    try:
        write_atomically(path, b"one")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    write_atomically(path, b"two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    link = tmp_path / "out"
    link.symlink_to(folder / "target")
    write_atomically(link, b"one")
    assert link.is_symlink()
    assert (folder / "target").read_bytes() == b"one"
    assert names(tmp_path) == ["models", "out"]


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def fail(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise KeyError("what the writer raises")

    with pytest.raises(KeyError, match="what the writer raises"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out"]


def test_a_full_disk_is_named_with_the_path(tmp_path: Path) -> None:
    path = tmp_path / "out"

    def fill(stream: IO[bytes]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left") as error:
        write_atomically(path, fill)
    assert error.value.filename == str(path)
    assert names(tmp_path) == []


def test_an_error_about_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        write_atomically(tmp_path / "out", lambda stream: stream.write((tmp_path / "input").read_bytes()))
    assert error.value.filename == str(tmp_path / "input")


def test_folders_pipes_and_devices_are_not_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "folder").mkdir()
    for path, reason in (
        (tmp_path / "folder", "found a folder"),
        (fifo, "found a pipe"),
        (Path("/dev/null"), "found a device"),
        (tmp_path / "absent" / "out", "No such file"),
    ):
        with pytest.raises(OSError, match=reason) as error:
            write_atomically(path, b"")
        assert error.value.filename == str(path)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert names(tmp_path) == ["fifo", "folder"]


def test_a_leftover_of_a_killed_process_does_no_harm(tmp_path: Path) -> None:
    leftover = tmp_path / ".out.0123456789abcdef.tmp"
    leftover.write_bytes(b"half")
    write_atomically(tmp_path / "out", b"whole")
    assert (tmp_path / "out").read_bytes() == b"whole"
    assert leftover.read_bytes() == b"half"


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"1234")
    stream, size = open_regular_file(tmp_path / "plain")
    with stream:
        assert (stream.read(), size) == (b"1234", 4)
    os.mkfifo(tmp_path / "fifo")
    for path, reason in (
        (tmp_path, "found a folder, expected a regular file"),
        (tmp_path / "fifo", "found a pipe, expected a regular file"),
        (Path("/dev/zero"), "found a device, expected a regular file"),
        (tmp_path / "absent", "No such file"),
    ):
        with pytest.raises(OSError, match=reason):
            open_regular_file(path)
