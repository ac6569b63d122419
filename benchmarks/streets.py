# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Simulated drives for benchmarks: some to train on, and held-out ones through other streets.

The bags are kept under `build/streets/<key>`. The key changes with the simulation's source and with the scenario.
"""

from __future__ import annotations

import hashlib
import time
from functools import partial
from pathlib import Path

from benchmarks.sections import ROOT
from obstacle_classifier.simulation import load_scenario, simulate
from obstacle_classifier.training.backends import make_backend

__all__ = ["CACHE", "cache_key", "make_streets"]

CACHE = ROOT / "build" / "streets"
SCENARIO = ROOT / "config" / "scenarios" / "sidewalk.yaml"
SIMULATION = ROOT / "obstacle_classifier" / "simulation"
HELD_OUT_SEED = 1_000_000  # seed of the first held-out street; the next streets have the next seeds


def cache_key() -> str:
    """Eight hexadecimal digits that depend on what the simulated messages depend on in this checkout."""
    digest = hashlib.sha256()
    for path in (SCENARIO, *sorted(SIMULATION.rglob("*.py"))):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


def make_streets(
    train: int, test: int, seconds: float, jobs: int = 1, cache: Path = CACHE
) -> tuple[list[Path], list[Path]]:
    """Simulate the drives that the cache does not hold, and say so.

    Args:
        train: Number of drives to train on; their seeds are 0, 1, ...
        test: Number of held-out drives.
        seconds: Duration of a drive.
        jobs: Number of simulations at a time.
        cache: Folder of all keys.

    Returns:
        The training bags and the held-out bags.
    """
    folder = cache / cache_key()
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [*range(train), *range(HELD_OUT_SEED, HELD_OUT_SEED + test)]
    paths = [folder / f"drive_{seed}_{seconds:g}s" for seed in seeds]
    new = [(path, seed) for path, seed in zip(paths, seeds, strict=True) if not path.exists()]
    print(f"{len(paths)} drives of {seconds:g} s in {folder}, {len(paths) - len(new)} of them from before", flush=True)
    if new:
        began = time.monotonic()
        list(make_backend(jobs).map(partial(_simulate, seconds=seconds), new))
        took = time.monotonic() - began
        speed = len(new) * seconds / took
        print(
            f"simulated {len(new)} drives, {jobs} at a time, in {took:.0f} s: {speed:.0f} times real time", flush=True
        )
    return paths[:train], paths[train:]


def _simulate(bag: tuple[Path, int], seconds: float) -> None:
    path, seed = bag
    simulate(load_scenario(SCENARIO), path, seconds, seed)
