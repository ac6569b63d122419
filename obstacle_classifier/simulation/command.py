# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `obstacle_classifier simulate`: record one simulated drive as a labelled bag.

The command line loads this module by name, and only when that command is given.
"""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its arguments, and `run`, which executes the command."""
    parser.add_argument("--output", required=True, type=Path, metavar="BAG", help="rosbag2 folder to create")
    parser.add_argument("--scenario", type=Path, metavar="S.yaml", help="scenario file; default: the plain sidewalk")
    parser.add_argument("--duration", type=float, metavar="S", help="seconds to drive; overrides the scenario")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="seed of street, traffic and noise; overrides the scenario"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    # Here, so that `simulate --help` needs neither MuJoCo nor tqdm.
    from obstacle_classifier.progress import TextProgress
    from obstacle_classifier.simulation import Scenario, load_scenario, simulate

    scenario = Scenario() if options.scenario is None else load_scenario(options.scenario)
    simulate(scenario, options.output, options.duration, options.seed, TextProgress())
    print(f"wrote {options.output}")
