# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `obstacle_classifier train`: labelled bags to a model file."""

from __future__ import annotations

import argparse
from pathlib import Path

from obstacle_classifier.commands.arguments import (
    add_cache,
    add_data,
    add_jobs,
    add_skip,
    backend_of,
    cache_of,
    sensors_of,
)
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.files import check_output

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its arguments, and `run`, which executes the command."""
    add_data(parser)
    parser.add_argument("--output", required=True, type=Path, metavar="MODEL.npz", help="model file to write")
    parser.add_argument("--config", type=Path, metavar="TRAIN.yaml", help="training options")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one training option; repeatable"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="folder for a report, one HTML page")
    parser.add_argument(
        "--learning-curve",
        action="store_true",
        help="also show in the report what more bags would give, and what a shuffled split would claim; fits 12 times",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue an interrupted run from the checkpoint beside the output; without one, start at the beginning",
    )
    add_skip(parser)
    add_cache(parser)
    add_jobs(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from obstacle_classifier.bags import find_bags
    from obstacle_classifier.bags.complete import complete_sensors
    from obstacle_classifier.progress import TextProgress
    from obstacle_classifier.training import format_scores, load_train_config, train
    from obstacle_classifier.training.checkpoint import Checkpoint, checkpoint_path
    from obstacle_classifier.training.dataset import warn_left_out
    from obstacle_classifier.training.preflight import preflight

    if options.learning_curve and options.report is None:
        raise ConfigError("--learning-curve: found no --report, expected a report that shows the curve")
    if options.report is not None:
        # Before the work, so that a missing plotting library is told then.
        from obstacle_classifier.training.learning_curve import learning_curve
        from obstacle_classifier.training.report import write_report
    config = load_train_config(options.config, options.set)
    sensors = sensors_of(options)
    check_output(options.output)
    if options.report is not None and options.report.exists() and not options.report.is_dir():
        raise ConfigError(f"{options.report}: found a file, expected a folder for the report")
    progress = TextProgress()
    kept = checkpoint_path(options.output)
    if not options.resume and kept.exists():
        progress.say(f"{kept}: the checkpoint of an interrupted run, which this run replaces; --resume continues it")
    checkpoint = Checkpoint(kept, resume=options.resume)
    if options.resume and not checkpoint.resumed:
        progress.say(f"{kept}: no checkpoint, so the training starts at the beginning")
    paths = find_bags(options.bags)
    backend, skip_bad = backend_of(options), options.skip_bad_bags
    sensors = complete_sensors(sensors, paths, str(options.sensors))
    usable = preflight(paths, sensors, progress, labels_required=True, backend=backend, skip_bad=skip_bad)
    training = train(sensors, usable.paths, config, progress, backend, usable.left_out, checkpoint, cache_of(options))
    training.model.save(options.output)
    if options.report is not None:
        curve = learning_curve(training, progress) if options.learning_curve else None
        if options.learning_curve and curve is None:
            progress.say("warning: a learning curve needs three usable bags, so the report shows none")
        print(f"report: {write_report(options.report, training, curve=curve)}")
    checkpoint.remove()
    if training.unseen is not None and training.scored is None:
        print("scores on all bags, each judged by members that have not seen it:")
    elif training.scored is not None:
        print(f"held-out scores ({', '.join(training.bags['test']) or 'the last block of each bag'}):")
    if training.model.metrics:
        print(format_scores(dict(training.model.metrics)))
    print(f"wrote {options.output}")
    if training.left_out:
        # Once more: the epochs have scrolled the reasons away.
        warn_left_out(training.left_out, len(paths), progress)
