# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from obstacle_classifier.errors import ConfigError

if TYPE_CHECKING:
    from obstacle_classifier.features import SensorsConfig
    from obstacle_classifier.training.backends import Backend
    from obstacle_classifier.training.shard_cache import ShardCache

__all__ = [
    "BAGS",
    "add_cache",
    "add_cache_folder",
    "add_data",
    "add_jobs",
    "add_skip",
    "backend_of",
    "cache_folder",
    "cache_of",
    "positive",
    "sensors_of",
]

BAGS = "rosbag2 folders, .mcap, .db3 or ROS 1 .bag files, globs, or folders of them"


def add_data(command: argparse.ArgumentParser) -> None:
    """The arguments that say which bags, columns and labels."""
    command.add_argument("--sensors", required=True, type=Path, metavar="S.yaml", help="sensors file")
    command.add_argument("--bags", required=True, nargs="+", metavar="BAG", help=BAGS)
    command.add_argument("--labels", metavar="A,B", help="labels to use instead of the sensors file's")
    command.add_argument(
        "--other-labels",
        choices=("absent", "ignore"),
        help="with --labels: whether other labels count as absent (default), or like the label ignore",
    )


def add_skip(command: argparse.ArgumentParser) -> None:
    """The argument that says whether bad bags are an error."""
    command.add_argument(
        "--skip-bad-bags",
        action="store_true",
        help="go on without bags that cannot be used, and record them; by default they are an error",
    )


def add_jobs(command: argparse.ArgumentParser) -> None:
    """The arguments that say where bags are read."""
    command.add_argument(
        "--jobs", type=positive, metavar="N", help="bags read at a time, each by a process; by default one a core"
    )


def add_cache(command: argparse.ArgumentParser) -> None:
    """The arguments that say where features are kept."""
    choice = command.add_mutually_exclusive_group()
    add_cache_folder(choice)
    choice.add_argument("--no-cache", action="store_true", help="read all bags, and keep no features")


def add_cache_folder(command: argparse._ActionsContainer) -> None:
    """The folder of the cache."""
    command.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder that keeps the features of bags from run to run; by default $XDG_CACHE_HOME/obstacle_classifier",
    )


def cache_folder(options: argparse.Namespace) -> Path:
    """The folder that the arguments name, or the default one."""
    from obstacle_classifier.training.shard_cache import default_folder

    return default_folder() if options.cache is None else Path(options.cache)


def cache_of(options: argparse.Namespace) -> ShardCache | None:
    """The cache that the arguments ask for; None without one."""
    from obstacle_classifier.training.shard_cache import ShardCache

    return None if options.no_cache else ShardCache(cache_folder(options))


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a whole number of at least 1")
    return int(text)


def sensors_of(options: argparse.Namespace) -> SensorsConfig:
    """The sensors file, with the labels of `--labels` where they are given."""
    from obstacle_classifier.features import load_sensors, with_labels

    sensors = load_sensors(options.sensors)
    if options.labels is None:
        if options.other_labels is not None:
            raise ConfigError("--other-labels: found no --labels, expected the labels to use")
        return sensors
    labels = [label.strip() for label in options.labels.split(",")]
    return with_labels(sensors, labels, "--labels", options.other_labels)


def backend_of(options: argparse.Namespace) -> Backend:
    """The backend that the arguments ask for."""
    from obstacle_classifier.training.backends import available_cores, make_backend

    return make_backend(options.jobs or available_cores())
