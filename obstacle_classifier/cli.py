# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command line `obstacle_classifier`.

Exit status 0: success; 1: a problem with the data, the model or the output, one line on stderr naming it; 2: wrong
usage; 130 or 143: SIGINT or SIGTERM ended the command, and nothing half-written is left.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from obstacle_classifier import __version__
from obstacle_classifier.command import run_command
from obstacle_classifier.commands import cache, labels, train
from obstacle_classifier.commands.arguments import (
    BAGS,
    add_data,
    add_jobs,
    add_skip,
    backend_of,
    positive,
    sensors_of,
)
from obstacle_classifier.errors import BagError, ConfigError
from obstacle_classifier.files import check_output

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from obstacle_classifier.bags import Bag
    from obstacle_classifier.features import SensorsConfig
    from obstacle_classifier.pipeline import Prediction

__all__ = ["main"]

# Before NumPy loads: such small products only lose time, several-fold on a busy machine, when threads share them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_ARCHIVE = b"PK\x03\x04"  # the first bytes of a model file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)

    def work() -> None:
        command = next((argument for argument in given if not argument.startswith("-")), None)
        options = _parser(command).parse_args(given)
        options.run(options)

    return run_command("obstacle_classifier", work)


def _parser(command: str | None) -> argparse.ArgumentParser:
    """The parser of all commands; `simulate` and `label` have their arguments only if they are the command given."""
    parser = argparse.ArgumentParser(
        prog="obstacle_classifier", description="Train, score and inspect obstacle classifiers on recorded bags."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    train.add_arguments(commands.add_parser("train", help="train on labelled bags and write a model file"))

    evaluate = commands.add_parser("evaluate", help="score a model on labelled bags")
    evaluate.add_argument("--model", required=True, type=Path, metavar="MODEL.npz", help="model file")
    evaluate.add_argument("--bags", required=True, nargs="+", metavar="BAG", help=BAGS)
    evaluate.add_argument("--output", type=Path, metavar="METRICS.json", help="also write the scores here")
    add_skip(evaluate)
    add_jobs(evaluate)
    evaluate.set_defaults(run=_evaluate)

    predict = commands.add_parser("predict", help="probabilities of one bag, as the node would publish them")
    predict.add_argument("--model", required=True, type=Path, metavar="MODEL.npz", help="model file")
    predict.add_argument("--bag", required=True, metavar="BAG", help="one bag")
    predict.add_argument(
        "--output", required=True, type=Path, metavar="P.csv", help="time_ns and one column a label; nan is unknown"
    )
    predict.add_argument(
        "--spread",
        action="store_true",
        help="also write <label>_spread: how far the members of an ensemble disagree about the label",
    )
    predict.set_defaults(run=_predict)

    features = commands.add_parser("features", help="feature matrix and targets of bags")
    add_data(features)
    features.add_argument(
        "--output", required=True, type=Path, metavar="F.npz", help="arrays X, Y, time_ns, bag, columns, labels"
    )
    add_skip(features)
    add_jobs(features)
    features.set_defaults(run=_features)

    inspect = commands.add_parser("inspect", help="what a model file or bags hold")
    inspect.add_argument("paths", nargs="+", metavar="MODEL.npz|BAG", help=f"one model file, or bags: {BAGS}")
    inspect.add_argument("--json", action="store_true", help="print bags as JSON")
    inspect.set_defaults(run=_inspect)

    cache.add_arguments(commands.add_parser("cache", help="what the cache of features holds, and clearing it"))

    init = commands.add_parser("init", help="print a first sensors file for bags")
    init.add_argument("bags", nargs="+", metavar="BAG", help=BAGS)
    init.set_defaults(run=_init)

    labels.add_arguments(commands.add_parser("labels", help="label files to and from Foxglove events or one CSV"))

    simulate = commands.add_parser("simulate", help="record a labelled bag of a simulated drive along a sidewalk")
    if command == "simulate":
        # Loaded by name: no import statement leads from the command line into the simulation, which needs MuJoCo.
        importlib.import_module("obstacle_classifier.simulation.command").add_arguments(simulate)

    label = commands.add_parser("label", help="label bags while they play, train and compare, in a browser")
    if command == "label":
        importlib.import_module("obstacle_classifier.labelling.command").add_arguments(label)

    flops = commands.add_parser("flops", help="cost of inference and training of a network, derived and measured")
    for name, meaning in (("d", "inputs"), ("h", "units in each hidden layer"), ("c", "labels")):
        flops.add_argument(name, type=positive, metavar=name.upper(), help=meaning)
    flops.set_defaults(run=_flops)
    return parser


def _evaluate(options: argparse.Namespace) -> None:
    from obstacle_classifier.bags import find_bags
    from obstacle_classifier.files import write_atomically
    from obstacle_classifier.model import Model
    from obstacle_classifier.progress import TextProgress
    from obstacle_classifier.training import evaluate, format_scores
    from obstacle_classifier.training.preflight import preflight

    if options.output is not None:
        check_output(options.output)
    model, paths, progress = Model.load(options.model), find_bags(options.bags), TextProgress()
    backend, skip_bad = backend_of(options), options.skip_bad_bags
    usable = preflight(paths, model.sensors, progress, labels_required=True, backend=backend, skip_bad=skip_bad)
    result = evaluate(model, usable.paths, progress, backend, usable.left_out)
    print(format_scores(result))
    if options.output is not None:
        write_atomically(options.output, (json.dumps(result, indent=2) + "\n").encode())


def _predict(options: argparse.Namespace) -> None:
    import numpy as np

    from obstacle_classifier.bags import Bag, find_bags
    from obstacle_classifier.bags.intervals import read_intervals
    from obstacle_classifier.model import Model
    from obstacle_classifier.pipeline import Pipeline
    from obstacle_classifier.progress import TextProgress
    from obstacle_classifier.table import write_table
    from obstacle_classifier.training.preflight import preflight

    model = Model.load(options.model)
    paths = find_bags([options.bag])
    if len(paths) != 1:
        raise ConfigError(f"--bag: found {len(paths)} bags in {options.bag}, expected one")
    check_output(options.output)

    preflight(paths, model.sensors, TextProgress(), labels_required=None)
    names = list(model.labels)
    if options.spread:
        if model.predictor().spread() is None:
            raise ConfigError(
                f"{options.model}: --spread needs a model with several members, as the recipe default fits"
            )
        names += [f"{label}_spread" for label in model.labels]
    stale: dict[str, int] = {}
    total = known = 0

    def values(prediction: Prediction) -> NDArray[np.float32]:
        if not options.spread:
            return prediction.p
        spread = np.full_like(prediction.p, np.nan) if prediction.spread is None else prediction.spread
        return np.concatenate([prediction.p, spread])

    def rows(predictions: Iterator[Prediction], bag: Bag) -> Iterator[tuple[int, NDArray[np.float32]]]:
        nonlocal total, known
        for prediction in predictions:
            total += 1
            known += not prediction.unknown
            for sensor in prediction.stale:
                stale[sensor] = stale.get(sensor, 0) + 1
            yield prediction.end, values(prediction)
        if not total:
            raise _no_interval(paths, model.sensors, bag.problems)

    with Bag(paths[0]) as bag:
        write_table(options.output, names, rows(read_intervals(bag, Pipeline(model)), bag))
        for problem in bag.problems:
            print(f"warning: {problem}", file=sys.stderr)
    if not known:
        never = [spec for spec in model.sensors.sensors if stale.get(spec.name) == total]
        named = ", ".join(f"{spec.name} (topic {spec.topic})" for spec in never) or "a required sensor"
        print(f"warning: all {total} intervals are unknown, without a message in time of: {named}", file=sys.stderr)
    print(f"wrote {options.output}")


def _features(options: argparse.Namespace) -> None:
    import numpy as np

    from obstacle_classifier.bags import find_bags
    from obstacle_classifier.bags.complete import complete_sensors
    from obstacle_classifier.progress import TextProgress
    from obstacle_classifier.training.dataset import read_dataset, warn_left_out
    from obstacle_classifier.training.preflight import preflight, silent_sensors

    sensors = sensors_of(options)
    check_output(options.output)
    progress = TextProgress()
    paths = find_bags(options.bags)
    backend, skip_bad = backend_of(options), options.skip_bad_bags
    sensors = complete_sensors(sensors, paths, str(options.sensors))
    usable = preflight(paths, sensors, progress, labels_required=False, backend=backend, skip_bad=skip_bad)
    data = read_dataset(usable.paths, sensors, progress, labels_required=False, backend=backend)
    for shard in data:
        for problem in shard.problems:
            progress.say(f"warning: {problem}")
    X, Y = data.stack()
    if not len(X):
        raise _no_interval(paths, sensors, ())
    for line in silent_sensors(sensors, np.asarray(np.isfinite(X).any(axis=0))):
        progress.say(f"warning: {line}")
    arrays: dict[str, NDArray[Any]] = {
        "X": X,
        "Y": Y,
        "time_ns": np.concatenate([shard.time_ns for shard in data]),
        "bag": np.repeat(data.names, [len(shard) for shard in data]),
        "columns": np.array(sensors.columns),
        "labels": np.array(sensors.labels),
    }
    _write_arrays(options.output, arrays)
    print(f"wrote {options.output}: {len(X)} intervals of {len(sensors.columns)} columns")
    warn_left_out((*usable.left_out, *data.left_out), len(paths), progress)


def _no_interval(paths: Sequence[Path], sensors: SensorsConfig, problems: Sequence[str]) -> BagError:
    """The error of bags that are too short or have no message of a sensor."""
    reasons = f" ({'; '.join(problems)})" if problems else ""
    listed, step = ", ".join(map(str, paths)), sensors.interval / 1e9
    return BagError(f"{listed}: found no interval of {step:g} s with a message before its end, expected some{reasons}")


def _write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an .npz file; none of the arrays may hold objects."""
    import numpy as np

    from obstacle_classifier.files import write_atomically

    # NumPy 1 has no keyword allow_pickle here, and takes it for the name of one more array.
    write_atomically(path, lambda stream: np.savez(stream, **cast("dict[str, Any]", arrays)))


def _inspect(options: argparse.Namespace) -> None:
    if any(_is_model(path) for path in options.paths):
        if len(options.paths) > 1:
            raise ConfigError(f"inspect: found {len(options.paths)} paths, expected one model file or bags only")
        from obstacle_classifier.model import Model, describe

        print(describe(Model.load(options.paths[0])))
        return
    from obstacle_classifier.bags.inspection import inspect_bags

    inspect_bags(options.paths, options.json)


def _init(options: argparse.Namespace) -> None:
    from obstacle_classifier.bags.first_sensors import print_first_sensors

    print_first_sensors(options.bags)


def _is_model(path: str) -> bool:
    """Whether a path is a model file: by its name or content, or because it is a file of no kind of recording."""
    file = Path(path)
    if path.endswith(".npz"):
        return True
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        if stream.read(len(_ARCHIVE)) == _ARCHIVE:
            return True
    from obstacle_classifier.bags.find import SUFFIXES

    return not path.endswith(SUFFIXES)


def _flops(options: argparse.Namespace) -> None:
    from obstacle_classifier.nn import cost

    shape = options.d, options.h, options.c
    print(cost.describe_cost(*shape, timing=cost.measure_time(*shape)))


if __name__ == "__main__":
    sys.exit(main())
