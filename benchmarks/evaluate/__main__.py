# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scores on bags that training has not seen, beside scikit-learn's on the same matrices and bags.

    make evaluate                                         all data sets and methods, 5 seeds
    make evaluate ARGS="--sets leg_tracker --seeds 1"     a part
    make evaluate ARGS=--write                            writes the sections in docs/measurements.md
    make evaluate ARGS=--tune                             candidates for the recipe, scored without any test bag

Exit status 1: on some data set the default recipe is below the best of scikit-learn's classifiers by more than 0.01.
"""

from __future__ import annotations

import os

# One thread, set before NumPy loads: small products are slower on two cores, and several times slower if both are busy.
os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")})

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from benchmarks.evaluate.candidates import candidates
from benchmarks.evaluate.data_sets import NAMES, RECORDINGS, DataSet, load
from benchmarks.evaluate.methods import METHODS
from benchmarks.evaluate.results import Result, Spread, measure, paired
from benchmarks.evaluate.tables import TOLERANCE, table, verdict
from benchmarks.sections import ROOT, measured_on, wrapped, write_section

PAGE = ROOT / "docs" / "measurements.md"
SEEDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each data set; 1 if the default recipe falls short on one."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parse(arguments)
    warnings.filterwarnings("ignore")  # scikit-learn warns after every fit that it has not converged
    status = 0
    for name in options.sets:
        if name in RECORDINGS and not (options.data / name).is_dir():
            print(f"\n{name}: left out, {options.data / name} does not exist")
            continue
        data = load(name, options.data, options.jobs)
        print(f"\n{data}", flush=True)
        if options.tune:
            _tune(data, options.seeds)
            continue
        results = _run(data, options.methods, options.seeds)
        rows = table(results)
        good, sentence = verdict(results)
        status |= int(not good)
        print(f"\n{rows}\n\n{sentence}", flush=True)
        if options.write:
            seeds = "1 seed" if options.seeds == 1 else f"{options.seeds} seeds, mean ± deviation"
            command = f'make evaluate ARGS="{shlex.join(arguments)}"'
            caption = f"`{command}`: {data.protocol}, {seeds}. {sentence[0].upper()}{sentence[1:]}. {measured_on()}"
            write_section(PAGE, f"evaluate {name}", f"{rows}\n\n{wrapped(caption)}")
    return status


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"expected of the default recipe: at most {TOLERANCE} below the best of scikit-learn's classifiers",
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the recordings")
    parser.add_argument("--sets", type=_some_of(NAMES), default=list(NAMES), help=f"some of {','.join(NAMES)}")
    parser.add_argument("--methods", type=_some_of(METHODS), default=list(METHODS), help=f"some of {','.join(METHODS)}")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="number of seeds, of folds and methods alike")
    parser.add_argument("--jobs", type=int, default=1, help="processes that simulate and read bags; one process fits")
    parser.add_argument("--tune", action="store_true", help="score candidates without the test bags instead")
    parser.add_argument("--write", action="store_true", help=f"write the tables in {PAGE.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.jobs < 1:
        parser.error("--seeds and --jobs must be at least 1")
    if options.write and options.tune:
        parser.error("--write goes with the scores, not with --tune")
    if options.write and options.methods != list(METHODS):
        parser.error("--write goes with all methods, not with --methods")
    return options


def _some_of(names: Collection[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        found = [name.strip() for name in text.split(",")]
        unknown = [name for name in found if name not in names]
        if unknown:
            raise argparse.ArgumentTypeError(f"found '{unknown[0]}', expected some of {', '.join(names)}")
        return [name for name in names if name in found]

    return parse


def _run(data: DataSet, methods: Sequence[str], seeds: int) -> dict[str, list[Result]]:
    parts = [part for seed in range(seeds) for part in data.parts(seed)]
    results = {}
    for name in methods:
        results[name] = measure(METHODS[name], parts, data.sensors)
        score = Spread.of([result.score for result in results[name]])
        print(f"  {name}: {score:.3f}", flush=True)
    return results


def _tune(data: DataSet, seeds: int) -> None:
    parts = [part for seed in range(seeds) for part in data.inner_parts(seed)]
    first: list[Result] = []
    for name, method in candidates().items():
        results = measure(method, parts, data.sensors)
        first = first or results
        score, change = Spread.of([result.score for result in results]), paired(results, first)
        print(f"  {name:<36} {score:.3f}, less the first {change:+.3f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
