# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The demo: simulate, train, evaluate, drive live over DDS and compare with offline, in a few minutes.

    make demo

Simulated drives are recorded as bags, and a model is trained on them. Then `simulator_node` drives through a street
that training has not seen, `classifier_node` classifies the obstacles ahead, `live_view` shows its outputs, and a
summary gives the scores.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from obstacle_classifier.command import run_command
from obstacle_classifier.errors import ObstacleClassifierError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from obstacle_classifier.model import Model
    from obstacle_classifier.training import Training

    Table = dict[int, NDArray[np.float32]]

__all__ = ["main"]

SENSORS = Path(__file__).parents[1] / "config" / "sensors" / "sidewalk.yaml"
TRAINING_SEED = 1001  # of the first training bag; the next bags have the next seeds
HELD_OUT_SEED, LIVE_SEED = 2001, 3002  # every label occurs on these streets
PARALLEL_PROCESSES = 2  # that simulate, and that read bags
DOMAINS = range(87, 60, -1)  # DDS domains: the demo takes the first free one
START_TIMEOUT = 60.0  # s until the classifier serves its model, and until the drive begins
END_TIMEOUT = 20.0  # s between the end of the drive and the end of the live view
OUTPUTS = ("/obstacle_classifier/probabilities", "/obstacle_classifier/obstacles")
FRAMES = 150  # largest number of frames of the GIF

# Before NumPy loads: for such small products, threads only cost time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit status."""
    parser = argparse.ArgumentParser(prog="demo", description="Simulate, train, evaluate and drive live.")
    parser.add_argument("--output", type=Path, default=Path("out/demo"), help="folder for all results")
    parser.add_argument("--seconds", type=float, default=60.0, help="duration of the live drive")
    parser.add_argument("--bags", type=int, default=16, help="number of drives to train on")
    parser.add_argument("--bag-seconds", type=float, default=120.0, help="duration of each of these drives")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a training option; repeatable")
    options = parser.parse_args(arguments)
    if options.bags < 1 or options.seconds <= 0 or options.bag_seconds <= 0:
        parser.error("--bags, --seconds and --bag-seconds must be above 0")

    def work() -> None:
        with _ChildProcesses() as children:
            _Demo(children, options).run()

    return run_command("demo", work)


class _ChildProcesses:
    """Child processes, which end with the demo."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> _ChildProcesses:
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second signal must not leave a process behind
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.end(*self._processes)

    def start(self, module: str, *arguments: object, log: IO[bytes] | None = None, **more: Any) -> Any:
        """Start `python -m obstacle_classifier.<module>`; stdout and stderr go to `log` if given."""
        command = [sys.executable, "-m", f"obstacle_classifier.{module}", *map(str, arguments)]
        streams: Any = {} if log is None else {"stdout": log, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(command, **streams, **more)
        self._processes.append(process)
        return process

    def end(self, *processes: subprocess.Popen[bytes]) -> None:
        """Interrupt processes, and kill those that do not end within 10 s."""
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()


class _Demo:
    def __init__(self, children: _ChildProcesses, options: argparse.Namespace) -> None:
        self._children = children
        self._options = options
        self._folder: Path = options.output
        self._times: list[tuple[str, float]] = []
        self._model = self._folder / "model.npz"
        self._logs: Path = self._folder / "logs"

    def run(self) -> None:
        from obstacle_classifier.training import format_scores

        start = time.monotonic()
        bags = self._folder / "bags"
        for folder in (bags, self._logs):
            folder.mkdir(parents=True, exist_ok=True)
        count, seconds = self._options.bags, self._options.bag_seconds
        training = {bags / f"street_{TRAINING_SEED + n}": (TRAINING_SEED + n, seconds) for n in range(count)}
        held_out, drive = bags / f"street_{HELD_OUT_SEED}", bags / f"street_{LIVE_SEED}"
        wanted = {**training, held_out: (HELD_OUT_SEED, seconds), drive: (LIVE_SEED, self._options.seconds)}
        with self._step(f"simulate {count} drives of {seconds:g} s to train on, one to score on, the live one"):
            self._simulate(wanted)
        with self._step(f"train on {count} drives"):
            trained = self._train(list(training))
        with self._step(f"evaluate on {held_out.name}, a street that training has not seen"):
            scores = self._evaluate(held_out)
        with self._step(f"drive live for {self._options.seconds:g} s, over DDS, through another such street"):
            live = self._drive(trained.model.sensors.topics)
        with self._step("compare with the same drive offline, and write the report"):
            offline = self._predict(drive)
            report = self._report(trained, live)
        print(f"\n== Scores on {held_out.name}, {self._options.bag_seconds:g} s\n\n{format_scores(scores)}\n")
        print(in_words(scores, trained.model.metrics))
        print("\n== The live drive: average precision live beside offline\n")
        print(_compare(trained.model, drive, live, offline))
        print(f"\n{self._latency()}")
        print(f"\nreport: {report}\nmodel:  {self._model}\nbags:   {bags}\nlogs:   {self._logs}")
        steps = ", ".join(f"{name} {duration:.0f}" for name, duration in self._times)
        print(f"time:   {time.monotonic() - start:.0f} s ({steps})")

    @contextlib.contextmanager
    def _step(self, title: str) -> Iterator[None]:
        print(f"\n{len(self._times) + 1}. {title[0].upper()}{title[1:]}", flush=True)
        start = time.monotonic()
        yield
        self._times.append((title.split(maxsplit=1)[0].rstrip(","), time.monotonic() - start))

    def _simulate(self, wanted: Mapping[Path, tuple[int, float]]) -> None:
        from obstacle_classifier.progress import TextProgress

        waiting, running = list(wanted.items()), dict[Path, subprocess.Popen[bytes]]()
        with TextProgress().stage("drives", len(wanted)) as stage:
            while waiting or running:
                while waiting and len(running) < PARALLEL_PROCESSES:
                    path, (seed, seconds) = waiting.pop(0)
                    if (path / "metadata.yaml").is_file():  # a bag of an earlier demo
                        shutil.rmtree(path)
                    with self._log(path.name).open("wb") as log:
                        arguments = ("simulate", "--output", path, "--duration", seconds, "--seed", seed)
                        running[path] = self._children.start("cli", *arguments, log=log)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    next(iter(running.values())).wait(0.1)
                for path in [path for path, process in running.items() if process.poll() is not None]:
                    self._check(running.pop(path), path.name)
                    stage.advance(path.name)

    def _train(self, bags: Sequence[Path]) -> Training:
        from obstacle_classifier.features import load_sensors
        from obstacle_classifier.progress import TextProgress
        from obstacle_classifier.training import load_train_config, train
        from obstacle_classifier.training.backends import make_backend

        settings, backend = load_train_config(None, self._options.set), make_backend(PARALLEL_PROCESSES)
        trained = train(load_sensors(SENSORS), bags, settings, TextProgress(), backend)
        trained.model.save(self._model)
        return trained

    def _evaluate(self, bag: Path) -> dict[str, Any]:
        from obstacle_classifier.model import Model
        from obstacle_classifier.progress import TextProgress
        from obstacle_classifier.training import evaluate

        scores = evaluate(Model.load(self._model), [bag], TextProgress())
        return scores | {"warnings": []}  # each label occurs in one bag only, because there is one

    def _drive(self, topics: Iterable[str]) -> Table:
        """Probabilities of a live drive, with classifier, simulator and live view as processes."""
        environment = {
            **os.environ,
            "ROS_DOMAIN_ID": str(_free_domain()),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        table = self._folder / "live.csv"

        def start(name: str, *parameters: str) -> Any:
            flags = [part for parameter in parameters for part in ("-p", parameter)]
            with self._log(name).open("wb") as log:
                return self._children.start(f"nodes.{name}", "--ros-args", *flags, log=log, env=environment)

        classifier = start("classifier_node", f"model_path:={self._model.absolute()}", "use_sim_time:=true")
        view = self._children.start(
            "tools.live_view", "--output", table, "--diagnostics", self._folder / "live.json", env=environment
        )
        self._await_line(classifier, "classifier_node", b"serving")
        simulator = start(
            "simulator_node",
            f"seed:={LIVE_SEED}",
            f"duration:={self._options.seconds:f}",
            "publish_clock:=true",
            f"wait_for:={' '.join([*topics, *OUTPUTS])}",
        )
        self._await_line(simulator, "simulator_node", b"the drive begins")
        ended = math.inf
        while view.poll() is None:
            self._check_runs(classifier, "classifier_node")
            if ended == math.inf and simulator.poll() is not None:
                self._check(simulator, "simulator_node")
                ended = time.monotonic()
            if time.monotonic() - ended > END_TIMEOUT:
                raise ObstacleClassifierError("live_view did not end with the drive")
            with contextlib.suppress(subprocess.TimeoutExpired):
                view.wait(0.2)
        if view.returncode:
            raise ObstacleClassifierError(f"live_view ended with status {view.returncode}")
        self._children.end(simulator, classifier)
        return _read_table(table)

    def _await_line(self, process: subprocess.Popen[bytes], name: str, line: bytes) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while line not in self._log(name).read_bytes():
            self._check_runs(process, name)
            if time.monotonic() > deadline:
                raise ObstacleClassifierError(f"{name} did not log {line.decode()!r} within {START_TIMEOUT:.0f} s")
            time.sleep(0.05)

    def _predict(self, bag: Path) -> Table:
        table = self._folder / "offline.csv"
        with self._log("predict").open("wb") as log:
            arguments = ("predict", "--model", self._model, "--bag", bag, "--output", table)
            process = self._children.start("cli", *arguments, log=log)
        process.wait()
        self._check(process, "predict")
        return _read_table(table)

    def _report(self, trained: Training, live: Table) -> Path:
        from obstacle_classifier.simulation import Scenario, snapshots
        from obstacle_classifier.simulation.picture import write_gif
        from obstacle_classifier.training.report import write_report

        labels, ends = trained.model.labels, sorted(live)
        interval = trained.model.sensors.interval

        def probabilities(now: int) -> Mapping[str, float]:
            """The newest probabilities; empty if they are older than two intervals."""
            index = bisect_right(ends, now) - 1
            if index < 0 or now - ends[index] > 2 * interval:
                return {}
            return dict(zip(labels, map(float, live[ends[index]]), strict=True))

        seconds = self._options.seconds
        period = max(0.2, seconds / FRAMES)
        gif = self._folder / "live.gif"
        write_gif(snapshots(Scenario(duration=seconds, seed=LIVE_SEED), period), gif, probabilities)
        caption = f"The live drive at {period / 0.2:.3g} times its speed"
        return write_report(self._folder / "report", trained, [(caption, gif)])

    def _latency(self) -> str:
        document = json.loads((self._folder / "live.json").read_text(encoding="utf-8"))
        values = document.get("output", {}).get("values", {})
        health = {name: values.get(f"latency {name} [ms]", "-") for name in ("p50", "p99", "max")}
        rows = {
            "on the node's clock, which changes only with each /clock message": health,
            "in real time, from /clock to the output, DDS included": document["delay [ms]"],
        }
        lines = [f"  {name}: {', '.join(f'{k} {v}' for k, v in row.items()) or '-'}" for name, row in rows.items()]
        return "\n".join(["latency from the end of an interval to its output, in ms", *lines])

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _check(self, process: subprocess.Popen[bytes], name: str) -> None:
        if process.returncode:
            *_, last = ["no message", *self._log(name).read_text(encoding="utf-8", errors="replace").split("\n")[:-1]]
            raise ObstacleClassifierError(f"{name} ended with status {process.returncode}: {last}")

    def _check_runs(self, process: subprocess.Popen[bytes], name: str) -> None:
        if process.poll() is not None:
            self._check(process, name)
            raise ObstacleClassifierError(f"{name} ended before the drive")


def _free_domain() -> int:
    """A DDS domain without participants on this host: the demo must not meet a robot or another demo."""
    for domain in DOMAINS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("", 7410 + 250 * domain))  # port of the first participant of a domain
            except OSError:
                continue
            return domain
    raise ObstacleClassifierError(f"no DDS domain of {DOMAINS[-1]} to {DOMAINS[0]} is free")


def in_words(scores: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    """The main scores in sentences.

    Args:
        scores: Result of `training.evaluate`.
        training: Scores that training stored in the model; may be empty.
    """
    rows, macro = scores["labels"].values(), scores["macro"]
    known = [row for row in rows if row["support"]]
    if not known:
        return "No label occurs on this drive: there is nothing to score."
    guessing = sum(row["prevalence"] for row in known) / len(known)
    events = sum(row["events"] for row in known)
    detected = round(sum(row["events"] * row["detected"] for row in known))
    alarms = sum(row["false_alarms_per_hour"] or 0.0 for row in rows) / 60
    lines = [
        f"Macro average precision is {macro['average_precision']:.2f}. Guessing would score {guessing:.2f}, "
        "a perfect model 1.",
        f"The model noticed {detected} of {events} appearances of an obstacle, with {alarms:.1f} false alarms "
        "a minute.",
        f"Its probabilities are off by {100 * macro['ece']:.0f} percentage points on average.",
    ]
    promised = training.get("macro", {}).get("average_precision")
    if promised is not None:
        lines.insert(1, f"Training expected {promised:.2f}, from its {training['judged']}.")
    return "\n".join(lines)


def _compare(model: Model, bag_path: Path, live: Table, offline: Table) -> str:
    import numpy as np

    from obstacle_classifier.bags import Bag, load_labels
    from obstacle_classifier.training.metrics import average_precision

    with Bag(bag_path) as bag:
        track = load_labels(bag, model.labels, model.sensors.label_topic)
        truth = {end: track.at(end) for end in offline}
    common = [
        end
        for end, present in truth.items()
        if present is not None and end in live and not np.isnan(live[end]).any() and not np.isnan(offline[end]).any()
    ]
    if not common:
        raise ObstacleClassifierError(f"{bag_path}: the node published no interval that is known and labelled")
    Y = np.array([[label in (truth[end] or ()) for label in model.labels] for end in common], float)
    P_live, P_offline = (np.array([source[end] for end in common], float) for source in (live, offline))
    width = max(map(len, model.labels))
    lines = [f"{'label':<{width}}  {'live':>6}  {'offline':>7}  {'prevalence':>10}"]
    for index, label in enumerate(model.labels):
        y = Y[:, index]
        # Average precision is not defined without positives.
        scores = [f"{average_precision(y, P[:, index]):.3f}" if y.any() else "-" for P in (P_live, P_offline)]
        lines.append(f"{label:<{width}}  {scores[0]:>6}  {scores[1]:>7}  {y.mean():>10.3f}")
    p50, p99 = np.percentile(np.abs(P_live - P_offline).max(axis=1), [50, 99])
    lines += [
        "",
        f"{len(live.keys() & offline)} of {len(offline)} intervals were published live. On the {len(common)} known and",
        f"labelled ones, live and offline differ by {p50:.0e} (p50) and {p99:.0e} (p99), because DDS does not order",
        "/clock and sensor messages. In lockstep (`make parity`) every bit is equal.",
    ]
    return "\n".join(lines)


def _read_table(path: Path) -> Table:
    import numpy as np

    with path.open(newline="", encoding="utf-8") as stream:
        _, *rows = csv.reader(stream)
    return {int(row[0]): np.array(row[1:], np.float32) for row in rows}


if __name__ == "__main__":
    sys.exit(main())
