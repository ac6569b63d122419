# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command line as processes: files, messages and exit statuses."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags.example_bags import SENSORS, write_example_bags
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.model import Model
from test.helpers.bags import START, cdr, write_bag
from test.helpers.models import make_model

pytestmark = pytest.mark.runtime


def run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "obstacle_classifier.cli", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sensors file, five small labelled bags and a model trained on them."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "s.yaml").write_text(yaml.safe_dump(SENSORS, sort_keys=False))
    write_example_bags(folder / "bags", count=5, seconds=20)
    (folder / "empty").mkdir()
    run("train", "--sensors", folder / "s.yaml", "--bags", folder / "bags", "--output", folder / "model.npz")
    return folder


def test_train_writes_a_model_that_knows_the_labels(folder: Path) -> None:
    model = Model.load(folder / "model.npz")
    assert model.labels == ("pedestrian", "bicycle")
    assert {bag["part"] for bag in model.bags} == {"train"}
    assert model.metrics["labels"]["pedestrian"]["average_precision"] > 0.8, "a near cluster of beams is easy"


def test_train_says_plain_lines_where_there_is_no_terminal(folder: Path, tmp_path: Path) -> None:
    arguments = ("--sensors", folder / "s.yaml", "--bags", folder / "bags", "--output", tmp_path / "m.npz")
    result = run("train", *arguments, "--set", "epochs=2", "--set", "least_steps=0")
    assert "bags 5/5: street_4" in result.stderr
    assert re.search(r"^epochs 2/2: loss \d", result.stderr, re.MULTILINE)
    assert "\r" not in result.stderr
    assert result.stdout.endswith(f"wrote {tmp_path / 'm.npz'}\n")


def test_train_writes_a_report_with_a_learning_curve_on_request(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the report's plots need matplotlib")
    quick = ("--set", "epochs=1", "--set", "least_steps=0", "--set", "hidden=4", "--set", "members=2")
    plain = ("train", "--sensors", folder / "s.yaml", "--output", tmp_path / "m.npz", *quick, "--learning-curve")
    refused = run(*plain, "--bags", folder / "bags", status=1)
    assert "--learning-curve: found no --report" in refused.stderr
    assert not (tmp_path / "m.npz").exists(), "refused before the work"
    done = run(*plain, "--bags", folder / "bags", "--report", tmp_path / "report")
    assert "learning curve 12/12: shuffled intervals, macro AP 0." in done.stderr
    assert "What more bags would give" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    bag = folder / "bags" / "street_0"
    few = run(*plain, "--bags", bag, "--report", tmp_path / "few")
    assert "warning: a learning curve needs three usable bags, so the report shows none" in few.stderr
    assert "What more bags would give" not in (tmp_path / "few" / "report.html").read_text(encoding="utf-8")


def test_evaluate_prints_a_table_and_writes_the_same_as_json(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "metrics.json"
    result = run("evaluate", "--model", folder / "model.npz", "--bags", folder / "bags", "--output", output)
    metrics = json.loads(output.read_text())
    shown = f"{metrics['labels']['bicycle']['average_precision']:.3f}"
    assert re.search(rf"^bicycle +{shown}", result.stdout, re.MULTILINE)
    assert result.stderr.count("the model was trained on this bag") == 5, "all are trained on"


def test_predict_and_features_cover_the_same_intervals(folder: Path, tmp_path: Path) -> None:
    bag = folder / "bags" / "street_0"
    run("predict", "--model", folder / "model.npz", "--bag", bag, "--output", tmp_path / "p.csv")
    run("features", "--sensors", folder / "s.yaml", "--bags", bag, "--output", tmp_path / "f.npz")
    with (tmp_path / "p.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["time_ns", "pedestrian", "bicycle"]
    with np.load(tmp_path / "f.npz") as arrays:
        assert set(arrays) == {"X", "Y", "time_ns", "bag", "columns", "labels"}
        assert [int(row[0]) for row in rows] == arrays["time_ns"].tolist()
        assert arrays["X"].shape == (len(rows), len(arrays["columns"]))
        assert arrays["Y"].shape == (len(rows), 2)
        assert set(arrays["bag"].tolist()) == {"street_0"}
        assert arrays["labels"].tolist() == ["pedestrian", "bicycle"]
        predictor = Model.load(folder / "model.npz").predictor()
        offline = np.array([predictor.probabilities(x) for x in arrays["X"]])
    np.testing.assert_array_equal(offline, np.array([row[1:] for row in rows], np.float32))


def test_predict_writes_the_spread_of_the_members_on_request(folder: Path, tmp_path: Path) -> None:
    bag = folder / "bags" / "street_0"
    plain = ("predict", "--model", folder / "model.npz", "--bag", bag, "--output")
    run(*plain, tmp_path / "plain.csv")
    run(*plain, tmp_path / "doubt.csv", "--spread")
    lines = [(tmp_path / name).read_text().splitlines() for name in ("plain.csv", "doubt.csv")]
    assert lines[1][0] == "time_ns,pedestrian,bicycle,pedestrian_spread,bicycle_spread"
    assert [line.rsplit(",", 2)[0] for line in lines[1]] == lines[0]
    spread = np.array([line.split(",")[3:] for line in lines[1][1:]], np.float32)
    assert 0 < np.nanmax(spread) < 0.5, "a standard deviation of probabilities"


def test_a_model_without_members_has_no_spread(folder: Path, tmp_path: Path) -> None:
    make_model(parse_sensors(SENSORS, "test")).save(tmp_path / "model.npz")
    arguments = ("--model", tmp_path / "model.npz", "--bag", folder / "bags" / "street_0", "--spread")
    refused = run("predict", *arguments, "--output", tmp_path / "p.csv", status=1)
    assert f"{tmp_path}/model.npz: --spread needs a model with several members" in refused.stderr
    assert not (tmp_path / "p.csv").exists()


def test_inspect_and_flops_print_what_they_are_asked(folder: Path) -> None:
    shown = run("inspect", folder / "model.npz").stdout
    assert Model.load(folder / "model.npz").digest[:12] in shown
    assert "/noise_level" in shown
    shown = run("flops", 64, 128, 10).stdout
    assert "2.68" in shown
    assert re.search(r"^.*\d ms: ratio \d", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--model", "{0}/absent.npz", "--bags", "{0}/bags"], "{0}/absent.npz: cannot be read: "),
        (["predict", "--model", "{0}/s.yaml", "--bag", "{0}/bags/street_0", "--output", "{1}/p.csv"], "{0}/s.yaml: "),
        (
            ["predict", "--model", "{0}/model.npz", "--bag", "{0}/bags", "--output", "{1}/p.csv"],
            "--bag: found 5 bags in {0}/bags, expected one",
        ),
        (["features", "--sensors", "{0}/s.yaml", "--bags", "{0}/no*", "--output", "{1}/f.npz"], "{0}/no*: "),
        (["features", "--sensors", "{0}/s.yaml", "--bags", "{0}/empty", "--output", "{1}/f.npz"], "{0}/empty: "),
        (
            ["features", "--sensors", "{0}/s.yaml", "--bags", "{0}/bags", "--output", "{1}/absent/f.npz"],
            "{1}/absent/f.npz: folder {1}/absent does not exist",
        ),
        (
            ["features", "--sensors", "{0}/s.yaml", "--bags", "{0}/bags", "--output", "{1}"],
            "{1}: found a folder, expected a file to write",
        ),
        (
            ["train", "--sensors", "{0}/s.yaml", "--bags", "{0}/bags", "--output", "{1}/m.npz", "--set", "epochs"],
            "--set: found 'epochs', expected key=value",
        ),
        (
            ["train", "--sensors", "{0}/s.yaml", "--bags", "{0}/bags", "--output", "{1}/m.npz", "--set", "epochs=0"],
            "--set: key 'epochs': found 0, expected at least 1",
        ),
        (
            ["train", "--sensors", "{0}/none.yaml", "--bags", "{0}/bags", "--output", "{1}/m.npz"],
            "{0}/none.yaml: cannot be read: No such file or directory",
        ),
    ],
)
def test_a_problem_with_the_data_is_one_line_and_status_1(
    folder: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = run(*(argument.format(folder, tmp_path) for argument in arguments), status=1)
    assert result.stderr.splitlines()[-1].startswith(f"obstacle_classifier: {message.format(folder, tmp_path)}")
    assert list(tmp_path.iterdir()) == [], "nothing half-written is left"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "argument COMMAND: invalid choice: 'fly'"),
        (["train", "--sensors", "s.yaml"], "the following arguments are required: --bags, --output"),
        (["flops", "0", "1", "1"], "argument D: found '0', expected a whole number of at least 1"),
        (["flops", "1", "x", "1"], "argument H: found 'x', expected a whole number of at least 1"),
        (["inspect"], "the following arguments are required: MODEL.npz|BAG"),
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], message: str) -> None:
    assert message in run(*arguments, status=2).stderr


def test_a_bag_without_labels_is_refused_by_train_and_named(folder: Path, tmp_path: Path) -> None:
    (bag,) = write_example_bags(tmp_path, count=1, seconds=3)
    (bag / "labels.csv").unlink()
    result = run("train", "--sensors", folder / "s.yaml", "--bags", bag, "--output", tmp_path / "m.npz", status=1)
    assert result.stderr.splitlines()[-1].startswith(f"obstacle_classifier: {bag}: ")
    run("features", "--sensors", folder / "s.yaml", "--bags", bag, "--output", tmp_path / "f.npz")
    with np.load(tmp_path / "f.npz") as arrays:
        assert np.isnan(arrays["Y"]).all()
        assert len(arrays["Y"]) > 20


def test_a_missing_package_is_named_in_one_line(folder: Path, tmp_path: Path) -> None:
    """As on a robot, which has no rosbags."""
    blocked = tmp_path / "sitecustomize.py"
    blocked.write_text("import sys\nsys.modules['rosbags'] = None\nsys.modules['lz4'] = None\n")
    command = [sys.executable, "-m", "obstacle_classifier.cli", "evaluate"]
    arguments = ["--model", str(folder / "model.npz"), "--bags", str(folder / "bags")]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 1
    assert re.fullmatch(r"obstacle_classifier: this command needs the Python package '\w+.*\n", result.stderr)


def test_a_report_is_written_beside_the_model(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the report's plots need matplotlib")
    arguments = ("--sensors", folder / "s.yaml", "--bags", folder / "bags", "--output", tmp_path / "m.npz")
    result = run("train", *arguments, "--set", "epochs=3", "--report", tmp_path / "report")
    assert f"report: {tmp_path / 'report' / 'report.html'}" in result.stdout
    assert Model.load(tmp_path / "m.npz").digest[:12] in (tmp_path / "report" / "report.html").read_text()
    run("train", *arguments, "--report", folder / "s.yaml", status=1)


def test_simulate_writes_a_bag_that_can_be_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("mujoco", reason="the simulation needs mujoco")
    run("simulate", "--output", tmp_path / "drive", "--duration", 3, "--seed", 5)
    assert (tmp_path / "drive" / "labels.csv").read_text().startswith("start,end,label\n")
    again = run("simulate", "--output", tmp_path / "drive", "--duration", 3, status=1)
    assert "exists already" in again.stderr


def test_features_and_predict_of_no_interval_fail_with_the_reason(folder: Path, tmp_path: Path) -> None:
    message = cdr("std_msgs/msg/Float32", data=1.0)
    bag = write_bag(tmp_path / "short", [("/noise_level", "std_msgs/msg/Float32", START, message)])
    both = (
        run("features", "--sensors", folder / "s.yaml", "--bags", bag, "--output", tmp_path / "f.npz", status=1),
        run("predict", "--model", folder / "model.npz", "--bag", bag, "--output", tmp_path / "p.csv", status=1),
    )
    for result in both:
        last = result.stderr.splitlines()[-1]
        assert last.startswith("obstacle_classifier: sensor scan is required, and none of 1 bags has its topic /scan")
    optional = {**SENSORS, "sensors": {"noise": SENSORS["sensors"]["noise"]}}
    (tmp_path / "n.yaml").write_text(yaml.safe_dump(optional))
    result = run("features", "--sensors", tmp_path / "n.yaml", "--bags", bag, "--output", tmp_path / "f.npz", status=1)
    expected = f"{bag}: found no interval of 0.1 s with a message before its end, expected some"
    assert result.stderr.splitlines()[-1] == f"obstacle_classifier: {expected}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n.yaml", "short"]


def test_a_sensor_without_a_number_is_named(folder: Path, tmp_path: Path) -> None:
    noise = "std_msgs/msg/Float32"
    messages = [("/noise_level", noise, START + k * 10**8, cdr(noise, data=1.0)) for k in range(20)]
    messages.append(("/scan", "sensor_msgs/msg/LaserScan", START + 10**8, b"\0\1\0\0"))
    bag = write_bag(tmp_path / "bag", messages)
    scan = "topic /scan (sensor scan): none of its 1 messages can be decoded"
    result = run("features", "--sensors", folder / "s.yaml", "--bags", bag, "--output", tmp_path / "f.npz")
    assert f"warning: {bag}: {scan}" in result.stderr
    assert "warning: sensor scan (topic /scan): no number in any interval" in result.stderr
    result = run("predict", "--model", folder / "model.npz", "--bag", bag, "--output", tmp_path / "p.csv")
    assert f"warning: {bag}: {scan}" in result.stderr
    assert re.search(
        r"warning: all \d+ intervals are unknown, without a message in time of: scan \(topic /scan\)", result.stderr
    )


def test_a_problem_of_many_bags_is_told_before_they_are_read(folder: Path, tmp_path: Path) -> None:
    sensors = {
        **SENSORS,
        "sensors": {**SENSORS["sensors"], "light": {"type": "std_msgs/msg/Float32", "topic": "/level"}},
    }
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(sensors))
    arguments = ("--sensors", tmp_path / "s.yaml", "--bags", folder / "bags", "--output", tmp_path / "f.npz")
    lines = run("features", *arguments).stderr.splitlines()
    names = ", ".join(f"street_{number}" for number in range(5))
    assert lines[0] == f"warning: sensor light: no topic /level in 5 of 5 bags ({names}); nearest there: /noise_level"
    assert lines[1].startswith("bags 1/5")


def test_a_subset_of_the_labels_is_trained_and_scored_without_editing_label_files(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.npz"
    arguments = ("--sensors", folder / "s.yaml", "--bags", folder / "bags", "--output", output, "--labels", "bicycle")
    run("train", *arguments, "--set", "epochs=2")
    assert Model.load(output).labels == ("bicycle",)
    run("evaluate", "--model", output, "--bags", folder / "bags")
    features = ("--sensors", folder / "s.yaml", "--bags", folder / "bags", "--labels", "bicycle")
    ignored = []
    for choice in ("absent", "ignore"):
        run("features", *features, "--other-labels", choice, "--output", tmp_path / "f.npz")
        with np.load(tmp_path / "f.npz") as arrays:
            ignored.append(np.isnan(arrays["Y"]).sum())
    assert ignored[0] < ignored[1], "time with pedestrians is ignored on request"
    alone = run("features", *features[:-2], "--other-labels", "ignore", "--output", tmp_path / "f.npz", status=1)
    assert alone.stderr == "obstacle_classifier: --other-labels: found no --labels, expected the labels to use\n"
    refused = run("train", *arguments[:-1], "bicycle,not a label", status=1)
    assert refused.stderr.startswith("obstacle_classifier: --labels: key 'labels[1]': found 'not a label'")
