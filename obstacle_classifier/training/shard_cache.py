# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A folder that keeps the features of bags from run to run.

The name of a file is a digest of all that its features depend on: the bag's content, the sensors without their labels,
and the code between the two. A change of any of them gives another name; nothing is ever stale. Labels are not kept:
they change without the bag.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.files import write_atomically
from obstacle_classifier.training.code_version import FEATURE_ROOMS, code_version
from obstacle_classifier.training.shard_file import Features, encode_shard, open_shard

__all__ = ["ShardCache", "default_folder"]

SUFFIX = ".shard"
_LABEL_KEYS = ("labels", "label_topic", "other_labels")


def default_folder() -> Path:
    """`obstacle_classifier` in $XDG_CACHE_HOME, or in ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification: a relative path is invalid and is ignored.
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "obstacle_classifier"


@dataclass(frozen=True)
class ShardCache:
    """The shards in a folder. Several processes may use it at once.

    Attributes:
        folder: The folder; it is made when needed.
    """

    folder: Path

    @property
    def location(self) -> str:
        """The folder, for people."""
        return str(self.folder)

    @property
    def clear_command(self) -> str:
        """The command that clears the cache."""
        place = "" if self.folder == default_folder() else f"--cache {self.folder} "
        return f"obstacle_classifier cache {place}--clear"

    @property
    def scratch(self) -> Path:
        """Folder for temporary files of data sets that are larger than memory."""
        return self.folder

    @staticmethod
    def key(sha256: str, sensors: SensorsConfig) -> str:
        """Name of the features of a bag with this content, 64 hexadecimal digits."""
        columns = {key: value for key, value in sensors.document.items() if key not in _LABEL_KEYS}
        parts = {"bag": sha256, "sensors": columns, "code": code_version(FEATURE_ROOMS)}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def path(self, key: str) -> Path:
        """The file of a key."""
        return self.folder / f"{key}{SUFFIX}"

    def find(self, key: str) -> Features | None:
        """The features of a key, memory-mapped; None if there are none.

        Raises:
            OSError: The file cannot be read.
            ShardFileError: The file is damaged.
        """
        try:
            return open_shard(self.path(key))
        except FileNotFoundError:
            return None

    def store(self, key: str, features: Features) -> None:
        """Keep features; another process that stores the same key writes the same bytes.

        Raises:
            OSError: The file cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path(key), partial(encode_shard, features))

    def files(self) -> list[Path]:
        """All files of the cache, those left by killed processes too."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if f"{SUFFIX}." in f"{path.name}." and path.is_file())

    def clear(self) -> tuple[int, int]:
        """Delete all files of the cache; returns how many there were, and their bytes."""
        count = size = 0
        for path in self.files():
            try:
                size += path.stat().st_size
                path.unlink()
            except FileNotFoundError:  # another process was faster
                continue
            count += 1
        return count, size
