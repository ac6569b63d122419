# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The package as colcon installs it, the dependencies that it declares, and the pins of its environments."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from importlib.metadata import requires
from pathlib import Path

import pytest

import obstacle_classifier
from test.helpers.documents import links

ROOT = Path(__file__).resolve().parents[1]
NAME = "obstacle_classifier"
EXECUTABLES = {"classifier_node", "trainer_node", "simulator_node", "obstacle_classifier"}

# The modules that a rosdep key of package.xml provides, unless it is one module of the key's name.
MODULES: Mapping[str, set[str]] = {
    "python3-coverage": {"coverage"},
    "python3-hypothesis": {"hypothesis"},
    "python3-jsonschema": {"jsonschema"},
    "python3-matplotlib": {"matplotlib"},
    "python3-mujoco-pip": {"mujoco"},
    "python3-numpy": {"numpy"},
    "python3-pil": {"PIL"},
    "python3-psutil": {"psutil"},
    "python3-pytest": {"pytest", "_pytest"},
    "python3-rosbags-pip": {"rosbags", "backports", "lz4"},  # rosbags requires the last two
    "python3-sklearn": {"sklearn", "threadpoolctl"},  # scikit-learn requires the last one
    "python3-tqdm": {"tqdm"},
    "python3-yaml": {"yaml"},
}
# They have no rosdep key. Tests that use them are skipped where they are not installed.
OPTIONAL = {"faker", "nicegui", "onnx", "onnxruntime", "playwright", "torch"}
# Without a rosdep key too: the command `label` says that it needs NiceGUI, which brings FastAPI.
PAGE = {"nicegui", "fastapi"}
STANDARD = set(sys.stdlib_module_names) | {"compression"}  # compression: Python 3.14


# --- package.xml


def manifest() -> ET.Element:
    return ET.parse(ROOT / "package.xml").getroot()


def declared(*tags: str, conditional: bool = True) -> set[str]:
    """The modules that the dependencies of these kinds provide."""
    keys = [
        dependency.text or ""
        for tag in tags
        for dependency in manifest().iter(tag)
        if conditional or "condition" not in dependency.attrib
    ]
    return set().union(*(MODULES.get(key, {key}) for key in keys))


def imported(*folders: str) -> dict[str, set[str]]:
    """The top-level modules from outside that each Python file below the folders imports, wherever in the file."""
    found = {}
    for path in (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module or "")
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"import_module", "importorskip"}
                and isinstance(node.args[0], ast.Constant)
            ):
                names.add(str(node.args[0].value))
        outside = {name.partition(".")[0] for name in names} - STANDARD - {NAME, "test", "benchmarks", "examples"}
        if outside:
            found[str(path.relative_to(ROOT))] = outside
    return found


def undeclared(files: Mapping[str, set[str]], modules: set[str]) -> dict[str, set[str]]:
    return {path: names - modules for path, names in files.items() if names - modules}


def test_every_import_of_the_package_is_an_exec_depend() -> None:
    files = imported(NAME, "launch")
    assert {"numpy", "rclpy", "rosbags"} <= set().union(*files.values())
    page = files.keys() & {f"{NAME}/labelling/{name}.py" for name in ("page", "routes", "server")}
    others = {path: names - PAGE if path in page else names for path, names in files.items()}
    assert undeclared(others, declared("exec_depend")) == {}


def test_an_undeclared_import_would_be_found() -> None:
    assert undeclared(imported(NAME), declared("exec_depend") - {"numpy"})


def test_packages_that_no_robot_needs_are_imported_offline_only() -> None:
    """In package.xml they have a condition."""
    offline = tuple(f"{NAME}/{place}" for place in ("bags/", "labelling/", "simulation/", "training/report"))
    files = {path: names for path, names in imported(NAME, "launch").items() if not path.startswith(offline)}
    assert undeclared(files, declared("exec_depend", conditional=False)) == {}


def test_every_import_of_the_tests_is_a_depend() -> None:
    files = imported("test", "benchmarks", "examples")
    assert undeclared(files, declared("exec_depend", "test_depend") | OPTIONAL) == {}


def test_the_packages_of_all_sensor_types_are_exec_depends() -> None:
    """The node imports them by their names in the sensors file, without an import statement."""
    from obstacle_classifier.sensing import MESSAGE_TYPES

    assert {name.partition("/")[0] for name in MESSAGE_TYPES} <= declared("exec_depend", conditional=False)


def test_rosbags_brings_its_compressors() -> None:
    pytest.importorskip("rosbags", reason="recordings are read where rosbags is installed")
    assert {re.split(r"[^\w.]", line)[0] for line in requires("rosbags") or ()} >= {"lz4", "backports.zstd"}


def test_the_robot_needs_neither_the_simulation_nor_bags_nor_plots() -> None:
    conditions = {each.text: each.get("condition") for each in manifest().iter("exec_depend")}
    for key in ("python3-mujoco-pip", "python3-rosbags-pip", "python3-matplotlib", "python3-pil"):
        assert conditions[key] == "$OFFLINE == 1", key
    assert not [each.text for tag in ("depend", "build_depend", "buildtool_depend") for each in manifest().iter(tag)]
    (call,) = (
        node
        for node in ast.walk(ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setup"
    )
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    assert ast.literal_eval(given["install_requires"]) == ["jsonschema", "numpy", "PyYAML"]
    assert "mujoco" in ast.literal_eval(given["extras_require"])["offline"]


def from_setup(*options: str) -> list[str]:
    """Lines of `setup.py` with these options."""
    command = [sys.executable, "-W", "ignore", "setup.py", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_one_version() -> None:
    assert manifest().findtext("version") == obstacle_classifier.__version__ == from_setup("--version")[-1]


def test_the_maintainers_can_be_reached() -> None:
    maintainer = manifest().find("maintainer")
    assert maintainer is not None
    assert not re.search(r"@(\w+\.)*example\.", maintainer.attrib["email"])
    contact = [maintainer.text, maintainer.attrib["email"]]
    assert from_setup("--maintainer", "--maintainer-email")[-2:] == contact
    urls = {url.get("type"): str(url.text) for url in manifest().iter("url")}
    assert set(urls) == {"website", "repository", "bugtracker"}
    assert from_setup("--url")[-1] == urls["website"]


# --- the package as colcon builds it


@pytest.fixture(scope="module")
def colcon() -> str:
    found = shutil.which("colcon", path=f"{Path(sys.prefix, 'bin')}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip("colcon is not installed")
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """This process's environment, without access to the network."""
    nowhere = "http://127.0.0.1:9"
    path = f"{Path(sys.prefix, 'bin')}{os.pathsep}{os.environ['PATH']}"
    home = str(tmp_path_factory.mktemp("home"))
    return {
        **os.environ,
        "PATH": path,
        "HOME": home,
        "PIP_NO_INDEX": "1",
        "http_proxy": nowhere,
        "https_proxy": nowhere,
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that git tracks or would add."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    copy = tmp_path_factory.mktemp("workspace") / "src" / NAME
    for file in filter(None, files):
        if (ROOT / file).is_file():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, copy / file)
    return copy


@pytest.fixture(scope="module")
def install(colcon: str, environment: dict[str, str], source: Path) -> Path:
    """The install base of a workspace that holds the package."""
    workspace = source.parents[1]
    command = [colcon, "build", "--event-handlers", "console_direct+", "--packages-select", NAME]
    built = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return workspace / "install"


def files_below(folder: Path, pattern: str = "*") -> Iterator[str]:
    return (str(path.relative_to(folder)) for path in folder.rglob(pattern) if path.is_file())


def test_colcon_takes_it_for_an_ament_python_package(colcon: str, environment: dict[str, str], source: Path) -> None:
    command = [colcon, "--log-base", os.devnull, "list", "--base-paths", str(source)]
    listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert listed.stdout.split() == [NAME, str(source), "(ros.ament_python)"]


def test_the_installed_executables_are_where_ros2_run_looks(install: Path) -> None:
    folder = install / NAME / "lib" / NAME
    assert set(files_below(folder)) == EXECUTABLES
    assert all(os.access(folder / name, os.X_OK) for name in EXECUTABLES)


def test_the_installed_share_holds_what_launch_needs(install: Path) -> None:
    share = install / NAME / "share"
    assert (share / "ament_index" / "resource_index" / "packages" / NAME).is_file()
    assert (share / NAME / "package.xml").read_bytes() == (ROOT / "package.xml").read_bytes()


@pytest.mark.parametrize(("folder", "pattern"), [("launch", "*.launch.py"), ("config", "*"), ("docs", "*")])
def test_the_installed_share_has_the_same_folders(install: Path, source: Path, folder: str, pattern: str) -> None:
    expected = set(files_below(source / folder, pattern))
    assert set(files_below(install / NAME / "share" / NAME / folder, pattern)) == expected
    assert expected, f"{folder} is empty"


def test_links_between_the_installed_documents_hold(install: Path) -> None:
    folder = install / NAME / "share" / NAME / "docs"
    targets = {
        (document.name, target.partition("#")[0])
        for document in folder.glob("*.md")
        for _, target in links(document)
        if not re.match(r"\w+:", target)
    }
    assert len(targets) > 20
    assert {(name, target) for name, target in targets if not (folder / target).exists()} == set()


def sourced(install: Path, environment: Mapping[str, str], program: str, *arguments: str) -> list[str]:
    """The lines that a Python program prints in a shell that has sourced the workspace."""
    command = [
        "sh",
        "-c",
        '. "$0" && exec "$@"',
        str(install / "local_setup.sh"),
        sys.executable,
        "-c",
        program,
        *arguments,
    ]
    # colcon's set-up cannot run a Python whose path has a space; the path of .venv may have one.
    env = {**environment, "COLCON_PYTHON_EXECUTABLE": os.path.realpath(sys.executable)}
    ran = subprocess.run(command, cwd=install, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_every_module_is_installed_and_found(install: Path, source: Path, environment: dict[str, str]) -> None:
    program = (
        "import obstacle_classifier as package, ament_index_python.packages as index; "
        "print(package.__file__); print(index.get_package_share_directory('obstacle_classifier'))"
    )
    module, share = map(Path, sourced(install, environment, program))
    assert install in module.parents
    assert share == install / NAME / "share" / NAME
    patterns = ("*.py", "py.typed", "*.js", "*.css")
    assert {f for p in patterns for f in files_below(module.parent, p)} == {
        f for p in patterns for f in files_below(source / NAME, p)
    }


@pytest.mark.parametrize("name", sorted(EXECUTABLES))
def test_an_installed_executable_has_its_entry_point(install: Path, environment: dict[str, str], name: str) -> None:
    program = (
        "import importlib.metadata as m, inspect, sys; "
        "entry, = (e for e in m.distribution('obstacle_classifier').entry_points if e.name == sys.argv[1]); "
        "print(inspect.getsourcefile(entry.load()))"
    )
    assert install in Path(*sourced(install, environment, program, name)).parents


# --- the pins


PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[\w.+!]+)( ; python_full_version (<|==|>=) '[\d.*]+'.*)?")
LISTS = {path.stem: path for path in sorted((ROOT / "requirements").glob("*.txt"))}


def pins(name: str) -> set[tuple[str, str]]:
    lines = LISTS[name].read_text(encoding="utf-8").splitlines()
    matches = [PIN.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(matches), [line for line in lines if not line.startswith("#") and not PIN.fullmatch(line)]
    return {(match["name"], match["version"]) for match in matches if match}


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_is_pinned(name: str) -> None:
    assert pins(name)


@pytest.mark.parametrize("name", ["build", "run", "offline", "label"])
def test_one_environment_holds_all_the_pins(name: str) -> None:
    assert pins(name) <= pins("test")


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.in")), ids=lambda path: path.stem)
def test_every_wish_is_among_the_pins(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[0].isalnum()]
    wishes = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-").replace(".", "-") for line in lines}
    assert wishes <= {name for name, _ in pins(path.stem)}


def test_run_time_code_is_tested_on_the_versions_of_ubuntu() -> None:
    assert {("numpy", "1.26.4"), ("pyyaml", "6.0.1"), ("jsonschema", "4.10.3")} <= pins("numpy1")
