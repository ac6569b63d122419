# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""trainer_node as a process: what it leaves on disk, its exit status, and what it answers meanwhile."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

pytest.importorskip("rclpy", reason="rclpy is not installed")
pytest.importorskip("rosbags", reason="rosbags is not installed")

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters

from obstacle_classifier.bags.example_bags import SENSORS, write_example_bags
from obstacle_classifier.model import Model
from obstacle_classifier.training.checkpoint import checkpoint_path
from test.helpers.ros import DEADLINE, NodeProcess, Watcher

TRAINER = "/obstacle_trainer"
FOR_EVER = 'set:=["epochs=100000000"]'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sensors file and three small labelled bags."""
    folder = tmp_path_factory.mktemp("trainer")
    (folder / "s.yaml").write_text(yaml.safe_dump(SENSORS, sort_keys=False), encoding="utf-8")
    write_example_bags(folder / "bags", count=3, seconds=10)
    return folder


def parameters(folder: Path, output: Path) -> list[str]:
    return [f"sensors:={folder / 's.yaml'}", f"bags:=[{folder / 'bags'}]", f"output:={output}"]


def workers(output: Path) -> list[int]:
    """Processes that train towards `output`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if str(output).encode() in command and (folder / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append(int(folder.name))
    return found


@contextmanager
def training(folder: Path, output: Path) -> Iterator[tuple[NodeProcess, Watcher]]:
    """A node whose training, which would take for ever, has begun to fit."""
    with NodeProcess("trainer_node", *parameters(folder, output), FOR_EVER) as node, Watcher() as watcher:
        watcher.wait("the bags to be read", lambda: "bags 3/3" in node.log)
        watcher.wait("diagnostics", lambda: watcher.values("training").get("state") == "running")
        yield node, watcher


def test_it_writes_a_model_and_ends_with_0(folder: Path, tmp_path: Path) -> None:
    output, config = tmp_path / "model.npz", tmp_path / "train.yaml"
    config.write_text("hidden: 12\nepochs: 9\n", encoding="utf-8")
    options = (f"config:={config}", 'set:=["epochs=3", "seed=7"]')
    with NodeProcess("trainer_node", *parameters(folder, output), *options) as node:
        assert node.wait() == 0
        assert f"wrote {output}" in node.log
    model = Model.load(output)
    assert model.labels == tuple(SENSORS["labels"])
    training = model.provenance.training
    assert (training["hidden"], training["epochs"], training["seed"]) == (12, 3, 7), "set wins over config"
    assert set(tmp_path.iterdir()) == {output, config}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (("output:=''",), "trainer_node: parameter 'output': found no value, expected one"),
        (("bags:=[/no/bags]",), "/no/bags: no such file or folder"),
        (("sensors:=/no/s.yaml",), "/no/s.yaml"),
        (("output:=/no/folder/model.npz",), "/no/folder/model.npz: folder /no/folder does not exist"),
        (("set:=[depth=3]",), "--set: unknown key 'depth'"),
        (("bags:=/one/bag",), "trainer_node: parameter 'bags': "),
        (("sensors:=7",), "trainer_node: parameter 'sensors': "),
        (("output:=",), "trainer_node: "),
    ],
)
def test_what_cannot_be_trained_ends_with_1_and_the_reason(
    folder: Path, tmp_path: Path, changes: tuple[str, ...], reason: str
) -> None:
    output = tmp_path / "model.npz"
    with NodeProcess("trainer_node", *parameters(folder, output), *changes) as node:
        assert node.wait() == 1
        assert reason in node.log.splitlines()[-1]
        assert "Traceback" not in node.log
    assert list(tmp_path.iterdir()) == []


def test_it_answers_while_it_trains(folder: Path, tmp_path: Path) -> None:
    """The training never ends, so a node held up by it would answer nothing."""
    with training(folder, tmp_path / "model.npz") as (node, watcher):
        elapsed: list[float] = []
        watcher.node.create_subscription(
            DiagnosticArray,
            "/diagnostics",
            lambda message: elapsed.append(float(message.status[0].values[1].value)),
            10,
        )
        request = GetParameters.Request(names=["output"])
        answers = 0
        end = time.monotonic() + 3 * DEADLINE
        while answers < 20 or len(elapsed) < 5:
            assert time.monotonic() < end, f"{answers} answers, {len(elapsed)} diagnostics"
            (value,) = watcher.call(GetParameters, f"{TRAINER}/get_parameters", request).values
            assert value.string_value == str(tmp_path / "model.npz")
            answers += 1
        assert elapsed == sorted(elapsed)
        # A late tick shortens the next period: five ticks of a second span 3 s at least, however busy the machine is.
        assert elapsed[-1] - elapsed[0] > len(elapsed) - 2.1, "diagnostics are due once a second"
        assert watcher.level("training") == b"\x00"
        assert len(workers(tmp_path / "model.npz")) == 1
        assert node.alive


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_it_and_leaves_the_old_model(folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "model.npz"
    output.write_bytes(b"the old model")
    with training(folder, output) as (node, _):
        (worker,) = Path(f"/proc/{node.pid}/task/{node.pid}/children").read_text().split()
        node.signal(number)
        assert node.wait() == 0
        assert not Path("/proc", worker).exists()
        assert "Traceback" not in node.log
    assert set(tmp_path.iterdir()) - {checkpoint_path(output)} == {output}, "and a checkpoint, after an epoch"
    assert output.read_bytes() == b"the old model"


@pytest.mark.parametrize("skip", [False, True])
def test_it_goes_on_without_bad_bags_on_request(folder: Path, tmp_path: Path, skip: bool) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    bad = sorted((tmp_path / "copy" / "bags").iterdir())[1]
    (bad / "labels.csv").unlink()
    output = tmp_path / "model.npz"
    options = (f"skip_bad_bags:={str(skip).lower()}", 'set:=["epochs=2", "hidden=8"]')
    with NodeProcess("trainer_node", *parameters(tmp_path / "copy", output), *options) as node:
        assert node.wait() == (0 if skip else 1)
        assert skip or f"1 of 3 bags cannot be used: {bad.name}" in node.log
    if skip:
        (left_out,) = Model.load(output).provenance.left_out
        assert left_out["name"] == bad.name
        assert left_out["problem"].startswith(f"{bad}: no labels")


def test_a_killed_node_leaves_no_training_behind(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.npz"
    with training(folder, output) as (node, watcher):
        assert len(workers(output)) == 1
        node.signal(signal.SIGKILL)
        watcher.wait("the worker's end", lambda: not workers(output))
