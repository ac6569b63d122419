# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""CPU time of classifier_node, compared with a simple node on the same traffic at the same time.

    python -m benchmarks.node_cpu --seconds 30

The simple node is `benchmarks.plain_node`. Both nodes serve the same model, each in its own process, and receive the
same messages (`benchmarks.traffic`): 400 Hz Imu, 40 Hz LaserScan of 1080 beams and six slow topics, with intervals of
50 ms and reliable QoS. Before the measurement, the benchmark compares the features that both nodes make from the same
messages.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.traffic import DEPTH, RATES, SENSORS, Traffic, make_message, private_domain
from obstacle_classifier.pipeline import FeaturePipeline
from test.helpers.models import make_model

LIMIT = 0.35
_HIDDEN = 64


def difference_of_features(seconds: float = 5.0) -> float:
    """Largest difference between the features of the two nodes for the same messages, relative to 1 + |value|."""
    from rclpy.serialization import deserialize_message

    from benchmarks.plain_node import PlainFeatures
    from obstacle_classifier.nodes.classifier.installed_types import message_class

    rng = np.random.default_rng(1)
    specs = {spec.topic: spec for spec in SENSORS.sensors}
    times = sorted(
        (10**12 + int((count + rng.random()) / rate * 1e9), topic)
        for topic, rate in RATES.items()
        for count in range(int(seconds * rate))
    )
    plain, pipeline, worst = PlainFeatures(SENSORS.sensors), FeaturePipeline(SENSORS), 0.0
    for time, topic in times:
        spec, data = specs[topic], make_message(topic, rng)
        for interval in pipeline.push(spec.name, time, data):
            other = plain.vector(interval.end)
            assert (np.isnan(other) == np.isnan(interval.x)).all()
            worst = max(worst, float(np.nanmax(np.abs(other - interval.x) / (1 + np.abs(interval.x)))))
        plain.add(spec, time, deserialize_message(data, message_class(spec.type)))
    return worst


def cpu_seconds(pid: int) -> float:
    """CPU time of a process in s, user and system, of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(seconds: float, executors: Sequence[str], plain: bool = True) -> dict[str, float]:
    """CPU time in s of each node over `seconds` of traffic. The keys are the executors and `plain`."""
    module = ["-m", "obstacle_classifier.nodes.classifier_node", "--ros-args"]
    for spec in SENSORS.sensors:
        module += ["-p", f"sensors.{spec.name}.reliability:=reliable", "-p", f"sensors.{spec.name}.depth:={DEPTH}"]
    with private_domain(), tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.npz"
        make_model(SENSORS, h=_HIDDEN).save(model)
        commands = {
            kind: [*module, "-p", f"model_path:={model}", "-p", f"executor:={kind}", "-r", f"__node:=classifier_{kind}"]
            for kind in executors
        }
        if plain:
            commands["plain"] = ["-m", "benchmarks.plain_node", str(model)]
        root = Path(__file__).parents[1]
        nodes = {
            name: subprocess.Popen([sys.executable, *command], cwd=root, stderr=subprocess.DEVNULL)
            for name, command in commands.items()
        }
        try:
            with Traffic(subscribers=len(nodes)) as traffic:
                traffic.run(2.0)  # start-up costs are not measured
                before = {name: cpu_seconds(node.pid) for name, node in nodes.items()}
                traffic.run(seconds)
                return {name: cpu_seconds(node.pid) - before[name] for name, node in nodes.items()}
        finally:
            for node in nodes.values():
                node.terminate()
            for node in nodes.values():
                node.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures. The exit status is 1 if classifier_node uses more than the allowed share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the measured traffic (default 30)")
    options = parser.parse_args(arguments)
    import_module("rclpy")
    print(f"largest relative difference of the features: {difference_of_features():.1e}")
    used = measure(options.seconds, ("events", "single"))
    for name, seconds in used.items():
        share = seconds / used["plain"]
        print(f"{name:8}{seconds:8.2f} s, {seconds / options.seconds * 100:5.1f} % of a core, {share:.2f} of plain")
    share = used["events"] / used["plain"]
    print(f"classifier_node takes {share:.2f} of the CPU time of the simple node, allowed {LIMIT}")
    return int(share > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
