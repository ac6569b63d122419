# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The examples, on few epochs where all of them take long."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")
pytest.importorskip("faker", reason="Faker, whose names the examples tell apart, is not installed")

from threadpoolctl import threadpool_limits

from examples import cost_of_time, digits, iris, names

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.stem != "__init__")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep small matrix products on one thread: beside other tests, threads wait for each other."""
    with threadpool_limits(1):
        yield


def test_irises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert iris.main(out=tmp_path) >= 0.95
    assert (tmp_path / "iris_loss.png").stat().st_size > 1000
    table = capsys.readouterr().out.splitlines()[1 : 2 + len(iris.RATES)]
    assert [line.split()[0] for line in table[1:]] == [str(rate) for rate in iris.RATES]


def test_digits() -> None:
    reached = digits.main()
    assert reached["convolutional"] >= 0.97
    assert reached["fully connected"] >= 0.9


def test_names(tmp_path: Path) -> None:
    reached = names.main(epochs=6, out=tmp_path, per_kind=800)
    assert min(reached.values()) > 0.5  # by chance 1 in 3
    for network in ("mlp", "lstm"):
        P = np.load(tmp_path / f"names_{network}.npy")
        assert P.shape == (240, 3)
        np.testing.assert_allclose(P.sum(axis=1), 1)


def test_the_parameters_of_the_best_epoch_are_kept() -> None:
    data, validation, _ = names.load(per_kind=100)
    model = names.mlp(names.LENGTH)
    losses = names.train(model, 5.0, data, validation, epochs=6)  # a rate that is too high: the loss goes up and down
    assert int(np.argmin(losses)) != len(losses) - 1
    tape, _, loss = model
    tape.forward(dict(zip("XY", validation, strict=True)))
    assert float(loss.value) == min(losses)


def test_letters_come_in_reverse_after_zeros() -> None:
    X = names.one_hot("ab", 3)
    np.testing.assert_array_equal(X.sum(axis=1), [0, 1, 1])
    assert [names.LETTERS[row.argmax()] for row in X[1:]] == ["b", "a"]
    assert names.LETTERS[names.one_hot("é", 1)[0].argmax()] == " "


def test_no_name_is_in_two_parts() -> None:
    parts = names.load(per_kind=200)
    assert [len(X) for X, _ in parts] == [480, 60, 60]
    assert sum(Y.sum(axis=0) for _, Y in parts).tolist() == [200, 200, 200]


def test_steps_grow_with_the_length_for_the_lstm_alone(tmp_path: Path) -> None:
    runs = cost_of_time.main(repeats=1, out=tmp_path, per_kind=40)
    steps = {(run.network, run.batch, run.length): (run.forward, run.backward) for run in runs}
    assert len(steps) == 2 * 3 * 3
    for batch in cost_of_time.BATCHES:
        assert {steps["MLP", batch, length] for length in cost_of_time.LENGTHS} == {steps["MLP", 16, 10]}
        ten, fifteen, twenty = (steps["LSTM", batch, length][0] for length in cost_of_time.LENGTHS)
        assert fifteen - ten == twenty - fifteen > 0
        assert ten == steps["LSTM", 16, 10][0]
    assert {path.name for path in tmp_path.iterdir()} == {"cost_of_time_seconds.png", "cost_of_time_steps.png"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.stem))
def test_an_example_is_short_and_says_how_to_run_it(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 150
    command = [sys.executable, "-m", f"examples.{path.stem}", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"python -m examples.{path.stem}" in shown


def test_make_runs_every_example() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nexamples:")[2].partition("\n\n")[0]
    assert {path.stem for path in EXAMPLES} <= set(recipe.replace(";", " ").split())
