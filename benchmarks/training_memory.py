# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Peak memory of training at n intervals and at ten times as many.

`python -m benchmarks.training_memory` fills a cache with drawn features of 20 bags, trains each recipe on them in a
process of its own, and prints the peak of its anonymous memory: RssAnon of /proc/<pid>/status, read every 5 ms. That is
the resident memory without the pages of memory-mapped files, which the kernel can drop at any time. All of the training
counts: reading the shards, fits, calibration, thresholds, scores and the model file.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.sections import ROOT, measured_on, wrapped, write_section
from obstacle_classifier.bags.labels import LabelTrack
from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.progress import TextProgress
from obstacle_classifier.training import load_train_config
from obstacle_classifier.training.bag_reader import ReadBag
from obstacle_classifier.training.dataset import make_dataset
from obstacle_classifier.training.shard_cache import ShardCache
from obstacle_classifier.training.shard_file import Features
from obstacle_classifier.training.train import train_on

BAGS = 20
INTERVAL = 10**8  # ns
LABELS = ("pedestrian", "bicycle", "vehicle", "dog")
SETTINGS = {
    "default": ("epochs=1",),
    "single": ("recipe=single", "epochs=1"),
    "sgd": ("recipe=sgd", "epochs=2", "batch_size=256"),
    "reference": ("recipe=reference",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if ten times the intervals need at most 1.1 times the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--intervals", type=int, default=80_000, help="n")
    parser.add_argument("--recipes", default=",".join(SETTINGS), help="separated by commas")
    parser.add_argument("--write", action="store_true", help="write the table to docs/training.md")
    parser.add_argument("--train", nargs=2, metavar=("FOLDER", "RECIPE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.train:
        _train(Path(options.train[0]), options.train[1])
        return 0
    out = ROOT / "out"
    out.mkdir(exist_ok=True)
    lines = ["| recipe | intervals | features | peak of anonymous memory | time |", "| --- | --- | --- | --- | --- |"]
    print("\n".join(lines))
    peaks: dict[str, list[float]] = {recipe: [] for recipe in options.recipes.split(",")}
    for n in (options.intervals, 10 * options.intervals):
        with tempfile.TemporaryDirectory(dir=out) as name:  # not in /tmp, which may be memory
            _fill(Path(name), n)
            for recipe, found in peaks.items():
                begin = time.monotonic()
                found.append(_peak([sys.executable, "-m", "benchmarks.training_memory", "--train", name, recipe]))
                size, seconds = n * len(sensors().columns) * 8 / 1e6, time.monotonic() - begin
                lines.append(f"| `{recipe}` | {n} | {size:.0f} MB | {found[-1]:.0f} MB | {seconds:.0f} s |")
                print(lines[-1], flush=True)
    ratios = {recipe: high / low for recipe, (low, high) in peaks.items()}
    summary = "Ten times the intervals take " + ", ".join(f"{ratio:.2f} (`{name}`)" for name, ratio in ratios.items())
    summary = wrapped(f"{summary} times the memory. {BAGS} bags, {len(sensors().columns)} columns. {measured_on()}")
    print(summary)
    if options.write:
        write_section(ROOT / "docs" / "training.md", "training-memory", "\n".join([*lines, "", summary]))
    return int(max(ratios.values()) > 1.1)


def sensors() -> SensorsConfig:
    """A lidar of 72 sectors and an Imu."""
    scan = {"type": "sensor_msgs/msg/LaserScan", "topic": "/scan", "sectors": 36, "statistics": ["last", "min"]}
    imu = {"type": "sensor_msgs/msg/Imu", "topic": "/imu", "statistics": ["mean", "std", "min", "max"]}
    document = {"interval": INTERVAL / 1e9, "labels": list(LABELS), "sensors": {"scan": scan, "imu": imu}}
    return parse_sensors(document, "benchmark")


def _fill(folder: Path, n: int) -> None:
    """Write the shards of bags that have n intervals together."""
    cache, columns = ShardCache(folder), sensors().columns
    for bag in range(BAGS):
        rng = np.random.default_rng(bag)
        X = rng.standard_normal((n // BAGS, len(columns)))
        X[:, sensors().layout.is_missing] = 0
        unknown = rng.random(len(X)) < 0.01
        cache.store(
            str(bag), Features(f"{bag:064x}", X, INTERVAL * np.arange(1, len(X) + 1, dtype=np.int64), unknown, ())
        )


def _train(folder: Path, recipe: str) -> None:
    cache = ShardCache(folder)
    bags = []
    for bag in range(BAGS):
        features = cache.find(str(bag))
        assert features is not None
        rng = np.random.default_rng(bag)
        steps = [
            (int(time), frozenset(label for label in LABELS if rng.random() < 0.3)) for time in features.time_ns[::50]
        ]
        bags.append(ReadBag(f"bag_{bag}", LabelTrack(steps, frozenset()), (), key=str(bag), reused=True))
    data = make_dataset(bags, sensors(), cache)
    training = train_on(data, sensors(), load_train_config(None, SETTINGS[recipe]), TextProgress())
    training.model.save(folder / "model.npz")


def _peak(command: Sequence[str]) -> float:
    """The most anonymous memory of a command, in MB."""
    peak = 0
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
        status = Path(f"/proc/{child.pid}/status")
        while child.poll() is None:
            found = re.search(r"RssAnon:\s+(\d+) kB", status.read_text())
            peak = max(peak, int(found[1]) if found else 0)
            time.sleep(0.005)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return peak / 1e3


if __name__ == "__main__":
    sys.exit(main())
