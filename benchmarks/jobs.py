# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Time that two jobs need for ten equal bags, as a share of the time that one job needs.

    .venv/bin/python -m benchmarks.jobs [--seconds 1800] [--rounds 3]

The command `features` reads the bags. The times include the start and end of its processes. One and two jobs take
turns, and the fastest round of each counts: other work on the machine then has little effect. The two files must be
equal byte for byte. The benchmark needs two free cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from obstacle_classifier.bags.example_bags import SENSORS, write_example_bags

ROOT = Path(__file__).parents[1]
BAGS = 10
LIMIT = 0.6  # share of the time of one job


def read(folder: Path, jobs: int) -> float:
    """Seconds that the command takes to read the bags in `folder`."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "obstacle_classifier.cli",
        "features",
        "--sensors",
        folder / "sensors.yaml",
    ]
    command += ["--bags", folder / "bags", "--output", folder / f"{jobs}.npz", "--jobs", str(jobs)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.monotonic() - began


def main() -> int:
    """Print the times and their ratio. The exit status is 1 if two jobs save too little or give other bytes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=1800, help="length of each bag")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "sensors.yaml").write_text(yaml.safe_dump(SENSORS, sort_keys=False))
        (bag,) = write_example_bags(folder / "bags", count=1, seconds=options.seconds)
        for number in range(1, BAGS):
            shutil.copytree(bag, folder / "bags" / f"street_{number}")
        rounds = [[read(folder, jobs) for jobs in (1, 2)] for _ in range(options.rounds)]
        one, two = (min(times) for times in zip(*rounds, strict=True))
        equal = (folder / "1.npz").read_bytes() == (folder / "2.npz").read_bytes()
    print(
        f"{BAGS} bags of {options.seconds} s: one job {one:.1f} s, two jobs {two:.1f} s, ratio {two / one:.2f} "
        f"(at most {LIMIT}), files {'equal' if equal else 'DIFFERENT'}"
    )
    return int(two > LIMIT * one or not equal)


if __name__ == "__main__":
    sys.exit(main())
