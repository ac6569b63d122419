# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Valid models with random numbers, and invalid model files."""

from __future__ import annotations

import copy
import io
import itertools
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.model import Model, manifest
from obstacle_classifier.model.container import pack
from obstacle_classifier.networks import EnsembleNetwork, MLPNetwork, network_class
from obstacle_classifier.nn import MLP

SENSORS = parse_sensors(
    {
        "interval": 0.1,
        "labels": ["pedestrian", "bicycle", "trash_can"],
        "sensors": {
            "scan": {
                "type": "sensor_msgs/msg/LaserScan",
                "topic": "/scan",
                "sectors": 4,
                "field_of_view": [-1.57, 1.57],
                "statistics": ["last", "min"],
                "required": True,
            },
            "imu": {
                "type": "sensor_msgs/msg/Imu",
                "topic": "/imu/data",
                "channels": ["linear_acceleration.z"],
                "statistics": ["mean", "std"],
                "window": 1.0,
            },
            "noise": {"type": "std_msgs/msg/Float32", "topic": "/noise_level"},
        },
    },
    "test",
)


def make_model(sensors: SensorsConfig = SENSORS, seed: int = 0, h: int = 16, **fields: Any) -> Model:
    """A model with random parameters, mean and scale; equal arguments give equal models.

    Args:
        sensors: Sensors configuration of the model.
        seed: Of all random numbers, and the model's own.
        h: Units of each hidden layer.
        fields: Other arguments of `Model.create`.
    """
    rng = np.random.default_rng(seed)
    network = MLP(len(sensors.columns), h, len(sensors.labels), rng, np.float32)
    missing = np.array([column.endswith(".missing") for column in sensors.columns])
    mean = np.where(missing, 0.0, rng.normal(size=len(missing)))
    scale = np.where(missing, 1.0, rng.uniform(0.5, 2.0, len(missing)))
    model = Model.create(sensors=sensors, network=MLPNetwork.of(network, mean, scale), seed=seed, **fields)
    return replace(model, provenance=replace(model.provenance, created="2025-01-31T12:00:00Z"))


def make_ensemble(sensors: SensorsConfig = SENSORS, seed: int = 0, members: int = 3) -> Model:
    """A model whose network has several members with random parameters; equal arguments give equal models."""
    return make_kind(EnsembleNetwork.kind, sensors, seed, members=members)


def make_kind(kind: str, sensors: SensorsConfig = SENSORS, seed: int = 0, **sizes: Any) -> Model:
    """A model with a network of a kind with random parameters; equal arguments give equal models.

    Args:
        kind: Of the network.
        sensors: Sensors configuration of the model.
        seed: Of all random numbers, and the model's own.
        sizes: Arguments of `create` that only this kind has.
    """
    rng = np.random.default_rng(seed)
    layout = sensors.layout
    X = np.where(layout.is_missing, 0.0, rng.normal(scale=3.0, size=(200, len(layout.columns))))
    network = network_class(kind).create(X, layout, len(sensors.labels), hidden=16, rng=rng, **sizes)
    return Model.create(sensors=sensors, network=network, seed=seed)


def save_for_ever(path: Path, models: Sequence[Model], started: Connection) -> None:
    """Save one model after the other to `path`; tells `started` when the first is there."""
    models[0].save(path)
    started.send(None)
    for model in itertools.cycle(models):
        model.save(path)


def forge(
    path: Path,
    model: Model,
    document: Mapping[str, Any] | None = None,
    arrays: Mapping[str, NDArray[Any] | None] | None = None,
    *,
    sign: bool = True,
) -> Path:
    """Write `model` with other keys in the manifest and other arrays (None: left out); the digest fits if `sign`.

    Args:
        path: The file.
        model: Its model.
        document: New values of keys at the top (`version`) or in a section (`labels.labels`).
        arrays: New arrays by name, such as `network.W0`.
        sign: Whether the digest fits.
    """
    changed = copy.deepcopy(model.document)
    for key, value in (document or {}).items():
        section, _, name = key.partition(".")
        target = changed["sections"][section] if name else changed
        target[name or section] = value
    members = {name: array for name, array in {**model.arrays, **(arrays or {})}.items() if array is not None}
    digest = manifest.digest(changed, members) if sign else model.digest
    text = np.frombuffer(json.dumps({**changed, "digest": digest}, separators=(",", ":")).encode(), np.uint8)
    path.write_bytes(pack({"manifest": text, **members}))
    return path


def members_of(path: Path) -> dict[str, bytes]:
    """The members of an .npz by file name, as bytes."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(members: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    """A zip of any members, twice the same name included."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.comment = comment
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return buffer.getvalue()


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """A .npy file with any header."""
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + data
