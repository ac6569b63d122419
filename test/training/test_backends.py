# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Work in several processes: the same results, and no process left behind however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.errors import ConfigError, ObstacleClassifierError
from obstacle_classifier.training.backends import Backend, ProcessPool, Serial, available_cores, make_backend

TIMEOUT = 60.0  # s until a condition must hold

# As the command line does it.
SCRIPT = """\
import signal, sys
from obstacle_classifier.training.backends import ProcessPool
from test.training.test_backends import hang

def terminate(number, frame):
    raise SystemExit(143)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, terminate)
    try:
        list(ProcessPool(2).map(hang, sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def square(x: int) -> int:
    return x * x


def fail_at_three(x: int) -> int:
    if x == 3:
        raise ConfigError("three")
    return x


def die_at_three(x: int) -> int:
    if x == 3:
        os._exit(9)
    return x


def surroundings(x: int) -> tuple[str | None, int]:
    del x
    return os.environ.get("OPENBLAS_NUM_THREADS"), os.getpid()


def hang(path: str) -> None:
    """Say which process this is, and never end."""
    Path(path).write_text(f"{os.getpid()}\n")
    while True:
        signal.pause()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("backend", [Serial(), ProcessPool(1), ProcessPool(2), ProcessPool(4)])
@pytest.mark.parametrize("items", [[], [7], list(range(10))])
def test_results_come_in_the_order_of_the_items(backend: Backend, items: Sequence[int]) -> None:
    assert list(backend.map(square, items)) == [x * x for x in items]
    assert multiprocessing.active_children() == []


def test_workers_are_other_processes_with_one_thread_for_linear_algebra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    for threads, pid in ProcessPool(2).map(surroundings, range(4)):
        assert threads == "1"
        assert pid != os.getpid()
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.parametrize("backend", [Serial(), ProcessPool(2)])
def test_an_error_reaches_the_caller_after_the_results_before_it(backend: Backend) -> None:
    results: list[int] = []
    with pytest.raises(ConfigError, match="three"):
        results.extend(backend.map(fail_at_three, range(6)))
    assert results == [0, 1, 2]
    assert multiprocessing.active_children() == []


def test_a_worker_that_dies_is_an_error_and_not_the_end_of_all_waiting() -> None:
    with pytest.raises(ObstacleClassifierError, match="a worker process died"):
        list(ProcessPool(2).map(die_at_three, range(6)))
    assert multiprocessing.active_children() == []


def test_whoever_stops_early_leaves_no_process(tmp_path: Path) -> None:
    results = ProcessPool(2).map(square, range(100))
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("number", "whole_group", "status"),
    [
        (signal.SIGINT, True, 130),  # Ctrl-C on a terminal
        (signal.SIGINT, False, 130),
        (signal.SIGTERM, True, 143),
        (signal.SIGTERM, False, 143),
        (signal.SIGKILL, False, -signal.SIGKILL),
    ],
)
def test_no_worker_outlives_a_signal(tmp_path: Path, number: int, whole_group: bool, status: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    files = [tmp_path / "one", tmp_path / "other"]
    with subprocess.Popen(
        [sys.executable, script, *files],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        try:
            wait_until(lambda: all(file.exists() and file.read_text().endswith("\n") for file in files))
            workers = [int(file.read_text()) for file in files]
            assert all(map(runs, workers))
            (os.killpg if whole_group else os.kill)(process.pid, number)
            _, said = process.communicate(timeout=TIMEOUT)
            assert process.returncode == status
            wait_until(lambda: not any(map(runs, workers)))
            assert "Traceback" not in said
        finally:
            process.kill()


def test_the_backend_for_a_number_of_jobs() -> None:
    assert isinstance(make_backend(1), Serial)
    pool = make_backend(3)
    assert isinstance(pool, ProcessPool)
    assert pool.jobs == 3
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
