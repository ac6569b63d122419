# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The `metadata.yaml` of a rosbag2 folder: names of files, number of messages, start and duration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from obstacle_classifier.bags.damage import DamageError

__all__ = ["Metadata", "load_metadata"]


@dataclass(frozen=True)
class Metadata:
    """The fields of `metadata.yaml` that reading needs."""

    files: tuple[str, ...]
    """Names of the storage files in recorded order."""
    count: int
    """Messages in all files."""
    start: int
    """Earliest receive time in ns; undefined without messages."""
    duration: int
    """Time from the earliest to the latest message in ns."""


def load_metadata(path: Path) -> Metadata:
    """Parse a `metadata.yaml`.

    Raises:
        DamageError: It is not YAML, or lacks a field that rosbag2 writes.
        OSError: It cannot be opened.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        information = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["rosbag2_bagfile_information"]
        return Metadata(
            files=tuple(PurePosixPath(name).name for name in information["relative_file_paths"]),
            count=int(information["message_count"]),
            start=int(information["starting_time"]["nanoseconds_since_epoch"]),
            duration=int(information["duration"]["nanoseconds"]),
        )
    except yaml.YAMLError as error:
        raise DamageError(f"not YAML ({' '.join(str(error).split())})") from None
    except LookupError as error:
        raise DamageError(f"it lacks {error}") from None
    except (TypeError, ValueError, RecursionError, AttributeError) as error:
        raise DamageError(f"not in the form that rosbag2 writes ({error})") from None
