# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The table of `make bench`, its rows and its page. The peers are not needed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.bench import __main__ as bench
from benchmarks.bench.interleave import medians
from benchmarks.bench.page import profiles
from benchmarks.bench.row import Curve, Figure, Result, Row
from benchmarks.bench.rows import ROWS, select
from benchmarks.bench.table import markdown, terminal

RESULTS = {
    "training": Result(
        [Figure("PyTorch", 1.0, 4.0, "s", 0.35), Figure("products", 3.0, 2.0, "s", 1.25)], profile="dot"
    ),
    "latency": Result([Figure("", 2.5, None, "ms", 3.0), Figure("rclpy", 2.5, 5.0, "ms")]),
}


def test_a_target_is_a_ratio_to_the_peer_or_a_limit_without_one() -> None:
    assert [figure.met for result in RESULTS.values() for figure in result.figures] == [True, False, True, None]
    assert [line.split()[-1] for line in terminal(RESULTS).splitlines()] == ["met", "yes", "NO", "yes", "0.50"]
    assert "| latency | 2.5 ms |  |  |  | 3 ms | yes |" in markdown(RESULTS)


def test_only_missed_targets_get_a_profile() -> None:
    text = profiles(RESULTS)
    assert "1.50 of products, at most 1.25" in text
    assert "dot" in text
    assert "latency" not in text


def test_a_result_survives_json() -> None:
    result = Result([Figure("a", 1.0, None, "us", 2.0)], [Curve("t", "members", "us", [1, 2], {"ours": [3, 4]})], "p")
    assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_every_row_has_a_module_and_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert [row.module for row in ROWS if find_spec(f"benchmarks.bench.{row.module}") is None] == []


def test_rows_are_selected_by_parts_of_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert select(["inference"]) == [row for row in ROWS if "inference" in row.name]
    with pytest.raises(SystemExit):
        bench.main(["--rows", "nothing"])
    assert "--rows: found 'nothing', expected a part of: inference" in capsys.readouterr().err


def test_a_row_that_cannot_be_measured_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"absent: found no nowhere/bin/python; `make bench` installs it"):
        bench.measure(Row("absent", "absent", environment="nowhere"))
    with pytest.raises(RuntimeError, match="not enough values to unpack"):
        bench.measure(Row("absent", "absent"))


def test_the_json_has_the_machine_and_the_ratios(tmp_path: Path) -> None:
    bench.write_json(RESULTS, tmp_path / "out" / "bench.json")
    document = json.loads((tmp_path / "out" / "bench.json").read_text(encoding="utf-8"))
    assert document["rows"]["training"]["figures"][1]["ratio"] == 1.5
    assert "CPUs of" in document["machine"]


def test_a_slower_function_has_a_larger_median() -> None:
    found = medians({"short": lambda: sum(range(100)), "long": lambda: sum(range(3000))}, seconds=0.2, run=1e-3)
    assert found["long"] > 5 * found["short"] > 0
