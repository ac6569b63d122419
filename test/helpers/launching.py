# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The requirements of the launch tests, and a DDS domain of their own."""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from test.conftest import QUICK_DISCOVERY, set_up_dds

PACKAGE = "obstacle_classifier"


def lacking(*modules: str) -> str:
    """Why a launch test cannot run here; empty if it can.

    For a mark on the description: a skip while the module is imported would make launch_testing skip the whole folder.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        get_package_prefix(PACKAGE)
    except PackageNotFoundError:
        return f"{PACKAGE} is not in the ament index: source the workspace's install/setup.bash"
    return ""


def launch_file(name: str) -> str:
    """Path of an installed launch file."""
    from ament_index_python.packages import get_package_share_directory

    return str(Path(get_package_share_directory(PACKAGE), "launch", name))


@cache
def own_domain() -> None:
    """Keep DDS on this host in a domain of its own: the fixture that does this does not reach launch tests."""
    if os.environ.get("FASTRTPS_DEFAULT_PROFILES_FILE") == str(QUICK_DISCOVERY):
        return  # an ordinary test of this run has done it
    from domain_coordinator import domain_id

    stack = ExitStack()
    atexit.register(stack.close)
    set_up_dds(stack.enter_context(domain_id()))


@cache
def workspace() -> Path:
    """A folder of this test run: model.npz, sensors.yaml and three labelled bags below bags/; removed at the end."""
    import yaml

    from obstacle_classifier.bags.example_bags import SENSORS, write_example_bags
    from obstacle_classifier.features import parse_sensors
    from test.helpers.models import make_model

    folder = tempfile.TemporaryDirectory(prefix="obstacle_classifier_launch_")
    atexit.register(folder.cleanup)
    path = Path(folder.name)
    make_model(parse_sensors(SENSORS, "launch test")).save(path / "model.npz")
    (path / "sensors.yaml").write_text(yaml.safe_dump(SENSORS, sort_keys=False), encoding="utf-8")
    write_example_bags(path / "bags", count=3, seconds=10)
    return path
