# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The environment of all tests: a separate DDS domain for this run, on this host."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

# Before NumPy loads: BLAS threads slow down products as small as these, several-fold on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

QUICK_DISCOVERY = Path(__file__).parent / "data" / "fastdds_quick_discovery.xml"
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-bags", action="store_true", help="parity over all recordings and kinds of network")


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Commands of this test run keep features in a folder of its own."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache_home"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no recordings: {SHARED_DATA} does not exist")
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def ros_domain() -> Iterator[None]:
    """Keep DDS on this host, in a domain that no other test run uses; child processes inherit it."""
    with ExitStack() as stack:
        try:
            from domain_coordinator import domain_id
        except ModuleNotFoundError:  # the NumPy-only environment
            yield
            return
        set_up_dds(stack.enter_context(domain_id()))
        yield


def set_up_dds(domain: int) -> None:
    """Keep DDS on this host in a domain, for this process and its children."""
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(QUICK_DISCOVERY)
    # Fast DDS 2.14 dies of the shared memory that a killed process leaves, about once in 80 deaths of four.
    os.environ["FASTDDS_BUILTIN_TRANSPORTS"] = "UDPv4"


@pytest.fixture
def shared_memory(ros_domain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """DDS's default transports, as on the robot. UDP alone drops bursts of large messages.

    A test that kills a process must not use this fixture.
    """
    monkeypatch.delenv("FASTDDS_BUILTIN_TRANSPORTS")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts background jobs with SIGINT ignored, and children inherit that: the tests interrupt some of them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Before test modules are imported: their settings start from this profile. No test may depend on the load.
    hypothesis.settings.register_profile(
        "any load", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("any load")
    if find_spec("launch_testing") is not None:
        # launch leaves its event loop and its children's pipes to the garbage collector.
        config.addinivalue_line("filterwarnings", "ignore:unclosed:ResourceWarning")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Keep launch_testing's collector off ordinary modules: one that skips itself would make it skip the folder."""
    return None if module_path.stem.startswith("test_launch") else pytest.Module.from_parent(parent, path=module_path)
