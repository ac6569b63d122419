# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Find recordings: recognise rosbag2 folders and bag files, search folders, expand globs."""

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

    A pattern is a recording, a folder with recordings at any depth, or a glob (`**` descends) of those. If a rosbag2
    folder is found, its files are not listed as recordings of their own.

    Returns:
        Paths as reached from the patterns, each once, sorted by name with numbers in numerical order.

    Raises:
        BagError: A pattern matches no file, or no recording.
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
            found_nothing = "no such file or folder" if not paths else "no recording there"
            raise BagError(
                f"{pattern}: {found_nothing}, expected {EXPECTED}, a folder of those, or a glob that matches some"
            )
        for bag in bags:
            found.setdefault(bag.resolve(), bag)
    return sorted((bag for real, bag in found.items() if real.parent not in found), key=natural_order)


def is_bag_folder(folder: Path) -> bool:
    """Whether a folder is one rosbag2 recording.

    A folder with storage files is one recording if it holds a `metadata.yaml` or a single storage file, or if all
    files are named `<name of the folder>_<number>`, like the parts of a split recording. Otherwise each file is a
    recording.
    """
    files = storage_files(folder)
    part = re.compile(re.escape(folder.resolve().name) + r"_\d+")
    return bool(files) and (
        (folder / "metadata.yaml").is_file() or len(files) == 1 or all(part.fullmatch(bag_stem(f)) for f in files)
    )


def storage_files(folder: Path) -> list[Path]:
    """The rosbag2 storage files of a folder, sorted by name with numbers in numerical order."""
    files = (path for path in folder.iterdir() if path.name.endswith(ROSBAG2_SUFFIXES) and path.is_file())
    return sorted(files, key=natural_order)


def bag_stem(path: Path) -> str:
    """The name of a recording file without its suffix: `run_0` of `run_0.db3.zstd`."""
    suffix = max((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(suffix)]


def bag_name(path: Path) -> str:
    """The name of a recording: of its folder, or of its file without the suffix."""
    return path.resolve().name if path.is_dir() else bag_stem(path)


def natural_order(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Sort key that puts `run_2` before `run_10`."""
    return tuple(
        tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)
        for name in path.parts
    )


def _glob(pattern: Path) -> list[Path]:
    """The matching paths; `Path.glob` does not take absolute patterns."""
    return [Path(path) for path in glob.iglob(str(pattern), recursive=True)]  # noqa: PTH207


def _bags_in(path: Path, visited: set[Path]) -> Iterator[Path]:
    """The recordings at or below a path; skips hidden folders and links that lead back."""
    if not path.is_dir():
        if path.name.endswith(SUFFIXES):
            yield path
        return
    real = path.resolve()
    if real in visited:
        return
    visited.add(real)
    # A folder with a metadata.yaml is a recording even without its files. Reading it reports the missing files.
    if is_bag_folder(path) or (path / "metadata.yaml").is_file():
        yield path
        return
    for entry in path.iterdir():
        if not entry.name.startswith("."):
            yield from _bags_in(entry, visited)


def bag_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """A name for each bag: its file or folder name, or the whole path where two bags have the same name."""
    names = [path.absolute().name for path in paths]  # `.` has no name of its own
    return tuple(name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True))
