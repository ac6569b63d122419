# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""`make evaluate`: its folds, figures and verdict."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is what the recipes are compared with")

from benchmarks.evaluate.candidates import candidates
from benchmarks.evaluate.data_sets import DataSet
from benchmarks.evaluate.methods import METHODS, Answer
from benchmarks.evaluate.results import Result, Spread, calibration_errors, macro_average_precision, measure, paired
from benchmarks.evaluate.tables import TOLERANCE, table, verdict
from benchmarks.sections import ROOT
from obstacle_classifier.training.dataset import Dataset
from test.helpers.training import SENSORS, make_dataset

BAGS = DataSet("bags", SENSORS, make_dataset(bags=9, rows=20))
HELD_OUT = replace(BAGS, held_out=make_dataset(bags=2, rows=20, seed=1))


def names(data: Dataset) -> set[str]:
    return set(data.names)


def result(score: float, seconds: float = 1.0, left_out: float | None = None) -> Result:
    p = np.full((2, 1), 0.5)
    return Result(0, np.array([[0.0], [1.0]]), Answer(p, None if left_out is None else p, left_out), score, seconds)


def test_each_bag_is_scored_in_one_fold_and_never_in_its_own_training_bags() -> None:
    parts = list(BAGS.parts(seed=3))
    assert len(parts) == 3
    assert sorted(name for part in parts for name in part.test.names) == sorted(BAGS.data.names)
    for part in parts:
        assert part.seed == 3
        assert names(part.train) | names(part.test) == names(BAGS.data)
        assert not names(part.train) & names(part.test)


def test_inner_parts_never_hold_a_test_bag() -> None:
    for part, inner in zip(BAGS.parts(0), BAGS.inner_parts(0), strict=True):
        assert names(inner.train) | names(inner.test) == names(part.train)
        assert not names(inner.train) & names(inner.test)


def test_held_out_bags_are_scored_once_and_not_used_for_tuning() -> None:
    (part,) = HELD_OUT.parts(0)
    assert (part.train, part.test) == (HELD_OUT.data, HELD_OUT.held_out)
    assert sorted(name for inner in HELD_OUT.inner_parts(0) for name in inner.test.names) == sorted(BAGS.data.names)


def test_macro_average_precision_leaves_out_labels_without_positives() -> None:
    Y, P = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.2, 0.5], [0.8, 0.5]])
    assert macro_average_precision(Y, P) == 0.5


def test_calibration_errors_pool_the_folds_of_a_seed() -> None:
    """Alone, each fold is wrong by 0.5; together they are right. Raw answers of 0.9 are wrong by 0.4."""
    half, most = np.full((2, 1), 0.5), np.full((2, 1), 0.9)
    folds = [Result(0, np.full((2, 1), y), Answer(half, most), 0.0, 0.0) for y in (0.0, 1.0)]
    np.testing.assert_allclose(np.array(calibration_errors(folds), float), (0.0, 0.4))
    assert calibration_errors([replace(folds[1], answer=Answer(half))]) == (0.5, None)


def test_calibration_errors_are_means_over_the_seeds() -> None:
    """Found 0.6 where all are present, and 0.6 where half are."""
    P = np.full((2, 1), 0.6)
    results = [Result(seed, np.array([[y], [1.0]]), Answer(P, P), 0.0, 0.0) for seed, y in enumerate((0.0, 1.0))]
    np.testing.assert_allclose(np.array(calibration_errors(results), float), (0.25, 0.25))


def test_differences_are_taken_part_by_part() -> None:
    assert paired([result(0.5), result(1.0)], [result(0.25), result(0.25)]) == Spread(0.5, 0.25)
    assert f"{Spread(0.5, 0.25):+.2f}" == "+0.50 ± 0.25"


def test_the_table_compares_with_the_default_recipe_and_with_the_time_of_sgd() -> None:
    rows = table(
        {
            "default": [result(0.8, 3.0, left_out=0.7)],
            "sgd": [result(0.6, 2.0)],
        }
    ).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert len({len(row) for row in rows}) == 1
    assert cells[2] == ["default", "0.800", "-", "0.000", "0.000 (-)", "-0.100", "3.0", "1.50"]
    assert cells[3] == ["sgd", "0.600", "+0.200", "0.000", "-", "-", "2.0", "1.00"]


@pytest.mark.parametrize(("below", "good"), [(TOLERANCE - 0.001, True), (TOLERANCE + 0.001, False), (-0.1, True)])
def test_the_verdict_is_about_the_best_competitor(below: float, good: bool) -> None:
    results: dict[str, Sequence[Result]] = {
        "default": [result(0.7 - below)],
        "sgd": [result(0.99)],  # not a competitor
        "forest": [result(0.7)],
        "boosting": [result(0.1)],
    }
    found, sentence = verdict(results)
    assert found == good
    assert sentence.startswith(f"default less forest, the best of scikit-learn's: {-below:+.3f}, ")


def test_no_verdict_without_a_competitor() -> None:
    assert verdict({"default": [result(0.1)]}) == (True, "no verdict: it takes 'default' and a competitor")


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer. Maximum iterations")
@pytest.mark.parametrize("name", METHODS)
def test_every_method_answers_with_probabilities_even_if_training_never_saw_a_label(name: str) -> None:
    (part,) = HELD_OUT.parts(0)
    first_label = np.array([1, 0], np.float32)
    train = Dataset(tuple(replace(shard, Y=shard.Y * first_label) for shard in part.train))
    (found,) = measure(METHODS[name], [replace(part, train=train)], SENSORS)
    n, c = found.Y.shape
    assert found.answer.P.shape == (n, c)
    assert np.isfinite(found.answer.P).all()
    assert 0 <= found.answer.P.min() <= found.answer.P.max() <= 1
    judged = name in ("default", "unsmoothed", "single")
    assert (found.answer.raw is not None) == (found.answer.left_out is not None) == judged
    again = measure(METHODS[name], [replace(part, train=train)], SENSORS)[0]
    assert np.array_equal(again.answer.P, found.answer.P), "the seed determines the answers"


def test_the_first_candidate_is_the_recipe_in_use() -> None:
    (part,) = HELD_OUT.parts(0)
    name, method = next(iter(candidates().items()))
    assert name == "default"
    assert measure(method, [part], SENSORS)[0].score == measure(METHODS[name], [part], SENSORS)[0].score


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.evaluate", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--write", "--tune"], "--write goes with the scores, not with --tune"),
        (["--write", "--methods", "default"], "--write goes with all methods, not with --methods"),
        (["--sets", "leg_tracker,x"], "argument --sets: found 'x', expected some of borealtc, leg_tracker, streets"),
        (["--seeds", "0"], "--seeds and --jobs must be at least 1"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.endswith(f"evaluate: error: {message}\n")


def test_missing_recordings_are_named(tmp_path: Path) -> None:
    done = run("--data", str(tmp_path), "--sets", "borealtc")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"\nborealtc: left out, {tmp_path / 'borealtc'} does not exist\n"


def test_streets_are_simulated_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mujoco", reason="MuJoCo simulates the streets")
    from benchmarks.streets import cache_key, make_streets

    assert re.fullmatch("[0-9a-f]{8}", cache_key())
    folder = tmp_path / cache_key()
    expected = ([folder / "drive_0_1s"], [folder / "drive_1000000_1s"])
    for before in (0, 2):
        assert make_streets(1, 1, 1.0, cache=tmp_path) == expected
        assert f"2 drives of 1 s in {folder}, {before} of them from before\n" in capsys.readouterr().out
    assert all((path / "metadata.yaml").is_file() for paths in expected for path in paths)
