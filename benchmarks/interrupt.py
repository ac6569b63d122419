# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Interrupt trainings at random moments, resume them, and compare the models' bytes.

`python -m benchmarks.interrupt` trains each recipe once as a process of its own, and then kills further runs by SIGKILL
and SIGINT at moments that are drawn over the whole run. It prints a line for every moment.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from obstacle_classifier.bags.example_bags import SENSORS, write_example_bags

SETTINGS = {
    "default": ("epochs=30",),
    "single": ("recipe=single", "epochs=60"),
    "adamw": ("network=lstm", "epochs=40"),
    "sgd": ("recipe=sgd", "epochs=250", "patience=250"),
    "reference": ("recipe=reference", "hidden=512"),
}
"""Options of each recipe, for a run of some seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if every resumed run gave the bytes of the run that was not interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=5, help="moments for each recipe")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    different = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_example_bags(folder / "bags", count=6, seconds=30)
        (folder / "s.yaml").write_text(yaml.safe_dump(SENSORS), encoding="utf-8")
        for recipe, settings in SETTINGS.items():
            command = [sys.executable, "-m", "obstacle_classifier.cli", "train", "--sensors", str(folder / "s.yaml")]
            command += ["--bags", str(folder / "bags"), *(f"--set={setting}" for setting in settings)]
            begin = time.monotonic()
            subprocess.run([*command, "--output", str(folder / "whole.npz")], check=True, capture_output=True)
            duration = time.monotonic() - begin
            whole = (folder / "whole.npz").read_bytes()
            for point in range(options.points):
                number = (signal.SIGKILL, signal.SIGINT)[point % 2]
                moment = float(rng.uniform(0, duration))
                kept = _interrupt([*command, "--output", str(folder / "model.npz")], moment, number)
                subprocess.run(
                    [*command, "--output", str(folder / "model.npz"), "--resume"], check=True, capture_output=True
                )
                same = (folder / "model.npz").read_bytes() == whole
                (folder / "model.npz").unlink()
                different += not same
                print(
                    f"{recipe} {number.name} after {moment:.2f} of {duration:.2f} s, {kept}: "
                    f"{'identical' if same else 'DIFFERENT'}",
                    flush=True,
                )
    print(f"{different} of {len(SETTINGS) * options.points} resumed models differ")
    return int(different > 0)


def _interrupt(command: Sequence[str], moment: float, number: signal.Signals) -> str:
    """Run a command and send it a signal after `moment` seconds; says what it left."""
    output = Path(command[-1])
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            child.wait(moment)
        except subprocess.TimeoutExpired:
            child.send_signal(number)
    if output.exists():
        return "already finished"
    return "checkpoint" if output.with_name(f"{output.name}.checkpoint").exists() else "no checkpoint yet"


if __name__ == "__main__":
    sys.exit(main())
