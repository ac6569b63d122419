"""The whole way in a minute: train, serve, replay over DDS, compare.

    make demo

Trains on recordings, starts `classifier_node`, replays a recording that training has not seen from a second process,
and prints what the node said live beside what `predict` says offline.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from obstacle_classifier.bags import Bag, load_labels
from obstacle_classifier.bags.demo_bags import SENSORS, write_demo_bags
from obstacle_classifier.errors import ObstacleClassifierError
from obstacle_classifier.model import Model
from obstacle_classifier.training.metrics import average_precision

__all__ = ["main"]

ROOT = Path(__file__).parents[1]
RECORDINGS = ROOT.parent / "shared" / "data" / "leg_tracker"
HELD_OUT = "positive_7"
DOMAIN = "87"  # a DDS domain of the demo's own, so that it meets no robot


def main() -> int:
    """Run the demonstration; returns the exit status."""
    parser = argparse.ArgumentParser(description="Train, serve and replay; compare live with offline.")
    parser.add_argument("--output", type=Path, default=Path("out/demo"), help="folder for the model, bags and tables")
    parser.add_argument("--rate", type=float, default=10.0, help="recorded seconds per second in the replay")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    try:
        return _demo(options.output, options.rate)
    except ObstacleClassifierError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _demo(folder: Path, rate: float) -> int:
    sensors, training, held_out = _recordings(folder)
    model, live, offline = folder / "model.npz", folder / "live.csv", folder / "offline.csv"
    command = [sys.executable, "-m", "obstacle_classifier.cli"]
    print(f"\n1. Train on {len(training)} bags -> {model}", flush=True)
    _run([*command, "train", "--sensors", str(sensors), "--output", str(model), "--bags", *map(str, training)])
    print(f"\n2. Serve the model and replay {held_out.name} at {rate:g} times its speed, over DDS", flush=True)
    environment = {**os.environ, "ROS_DOMAIN_ID": DOMAIN, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    parameters = ["-p", f"model_path:={model}", "-p", "use_sim_time:=true"]
    node = subprocess.Popen(
        [sys.executable, "-m", "obstacle_classifier.nodes.classifier_node", "--ros-args", *parameters], env=environment
    )
    player = [sys.executable, "-m", "obstacle_classifier.nodes.replay", "--rate", str(rate)]
    try:
        _run([*player, "--bag", str(held_out), "--model", str(model), "--output", str(live)], environment)
    finally:
        node.send_signal(signal.SIGINT)
        node.wait(10)
    print("\n3. The same recording offline", flush=True)
    _run([*command, "predict", "--model", str(model), "--bag", str(held_out), "--output", str(offline)])
    print(f"\n4. Live beside offline, average precision on {held_out.name}\n")
    print(_compare(Model.load(model), held_out, live, offline))
    print(f"\nmodel: {model}\nnext:  .venv/bin/obstacle_classifier inspect {model}")
    return 0


def _recordings(folder: Path) -> tuple[Path, list[Path], Path]:
    """Sensors file, bags to train on and the bag to replay: real ones where present, else generated ones."""
    if RECORDINGS.is_dir():
        bags = sorted(path.parent for path in RECORDINGS.glob("*/metadata.yaml"))
        print(f"recordings: {RECORDINGS}")
        sensors = ROOT / "config" / "sensors" / "leg_tracker.yaml"
        return sensors, [bag for bag in bags if bag.name != HELD_OUT], RECORDINGS / HELD_OUT
    sensors = folder / "sensors.yaml"
    sensors.write_text(yaml.safe_dump(SENSORS, sort_keys=False), encoding="utf-8")
    *training, held_out = write_demo_bags(folder / "bags")
    print(f"no recordings at {RECORDINGS}: made {len(training) + 1} small bags in {folder / 'bags'}")
    return sensors, training, held_out


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    if status := subprocess.run(command, env=environment, check=False).returncode:
        raise ObstacleClassifierError(f"{' '.join(command[1:4])} ended with status {status}")


def _compare(model: Model, bag_path: Path, live_path: Path, offline_path: Path) -> str:
    live, offline = _read(live_path), _read(offline_path)
    with Bag(bag_path) as bag:
        track = load_labels(bag, model.labels, model.sensors.label_topic)
        truth = {end: track.at(end) for end in offline}
    common = [
        end
        for end, present in truth.items()
        if present is not None and end in live and not np.isnan(live[end]).any() and not np.isnan(offline[end]).any()
    ]
    if not common:
        raise ObstacleClassifierError(f"{live_path}: the node answered for no known, labelled interval")
    Y = np.array([[label in (truth[end] or ()) for label in model.labels] for end in common], float)
    P_live, P_offline = (np.array([source[end] for end in common], float) for source in (live, offline))
    width = max(map(len, model.labels))
    lines = [f"{'label':<{width}}  {'live':>6}  {'offline':>7}  {'prevalence':>10}"]
    for index, label in enumerate(model.labels):
        scores = [average_precision(Y[:, index], P[:, index]) for P in (P_live, P_offline)]
        lines.append(f"{label:<{width}}  {scores[0]:>6.3f}  {scores[1]:>7.3f}  {Y[:, index].mean():>10.3f}")
    same = float((P_live == P_offline).all(axis=1).mean())
    lines.append(f"\n{len(live)} of {len(offline)} intervals answered live; of {len(common)} known and labelled ones")
    lines.append(
        f"{100 * same:.1f} % equal offline's to the bit (in `make parity`, which steps the clocks together, all do)"
    )
    return "\n".join(lines)


def _read(path: Path) -> dict[int, NDArray[np.float32]]:
    with path.open(newline="", encoding="utf-8") as stream:
        _, *rows = csv.reader(stream)
    return {int(row[0]): np.array(row[1:], np.float32) for row in rows}


if __name__ == "__main__":
    sys.exit(main())
