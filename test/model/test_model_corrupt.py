# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import obstacle_classifier
from obstacle_classifier.errors import ModelError
from obstacle_classifier.model import Model
from test.helpers.hostile_models import CASES, MODEL
from test.helpers.models import members_of, zip_of

pytestmark = pytest.mark.runtime


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The path of each case."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = {}
    for name, (write, _) in CASES.items():
        paths[name] = folder / f"{name}.npz"
        write(paths[name])
    return paths


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_one_error_that_says_what_and_where(hostile: dict[str, Path], name: str) -> None:
    with pytest.raises(ModelError) as error:
        Model.load(hostile[name])
    message = str(error.value)
    assert message.startswith(f"{hostile[name]}: ")
    assert CASES[name][1] in message
    assert "\n" not in message
    assert len(message) < 500 + len(str(hostile[name]))


LOADER = """
import json, sys
from obstacle_classifier.errors import ModelError
from obstacle_classifier.model import Model

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

peaks = {"": peak()}
for path in json.load(sys.stdin):
    try:
        Model.load(path)
    except ModelError:
        peaks[path] = peak()
print(json.dumps(peaks))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
def test_hostile_files_take_less_than_200_megabytes(hostile: dict[str, Path]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOADER],
        input=json.dumps([str(path) for path in hostile.values()]),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(obstacle_classifier.__file__).parents[1],
        timeout=120,
    )
    peaks = json.loads(result.stdout)
    assert set(peaks) == {"", *map(str, hostile.values())}
    assert max(peaks.values()) * 1024 < 200e6


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    MODEL.save(path)
    data = path.read_bytes()
    for length in [*range(0, 400, 7), *range(400, len(data) - 400, 61), *range(len(data) - 400, len(data))]:
        path.write_bytes(data[:length])
        with pytest.raises(ModelError):
            Model.load(path)


def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    MODEL.save(path)
    data = path.read_bytes()
    headers = [
        place
        for match in re.finditer(rb"PK|\x93NUMPY", data)
        for place in range(match.start(), min(match.start() + 60, len(data)))
    ]
    rng = np.random.default_rng(0)
    refused = 0
    places = sorted({*headers, *range(0, len(data), 19)})
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            assert Model.load(path) == MODEL
        except ModelError:
            refused += 1
    assert refused > len(places) / 2


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    MODEL.save(path)
    members = [*members_of(path).items()]
    path.write_bytes(zip_of([*members, members[0]]))
    with pytest.raises(ModelError, match=r"member golden\.inputs: is there twice"):
        Model.load(path)


def test_names_that_are_no_paths(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read: .*embedded null"):
        Model.load("model\0.npz")
    with pytest.raises(ModelError, match="cannot be read: File name too long"):
        Model.load(tmp_path / ("x" * 1000))
