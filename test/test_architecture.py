# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The rooms of the package: which may import which, and what the robot's part needs.

`python -m test.test_architecture` writes the table of imports in docs/architecture.md anew.
"""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from test.helpers.blocking import python_without, run_without
from test.helpers.documents import DOCUMENTS, fill, markers, table
from test.helpers.imports import PACKAGE, ROOT, Import, closure, imports, modules, room

LAYERS: tuple[set[str], ...] = (
    {"__init__"},
    {"api", "demo"},
    {"labelling", "tools"},
    {"cli", "nodes"},
    {"commands"},
    {"simulation", "training"},
    {"bags"},
    {"pipeline"},
    {"model"},
    {"networks"},
    {"features"},
    {"nn", "sensing"},
    {"table"},
    {"command", "documents", "files"},
    {"errors", "names", "progress"},
)
"""The rooms from top to bottom: a room imports from lower layers only."""

ROOMS: dict[str, set[str]] = {
    "__init__": {"api"},
    "api": {"bags", "features", "model", "pipeline", "progress", "training"},
    "demo": {"bags", "command", "errors", "features", "model", "progress", "simulation", "training"},
    "labelling": {"bags", "errors", "features", "files", "model", "sensing"},
    "tools": {"bags", "command", "errors", "features", "files", "model", "names", "nodes", "pipeline", "table"},
    "cli": {
        "bags",
        "command",
        "commands",
        "errors",
        "features",
        "files",
        "model",
        "nn",
        "pipeline",
        "progress",
        "table",
        "training",
    },
    "commands": {"bags", "errors", "features", "files", "progress", "training"},
    "nodes": {"errors", "features", "model", "names", "pipeline", "sensing", "simulation"},
    "simulation": {"documents", "errors", "names", "progress", "sensing"},
    "training": {"bags", "documents", "errors", "features", "files", "model", "networks", "nn", "pipeline", "progress"},
    "bags": {"errors", "features", "names", "pipeline", "sensing"},
    "pipeline": {"features", "model", "sensing"},
    "model": {"documents", "errors", "features", "files", "networks"},
    "networks": {"errors", "features", "nn"},
    "features": {"documents", "errors", "names", "sensing"},
    "nn": set(),
    "sensing": set(),
    "command": {"errors"},
    "documents": {"errors"},
    "files": {"errors"},
    "table": {"files"},
    "errors": set(),
    "names": set(),
    "progress": set(),
}
"""The rooms that each room imports; docs/architecture.md shows it as a table."""

SIMULATION = {"demo", "nodes.simulator_node"}  # the modules that may import the simulation
ROS = re.compile(r"rclpy|launch\w*|rosbag2_\w+|\w+_(msgs|srvs|interfaces)|ament_\w+|rosidl_\w+")
ROBOT = {"numpy", "yaml", "jsonschema"}  # besides ROS 2 and the standard library
OFFLINE = {"mujoco", "rosbags", "matplotlib", "PIL", "tqdm"}  # no robot needs them
DEADLINE = 60.0  # s


def package_imports(module: str) -> list[Import]:
    """The imports of a module from other rooms of the package, but not that of the package's version."""
    found = [each for each in imports(modules()[module]) if each.name.partition(".")[0] == PACKAGE]
    return [each for each in found if each.name != PACKAGE and room(each.name) != room(module)]


def short(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.")


def test_every_room_imports_what_the_table_says() -> None:
    found: dict[str, set[str]] = {room(module): set() for module in modules()}
    for module in modules():
        found[room(module)] |= {room(each.name) for each in package_imports(module) if not each.by_name}
    assert found == ROOMS, "change ROOMS, and run: python -m test.test_architecture"


def test_imports_point_downwards() -> None:
    height = {name: -index for index, layer in enumerate(LAYERS) for name in layer}
    upwards = {
        f"{short(module)}:{each.line}": short(each.name)
        for module in modules()
        for each in package_imports(module)
        if not each.by_name and height[room(each.name)] >= height[room(module)]
    }
    assert upwards == {}


def test_modules_import_each_other_from_where_they_are_defined() -> None:
    """The package itself is for its users; inside, it gives the version only."""
    for module, path in modules().items():
        for node in imports(path):
            if node.name == PACKAGE:
                line = path.read_text(encoding="utf-8").splitlines()[node.line - 1].strip()
                assert line == f"from {PACKAGE} import __version__", f"{short(module)}:{node.line}"


def test_the_simulation_is_imported_by_the_demo_and_its_node_only() -> None:
    users = {
        short(module)
        for module in modules()
        for each in package_imports(module)
        if room(each.name) == "simulation" and not each.by_name
    }
    assert users == SIMULATION


def test_the_command_line_alone_loads_a_room_by_name() -> None:
    """The commands `simulate` and `label` are loaded when they are given, so that the others need neither."""
    by_name = {
        (short(module), short(each.name), each.at_start)
        for module in modules()
        for each in package_imports(module)
        if each.by_name
    }
    assert by_name == {("cli", "simulation.command", False), ("cli", "labelling.command", False)}


def test_the_mathematics_imports_numpy_only() -> None:
    names = {each.name.partition(".")[0] for module in modules() if room(module) == "nn" for each in outside(module)}
    assert names == {"numpy"}


def test_ros_is_imported_by_nodes_and_tools_only() -> None:
    users = {room(module) for module in modules() for each in outside(module) if ROS.fullmatch(top(each))}
    assert users == {"nodes", "tools"}


def test_the_classifier_node_imports_numpy_yaml_the_validator_and_ros_only() -> None:
    found = closure(f"{PACKAGE}.nodes.classifier_node")
    foreign = {
        short(module): {name for name in names if name not in sys.stdlib_module_names and not ROS.fullmatch(name)}
        for module, names in found.items()
    }
    assert set().union(*foreign.values()) == ROBOT, {module: names for module, names in foreign.items() if names}
    assert not {room(module) for module in found} & {"simulation", "training", "bags", "tools", "cli", "demo"}


def test_the_classifiers_launch_file_imports_launch_only() -> None:
    names = {top(each) for each in imports(ROOT / "launch" / "classifier.launch.py")}
    assert {name for name in names if name not in sys.stdlib_module_names and not ROS.fullmatch(name)} == set()


def outside(module: str) -> list[Import]:
    """The imports of a module from outside the package and the standard library."""
    return [each for each in imports(modules()[module]) if top(each) not in {*sys.stdlib_module_names, PACKAGE}]


def top(each: Import) -> str:
    return each.name.partition(".")[0]


# --- the robot's part, as a process on a machine that has none of the offline packages


def test_the_classifier_serves_a_model_without_offline_packages(tmp_path: Path) -> None:
    pytest.importorskip("rclpy", reason="the node needs ROS 2")
    from test.helpers.models import make_model

    make_model().save(tmp_path / "model.npz")
    program = f"from {PACKAGE}.nodes.classifier_node import main; sys.exit(main())"
    parameters = ("--ros-args", "-p", f"model_path:={tmp_path / 'model.npz'}")
    command = python_without(OFFLINE, program, *parameters)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        timer = threading.Timer(DEADLINE, process.kill)
        timer.start()
        log = []
        for line in process.stderr or ():
            log.append(line)
            if "serving" in line:
                process.send_signal(signal.SIGINT)
        timer.cancel()
    assert process.returncode == 0, "".join(log)
    assert any("serving" in line for line in log)


@pytest.mark.skipif(importlib.util.find_spec("launch_ros") is None, reason="launch_ros is not installed")
def test_the_classifiers_launch_file_loads_without_offline_packages() -> None:
    program = (
        "import runpy; description = runpy.run_path(sys.argv[1])['generate_launch_description'](); "
        "print(len(description.entities))"
    )
    done = run_without(OFFLINE, program, ROOT / "launch" / "classifier.launch.py")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1


@pytest.mark.parametrize("name", sorted(OFFLINE))
def test_a_blocked_package_cannot_be_imported(name: str) -> None:
    done = run_without({name}, f"import {name}")
    assert f"ModuleNotFoundError: No module named '{name}'" in done.stderr


# --- the document


def parts() -> dict[str, str]:
    """The generated part of the document, by its marker's name."""
    order = [name for layer in LAYERS for name in sorted(layer) if name in ROOMS]
    rows = [
        (f"`{name}`", ", ".join(f"`{other}`" for other in order if other in ROOMS[name]) or "nothing") for name in order
    ]
    return {"imports": table(("room", "imports"), [row for row in rows if row[0] != "`__init__`"])}


def test_the_document_has_the_table() -> None:
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert text == fill(text, parts()), f"{document}: run: python -m test.test_architecture"


if __name__ == "__main__":
    for path in DOCUMENTS:
        content = path.read_text(encoding="utf-8")
        if "imports" in markers(content):
            path.write_text(fill(content, parts()), encoding="utf-8")
