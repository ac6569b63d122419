# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Which files and folders are recordings."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING

from obstacle_classifier.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["bag_name", "bag_names", "bag_stem", "find_bags", "is_bag_folder", "natural_order", "storage_files"]

ROSBAG2_SUFFIXES = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")
SUFFIXES = (*ROSBAG2_SUFFIXES, ".bag", ".bag.active")
EXPECTED = "a rosbag2 folder, a .mcap or .db3 file (or .zstd of one), or a ROS 1 .bag"


def find_bags(patterns: Sequence[str | Path]) -> list[Path]:
    """The recordings that patterns name.

    A pattern is a recording, a folder that holds recordings at any depth, or a glob (`**` descends) of such. A file
    of a rosbag2 folder that is itself named is not listed again.

    Returns:
        Their paths, as reached from the patterns, sorted by name with numbers in numerical order, each once.

    Raises:
        BagError: A pattern names nothing, or nothing that is a recording.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        literal = Path(pattern).expanduser()
        try:
            paths = [literal] if literal.exists() else _glob(literal)
            bags = [bag for path in paths for bag in _bags_in(path, set())]
        except OSError as error:
            raise BagError(f"{pattern}: cannot be searched for recordings ({error.strerror or error})") from None
        if not bags:
            what = "no such file or folder" if not paths else "no recording there"
            raise BagError(f"{pattern}: {what}, expected {EXPECTED}, a folder of those, or a glob that matches some")
        for bag in bags:
            found.setdefault(bag.resolve(), bag)
    return sorted((bag for real, bag in found.items() if real.parent not in found), key=natural_order)


def is_bag_folder(folder: Path) -> bool:
    """Whether a folder is one rosbag2 recording.

    It is with a `metadata.yaml`; without one, if it holds a single storage file, or if all of them are called
    `<name of the folder>_<number>`, as rosbag2 calls the parts of a split recording. Else each is a recording.
    """
    files = storage_files(folder)
    part = re.compile(re.escape(folder.resolve().name) + r"_\d+")
    return bool(files) and (
        (folder / "metadata.yaml").is_file() or len(files) == 1 or all(part.fullmatch(bag_stem(f)) for f in files)
    )


def storage_files(folder: Path) -> list[Path]:
    """The rosbag2 storage files of a folder, by name with numbers in numerical order."""
    files = (path for path in folder.iterdir() if path.name.endswith(ROSBAG2_SUFFIXES) and path.is_file())
    return sorted(files, key=natural_order)


def bag_stem(path: Path) -> str:
    """The name of a recording file without its suffix: `run_0` of `run_0.db3.zstd`."""
    suffix = max((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(suffix)]


def bag_name(path: Path) -> str:
    """What to call a recording: the folder's name, or the file's without its suffix."""
    return path.resolve().name if path.is_dir() else bag_stem(path)


def natural_order(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Sort key of a path in which `run_2` comes before `run_10`."""
    return tuple(
        tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)
        for name in path.parts
    )


def _glob(pattern: Path) -> list[Path]:
    """What matches; unlike `Path.glob`, of an absolute pattern too."""
    return [Path(path) for path in glob.iglob(str(pattern), recursive=True)]  # noqa: PTH207


def _bags_in(path: Path, visited: set[Path]) -> Iterator[Path]:
    """The recordings at or below a path; hidden folders are left out, and links that lead in a circle."""
    if not path.is_dir():
        if path.name.endswith(SUFFIXES):
            yield path
        return
    real = path.resolve()
    if real in visited:
        return
    visited.add(real)
    # An own metadata.yaml makes a folder a recording even if its files are gone: reading it tells so.
    if is_bag_folder(path) or (path / "metadata.yaml").is_file():
        yield path
        return
    for entry in path.iterdir():
        if not entry.name.startswith("."):
            yield from _bags_in(entry, visited)


def bag_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """A name for each bag: its own, or its whole path where two bags share one."""
    names = [path.name for path in paths]
    return tuple(name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True))
