# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The documents: their examples run, their links have a target, and their quotations match the code.

The words after an opening fence give the kind of the block. Every block has a kind:

    bash           run as written, the blocks of a document in order, in a copy of the folder that docs/index.md makes
    bash ros2      needs a full install of ROS 2: arguments are checked against the code, nothing is run
    bash make      run at the top of a checkout: targets are checked against the Makefile, nothing is run
    python         run like bash, with the names that the document's earlier blocks have defined
    python ros2    a launch file: compiled only
    bash simulation, python simulation           run where MuJoCo is installed
    yaml sensors, yaml train, yaml parameters    read as such a file
    yaml scenario  read as one in test_docs_scenario.py
    yaml ros2      another package's parameters: parsed only
    csv labels     read as a label file
    text           nothing to check
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")
pytest.importorskip("rclpy", reason="rclpy is not installed")

from obstacle_classifier.bags import Bag, load_labels
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.nodes.classifier.parameters import LABEL_PARAMETERS, NODE_PARAMETERS, SENSOR_PARAMETERS
from obstacle_classifier.training import parse_train_config
from test.helpers.documents import DOCUMENTS, ROOT, Block, anchors, blocks, links

PACKAGE = "obstacle_classifier"
SIMULATION = ("bash simulation", "python simulation")
SIMULATES = find_spec("mujoco") is not None
RUN = ("bash", "python", *(SIMULATION if SIMULATES else ()))
FULL_INSTALL = ("bash ros2", "python ros2", "yaml ros2")
READ = ("yaml sensors", "yaml train", "yaml parameters", "yaml scenario", "csv labels", "text")
KINDS = ("bash", "python", *SIMULATION, *FULL_INSTALL, "bash make", *READ)
TIMEOUT = 120.0  # s for one block, on a machine that others use too
SERVICES = ("change_state", "get_state", "get_available_states", "reload_model")
MESSAGES = "message"  # heading of the columns that quote messages

ALL_BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
WITH_EXAMPLES = sorted({block.document for block in ALL_BLOCKS if block.info in RUN})


def of_kind(*kinds: str) -> Any:
    chosen = [block for block in ALL_BLOCKS if block.info in kinds]
    return pytest.mark.parametrize("block", chosen, ids=[block.where for block in chosen])


def test_every_block_says_what_it_is() -> None:
    assert {block.where: block.info for block in ALL_BLOCKS if block.info not in KINDS} == {}
    made = {block.where for block in ALL_BLOCKS if block.info == "bash" and re.search(r"^\s*make ", block.text, re.M)}
    assert made == set(), "mark it `bash make`"


# --- examples that run


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """This process's own, with the commands of this checkout and this Python."""
    commands = tmp_path_factory.mktemp("bin")
    for name, module in ((PACKAGE, f" -m {PACKAGE}.cli"), ("python3", "")):
        shim = commands / name
        shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{module} "$@"\n')
        shim.chmod(0o755)
    return {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def run(document: Path, environment: dict[str, str]) -> None:
    """Run the examples of a document in the present folder."""
    names: dict[str, Any] = {"__name__": "example"}
    for block in blocks(document):
        if block.info not in RUN:
            continue
        if block.info.startswith("bash"):
            command = ["bash", "-euo", "pipefail", "-c", block.text]
            result = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
            assert result.returncode == 0, f"{block.where}:\n{block.text}\n{result.stdout}{result.stderr}"
            assert "Traceback" not in result.stderr, f"{block.where}:\n{result.stderr}"
        else:
            # Empty lines in front, so that a traceback has the document's line numbers.
            exec(compile("\n" * (block.line - 1) + block.text, str(block.document), "exec"), names)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """The example folder that docs/index.md makes."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(ROOT / "docs" / "index.md", environment)
    return folder


@pytest.mark.parametrize("document", WITH_EXAMPLES, ids=lambda path: str(path.name))
def test_the_examples_run(
    document: Path, folder: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if document.name != "index.md":
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        monkeypatch.chdir(tmp_path)
        run(document, environment)


# --- examples that are read


@of_kind("yaml sensors")
def test_it_is_a_sensors_file(block: Block) -> None:
    assert parse_sensors(yaml.safe_load(block.text), block.where).columns


@of_kind("yaml train")
def test_it_is_a_file_of_training_options(block: Block) -> None:
    assert parse_train_config(yaml.safe_load(block.text), block.where)


@of_kind("csv labels")
def test_it_is_a_label_file(block: Block, folder: Path, tmp_path: Path) -> None:
    bag = shutil.copytree(folder / "bags" / "street_0", tmp_path / "bag")
    (bag / "labels.csv").write_text(block.text)
    with Bag(bag) as opened:
        track = load_labels(opened, ["pedestrian", "bicycle"])
        assert any(track.at(opened.start + second * 10**9) for second in range(40))


# --- examples that need more than there is here


@cache
def declared_arguments(launch_file: str) -> frozenset[str]:
    """The arguments of a launch file, by its syntax tree: `launch` need not be installed."""
    tree = ast.parse((ROOT / "launch" / launch_file).read_text(encoding="utf-8"))
    return frozenset(
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "DeclareLaunchArgument"
        and isinstance(node.args[0], ast.Constant)
    )


def is_parameter(name: str) -> bool:
    specs = (*NODE_PARAMETERS, *SENSOR_PARAMETERS, *LABEL_PARAMETERS)
    patterns = [re.escape(spec.name).replace(r"\{\}", "[A-Za-z0-9_]+") for spec in specs]
    patterns.append(r"qos_overrides\.(/\w+)+\.publisher\.(history|depth|reliability|durability)")
    return name == "use_sim_time" or any(re.fullmatch(pattern, name) for pattern in patterns)


@cache
def topics() -> frozenset[str]:
    """The names below `~/` in the node's code."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / PACKAGE / "nodes").rglob("*.py"))
    return frozenset(name for text in texts for name in re.findall(r'"~/(\w+)"', text))


def check_launch(words: list[str]) -> None:
    package, launch_file, *arguments = words
    if package == PACKAGE:
        declared = declared_arguments(launch_file)
        names = {word.partition(":=")[0] for word in arguments if ":=" in word}
        assert names <= declared, f"{launch_file} has no argument {', '.join(sorted(names - declared))}"


def check_run(words: list[str]) -> None:
    if words[0] == PACKAGE:
        assert f'"{words[1]} = ' in (ROOT / "setup.py").read_text(encoding="utf-8"), words[1]


def check_param(words: list[str]) -> None:
    if words[0] in ("get", "set", "describe") and words[1].endswith(f"/{PACKAGE}"):
        assert is_parameter(words[2]), words[2]


def check_own_name(words: list[str]) -> None:
    for word in words:
        if match := re.fullmatch(rf"/(?:\w+/)?{PACKAGE}/(\w+)", word):
            assert match[1] in (*topics(), *SERVICES), word


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "launch": check_launch,
    "run": check_run,
    "param": check_param,
    "topic": check_own_name,
    "service": check_own_name,
}


@of_kind("bash ros2")
def test_the_arguments_of_ros2_commands_exist(block: Block) -> None:
    subprocess.run(["bash", "-n", "-c", block.text], check=True)
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"\w+=\S*|sudo|exec", words[0]):
            words = words[1:]
        if words[:1] == ["ros2"] and words[1] in CHECKS:
            CHECKS[words[1]](words[2:])
        for path in re.findall(
            rf"share/{PACKAGE}/(\S+)|{PACKAGE}\)/(?:share/{PACKAGE}/)?((?:config|launch)/[^\s\"']+)", line
        ):
            assert (ROOT / (path[0] or path[1])).exists(), path


@of_kind("yaml parameters")
def test_the_parameters_exist(block: Block) -> None:
    def names(document: dict[str, Any], prefix: str = "") -> list[str]:
        nested = [names(v, f"{prefix}{k}.") if isinstance(v, dict) else [prefix + k] for k, v in document.items()]
        return [name for part in nested for name in part]

    (parameters,) = (node["ros__parameters"] for node in yaml.safe_load(block.text).values())
    assert [name for name in names(parameters) if not is_parameter(name)] == []


@of_kind("python ros2", "yaml ros2")
def test_the_syntax_is_right(block: Block) -> None:
    compile(block.text, block.where, "exec") if block.info.startswith("python") else yaml.safe_load(block.text)


@of_kind("python ros2")
def test_the_arguments_of_included_launch_files_exist(block: Block) -> None:
    known = frozenset().union(*map(declared_arguments, re.findall(r"\w+\.launch\.py", block.text)))
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.keyword) and node.arg == "launch_arguments":
            mappings = [part for part in ast.walk(node.value) if isinstance(part, ast.Dict)]
            names = {key.value for part in mappings for key in part.keys if isinstance(key, ast.Constant)}
            assert names <= known, block.where


@of_kind("bash make")
def test_the_targets_exist(block: Block) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert {word for word in words[1:] if "=" not in word} <= targets, line


def test_blocks_for_a_full_install_are_counted() -> None:
    counts = {
        document.name: sum(block.document == document for block in ALL_BLOCKS if block.info in FULL_INSTALL)
        for document in DOCUMENTS
    }
    listed = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    pytest.skip(f"blocks that need a full install of ROS 2, checked but not run here: {listed}")


# --- links


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_the_links_lead_somewhere(document: Path) -> None:
    for line, target in links(document):
        where = f"{document.name}:{line}: {target}"
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), where
            continue
        path, _, anchor = target.partition("#")
        other = (document.parent / path).resolve() if path else document
        assert other.exists(), where
        assert other.is_relative_to(ROOT), where
        if anchor:
            assert anchor in anchors(other), where


def test_the_index_lists_every_document() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / target).resolve() for _, target in links(index)}
    assert set(DOCUMENTS) - {index} <= listed


# --- quotations


@cache
def texts() -> str:
    """All strings of the package and its launch files, a line each; an f-string's constant parts by themselves."""
    files = [*(ROOT / PACKAGE).rglob("*.py"), *(ROOT / "launch").glob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    return "\n".join(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def quoted_messages() -> list[tuple[str, str]]:
    """The messages in the columns headed `message`: where, and the message with `…` for what varies."""
    found = []
    for document in DOCUMENTS:
        column: int | None = None
        for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
            row = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
            if not row:
                column = None
            elif column is None:
                column = row.index(MESSAGES) if MESSAGES in row else len(row)
            elif column < len(row):
                found += [(f"{document.name}:{number}", message) for message in re.findall(r"`([^`]+)`", row[column])]
    return found


def test_every_source_file_says_whose_it_is_and_under_which_licence() -> None:
    """As the quality declaration claims, and REP-2004 asks of Level 4."""
    folders = (ROOT / PACKAGE, ROOT / "benchmarks", ROOT / "launch", ROOT / "test")
    files = [ROOT / "setup.py", *(path for folder in folders for path in folder.rglob("*.py") if path.stat().st_size)]
    heads = {path: path.read_text(encoding="utf-8").splitlines()[:2] for path in files}
    statement = re.compile(r"# Copyright 20\d\d .+")
    licence = "# SPDX-License-Identifier: Apache-2.0"
    assert [p for p, head in heads.items() if not statement.fullmatch(head[0]) or head[1] != licence] == []


def test_messages_are_quoted_as_the_code_has_them() -> None:
    quoted = quoted_messages()
    assert len(quoted) > 20
    wrong = [
        f"{where}: {message}"
        for where, message in quoted
        if any(part.strip() and part.strip() not in texts() for part in message.split("…"))
    ]
    assert wrong == []
