# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Files that the package wrote in format 1 (version 0.1.0) give the probabilities that they gave then.

`dyadic.npz` has parameters and inputs whose products are exact in float32, so that its probabilities are the same on
every machine. `trained.npz` was trained on simulated drives; its last bits depend on the machine's BLAS, so a
transcription of the former computation runs beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from obstacle_classifier.errors import ModelError
from obstacle_classifier.model import Model

pytestmark = pytest.mark.runtime

FOLDER = Path(__file__).parents[1] / "data" / "format1"
NAMES = ("dyadic", "trained")


def members(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return json.loads(arrays.pop("manifest").tobytes()), arrays


def vectors(name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    with np.load(FOLDER / f"{name}_probabilities.npz", allow_pickle=False) as file:
        return file["X"], file["P"]


def aligned(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A float32 copy that starts on a cache line, as the former code made it."""
    memory = np.zeros(4 * array.size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy: np.ndarray[Any, Any] = memory[start : start + 4 * array.size].view(np.float32).reshape(array.shape)
    copy[...] = array
    return copy


def former_probabilities(name: str, X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The computation of version 0.1.0, written out."""
    document, arrays = members(name)
    mean, scale = arrays["mean"], arrays["scale"]
    layers = [(aligned(arrays[f"W{i}"]), aligned(arrays[f"b{i}"])) for i in range(3)]
    factor = -np.array([label["calibration"]["scale"] for label in document["labels"]])
    offset = np.array([label["calibration"]["offset"] for label in document["labels"]])
    rows = []
    for x in X:
        z = (np.maximum(np.minimum(x, mean + 1e6 * scale), mean - 1e6 * scale) - mean) / scale
        a = aligned(np.where(np.isnan(z), 0.0, z).astype(np.float32))
        for W, b in layers[:-1]:
            z = a @ W + b
            a = aligned(np.where(z <= 1, np.float32(0), z + z))
        W, b = layers[-1]
        exponent = (a @ W + b) * factor - offset
        rows.append((1.0 / (np.exp(np.minimum(exponent, 700.0)) + 1.0)).astype(np.float32))
    return np.stack(rows)


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_those_of_the_former_package_bit_for_bit(name: str) -> None:
    X, P = vectors(name)
    predictor = Model.load(FOLDER / f"{name}.npz").predictor()
    found = np.stack([predictor.probabilities(x) for x in X])
    assert found.tobytes() == former_probabilities(name, X).tobytes()
    np.testing.assert_allclose(found, P, atol=0 if name == "dyadic" else 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_the_file_says_is_lost(name: str, tmp_path: Path) -> None:
    document, arrays = members(name)
    model = Model.load(FOLDER / f"{name}.npz")
    assert model.sensors.document == document["sensors"]
    assert list(model.columns) == document["columns"]
    assert model.metrics == document["metrics"]
    assert list(model.bags) == document["bags"]
    origin = model.provenance
    assert (origin.training, origin.seed) == (document["training"], document["seed"])
    assert (origin.created, origin.package_version) == (document["created"], document["package_version"])
    for label, calibration, rule in zip(document["labels"], model.calibration, model.rules, strict=True):
        assert calibration._asdict() == label["calibration"]
        assert (rule.threshold, rule.enter, rule.exit) == (label["threshold"], label["enter"], label["exit"])
    assert model.golden.inputs.tobytes() == arrays["golden_inputs"].tobytes()
    assert model.golden.outputs.tobytes() == arrays["golden_outputs"].tobytes()

    model.save(tmp_path / "new.npz")
    again = Model.load(tmp_path / "new.npz")
    assert again == model
    X, _ = vectors(name)
    one, other = model.predictor(), again.predictor()
    assert all(one.probabilities(x).tobytes() == other.probabilities(x).tobytes() for x in X)


def test_a_damaged_file_of_format_1_is_refused(tmp_path: Path) -> None:
    data = (FOLDER / "dyadic.npz").read_bytes()
    whole = Model.load(FOLDER / "dyadic.npz")
    path = tmp_path / "model.npz"
    rng = np.random.default_rng(0)
    refused = 0
    places = range(0, len(data), 97)
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            assert Model.load(path) == whole
        except ModelError:
            refused += 1
    assert refused > len(places) / 2
    for length in range(0, len(data), 331):
        path.write_bytes(data[:length])
        with pytest.raises(ModelError):
            Model.load(path)
