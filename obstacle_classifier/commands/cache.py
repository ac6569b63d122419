# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `obstacle_classifier cache`: what the cache of features holds, and clearing it."""

from __future__ import annotations

import argparse

from obstacle_classifier.commands.arguments import add_cache_folder, cache_folder

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its arguments, and `run`, which executes the command."""
    add_cache_folder(parser)
    parser.add_argument("--clear", action="store_true", help="delete all features in it")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from obstacle_classifier.training.shard_cache import ShardCache

    cache = ShardCache(cache_folder(options))
    if options.clear:
        count, size = cache.clear()
        print(f"{cache.location}: deleted the features of {count} bags, {size / 1e6:.1f} MB")
    else:
        files = cache.files()
        size = sum(path.stat().st_size for path in files)
        print(f"{cache.location}: the features of {len(files)} bags, {size / 1e6:.1f} MB")
