# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The file that `features` writes, on either NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from obstacle_classifier.cli import _write_arrays

pytestmark = pytest.mark.runtime


def test_a_file_of_features_holds_the_arrays_and_nothing_else(tmp_path: Path) -> None:
    arrays = {"X": np.arange(6.0).reshape(2, 3), "labels": np.array(["near", "loud"])}
    _write_arrays(tmp_path / "f.npz", arrays)
    with np.load(tmp_path / "f.npz") as found:
        assert set(found.files) == {"X", "labels"}
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        _write_arrays(tmp_path / name, {"X": np.zeros(3)})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
