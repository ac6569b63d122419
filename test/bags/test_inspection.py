# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `inspect` on recordings."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags.inspection import format_survey, inspect_bags, sparkline
from obstacle_classifier.bags.survey import Periods, survey
from obstacle_classifier.cli import main
from obstacle_classifier.errors import BagError
from test.helpers.bags import FOREIGN, START, Message, cdr, string, truncate, write_bag
from test.helpers.messages import make_scan
from test.helpers.models import make_model

MS = 10**6
FLOAT, SCAN = "std_msgs/msg/Float32", "sensor_msgs/msg/LaserScan"


def messages() -> list[Message]:
    """Ten seconds: scans at 10 Hz, 30 ms after their stamp; a noise level at 2 Hz with a gap of 4 s; two others."""
    found: list[Message] = []
    for k in range(101):
        time = START + k * 100 * MS
        found.append(("/scan", SCAN, time, make_scan([2.0] * 9, stamp_ns=time - 30 * MS)))
        if k % 5 == 0 and not 20 < k < 60:
            found.append(("/noise", FLOAT, time, cdr(FLOAT, data=1.0)))
    found.append(("/thing", FOREIGN, START, b"\0\1\0\0\1"))
    found.append(("/said", "std_msgs/msg/String", START, string("a")))
    return sorted(found, key=lambda message: message[2])


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    labels = "start,end,label\n0,2,tree\n1,3,ignore\n4,5,dog\n4,5,tree\n"
    return write_bag(tmp_path / "run", messages(), labels=labels)


def test_rates_gaps_and_lags_are_those_of_the_messages(bag: Path) -> None:
    found = survey(bag)
    scan, noise = found.topics["/scan"], found.topics["/noise"]
    assert (scan.read, scan.rate, scan.longest_gap) == (101, 10.0, 100 * MS)
    assert scan.lags == (30 * MS, 30 * MS)
    assert scan.mean_lag == 30 * MS
    assert dict(scan.frames) == {"laser": 101}
    assert sum(scan.rates) == 101
    assert (noise.longest_gap, noise.gap_start) == (4000 * MS, START + 2000 * MS)
    assert noise.lags is None
    assert noise.periods.quantile(0.5) == pytest.approx(500 * MS, rel=0.06)
    assert found.labels == ("tree", "dog")
    assert {name: topic.use for name, topic in found.topics.items()} == {
        "/noise": "sensor",
        "/said": "labels",
        "/scan": "sensor",
        "/thing": "type not supported",
    }


def test_the_table_has_a_line_a_topic(bag: Path) -> None:
    lines = format_survey(survey(bag), bars=False).splitlines()
    assert lines[0] == str(bag)
    assert lines[1].startswith("  10.000 s from 2023-11-14T22:13:20.000+00:00")
    assert lines[2] == "  labels: tree, dog (labels.csv)"
    (scan,) = (line.split() for line in lines if line.startswith("  /scan"))
    assert scan == [
        "/scan",
        SCAN,
        *["101", "10", "Hz", "0.000", "s", "10.000", "s", "0.100", "s", "0.030", "s"],
        "sensor",
    ]


def test_bars_are_drawn_over_time(bag: Path) -> None:
    (line,) = (line for line in format_survey(survey(bag), bars=True).splitlines() if line.startswith("  /noise"))
    assert "   " in line.split("sensor")[1].strip(), "the gap"
    assert sparkline([0, 1, 4, 8]) == " ▂▅█"
    assert sparkline([0, 0]) == "  "


def test_json_holds_all_bags_and_those_that_cannot_be_read(bag: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = bag.with_name("broken.mcap")
    broken.write_bytes(b"x" * 100)
    assert main(["inspect", str(bag), str(broken), "--json"]) == 0
    by_name = {Path(each["path"]).name: each for each in json.loads(capsys.readouterr().out)}
    assert str(broken) in by_name["broken.mcap"]["error"]
    assert by_name["run"]["topics"]["/scan"]["lag_s"] == {"min": 0.03, "mean": 0.03, "max": 0.03}
    assert by_name["run"]["labels"] == ["tree", "dog"]


def test_damage_is_told(bag: Path) -> None:
    truncate(bag / "run.mcap", (bag / "run.mcap").stat().st_size - 30)
    text = format_survey(survey(bag), bars=False)
    assert f"problem: {bag / 'run.mcap'}: " in text


def test_without_a_readable_bag_it_fails(tmp_path: Path) -> None:
    (tmp_path / "a.mcap").write_bytes(b"x" * 100)
    with pytest.raises(BagError, match=r"a\.mcap"):
        inspect_bags([str(tmp_path / "a.mcap")], stream=io.StringIO())


@pytest.mark.parametrize("name", ["model.npz", "model", "model.bag"])
def test_a_model_is_told_from_a_bag_by_the_file(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = make_model()
    model.save(tmp_path / "model.npz")
    (tmp_path / "model.npz").rename(tmp_path / name)
    assert main(["inspect", str(tmp_path / name)]) == 0
    assert model.digest[:12] in capsys.readouterr().out


def test_a_model_among_bags_is_refused(bag: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(bag), "model.npz"]) == 1
    assert "found 2 paths, expected one model file or bags only" in capsys.readouterr().err


def test_quantiles_of_periods() -> None:
    periods = Periods()
    assert periods.quantile(0.5) is None
    for period in [0, *[100] * 8, 5000]:
        periods.add(period)
    assert periods.quantile(0.05) == 0
    assert periods.quantile(0.5) == pytest.approx(100, rel=0.06)
    assert periods.quantile(1.0) == pytest.approx(5000, rel=0.06)


def test_labels_of_a_recording_that_began_at_another_time_are_a_problem(tmp_path: Path) -> None:
    labels = f"start,end,label\n# origin: {START - 2_500_000_000}\n1,2,tree\n"
    path = write_bag(tmp_path / "run", messages(), labels=labels)
    problem = f"{path / 'labels.csv'}: written for a recording that began -2.500 s from this one"
    assert survey(path).problems == (problem,)
