# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A trained classifier with everything that the robot needs to run it, and its file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier import __version__
from obstacle_classifier.errors import ConfigError, ModelError
from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.model import manifest, model_file
from obstacle_classifier.model.container import array_type
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.model.golden import check_golden_vectors, golden_inputs, golden_outputs
from obstacle_classifier.model.predictor import Calibration, Predictor, check_numbers

__all__ = ["Model"]

_MAX_MESSAGE = 400  # characters: what a hostile file holds may be long


@dataclass(frozen=True, eq=False)
class Model:
    """A classifier; arrays are read-only, and models with equal digests are equal.

    Attributes:
        sensors: What the features are made of; d columns, c labels.
        parameters: (W, b) of each Linear, W (i, o) and b (o,) float32.
        mean: (d,) float64 training means, 0 for `<sensor>.missing`.
        scale: (d,) float64 training deviations, positive, 1 for `<sensor>.missing`.
        calibration: Per label, on the logit.
        rules: Per label, from probability to presence.
        golden_inputs: (g, d) float64 raw features, NaN where unknown.
        golden_outputs: (g, c) float32 probabilities of them.
        metrics: Scores on held-out data, JSON-able.
        training: Training configuration, JSON-able.
        seed: Of the training.
        bags: Name, SHA-256 and, optionally, part of each bag used.
        package_version: Of the package that made it.
        created: UTC time, ISO 8601.
    """

    sensors: SensorsConfig
    parameters: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    calibration: tuple[Calibration, ...]
    rules: tuple[DecisionRule, ...]
    golden_inputs: NDArray[np.float64]
    golden_outputs: NDArray[np.float32]
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]
    seed: int
    bags: tuple[Mapping[str, str], ...]
    package_version: str
    created: str

    def __post_init__(self) -> None:
        parameters = tuple((_read_only(W, "<f4"), _read_only(b, "<f4")) for W, b in self.parameters)
        object.__setattr__(self, "parameters", parameters)
        for name in ("mean", "scale", "golden_inputs"):
            object.__setattr__(self, name, _read_only(getattr(self, name), "<f8"))
        object.__setattr__(self, "golden_outputs", _read_only(self.golden_outputs, "<f4"))
        for name in ("metrics", "training"):
            object.__setattr__(self, name, manifest.plain(getattr(self, name)))
        object.__setattr__(self, "bags", tuple(manifest.plain(bag) for bag in self.bags))
        check_numbers(self.columns, self.labels, self.parameters, self.mean, self.scale, self.calibration)
        manifest.check_array_types(self.document, {name: array_type(array) for name, array in self.arrays.items()})
        if np.isinf(self.golden_inputs).any() or not ((self.golden_outputs >= 0) & (self.golden_outputs <= 1)).all():
            raise ModelError("golden vectors: found infinite inputs or outputs beyond 0 to 1")

    @classmethod
    def create(
        cls,
        *,
        sensors: SensorsConfig,
        parameters: Sequence[tuple[NDArray[Any], NDArray[Any]]],
        mean: NDArray[np.float64],
        scale: NDArray[np.float64],
        calibration: Sequence[Calibration] | None = None,
        rules: Sequence[DecisionRule] | None = None,
        metrics: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        seed: int = 0,
        bags: Sequence[Mapping[str, str]] = (),
    ) -> Model:
        """A model of this package version, made now (or at SOURCE_DATE_EPOCH), with golden vectors drawn from the seed.

        Calibration and rules are the identity and a threshold of 0.5 unless given. To change `metrics` or `rules`
        later, use `dataclasses.replace`.

        Raises:
            ModelError: The numbers are not those of a usable model, such as after a training that diverged.
            ConfigError: SOURCE_DATE_EPOCH is no time.
        """
        calibration = (Calibration(),) * len(sensors.labels) if calibration is None else tuple(calibration)
        created = _now()
        check_numbers(sensors.columns, sensors.labels, parameters, mean, scale, calibration)
        predictor = Predictor(parameters, mean, scale, calibration)
        inputs = golden_inputs(predictor, sensors, mean, scale, seed)
        return cls(
            sensors=sensors,
            parameters=tuple(parameters),
            mean=mean,
            scale=scale,
            calibration=calibration,
            rules=(DecisionRule(),) * len(sensors.labels) if rules is None else tuple(rules),
            golden_inputs=inputs,
            golden_outputs=golden_outputs(predictor, inputs),
            metrics=metrics or {},
            training=training or {},
            seed=seed,
            bags=tuple(bags),
            package_version=__version__,
            created=created,
        )

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a model file and try it.

        Before any array is read, the members, their types and sizes are checked against the manifest and the limits;
        then the digest, the numbers, and the golden vectors on this machine.

        Raises:
            ModelError: Naming the file, what was found where, and what was expected.
        """
        try:
            document, arrays = model_file.read(path)
            model = _from_file(document, arrays)
            check_golden_vectors(model.predictor(), model.golden_inputs, model.golden_outputs, model.labels)
        except ModelError as error:
            raise ModelError(f"{path}: {' '.join(str(error).split())[:_MAX_MESSAGE]}") from None
        except MemoryError:
            raise ModelError(f"{path}: cannot be read: out of memory") from None
        return model

    def save(self, path: str | Path) -> None:
        """Write the model such that `path` holds the old file or the whole new one at every instant.

        Equal models give equal bytes.

        Raises:
            ModelError: The file cannot be written.
        """
        try:
            model_file.write(path, {**self.document, "digest": self.digest}, self.arrays)
        except OSError as error:
            raise ModelError(f"{path}: cannot be written: {error.strerror or error}") from None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the c labels."""
        return self.sensors.labels

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the d feature columns."""
        return self.sensors.columns

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of the file by name."""
        arrays: dict[str, NDArray[Any]] = {"mean": self.mean, "scale": self.scale}
        for index, (W, b) in enumerate(self.parameters):
            arrays[f"W{index}"], arrays[f"b{index}"] = W, b
        return {**arrays, "golden_inputs": self.golden_inputs, "golden_outputs": self.golden_outputs}

    @property
    def document(self) -> dict[str, Any]:
        """The manifest of the file, but for the digest."""
        labels = zip(self.labels, self.calibration, self.rules, strict=True)
        return {
            "format": manifest.FORMAT,
            "version": manifest.VERSION,
            "package_version": self.package_version,
            "created": self.created,
            "labels": [
                {"name": name, "calibration": manifest.plain(calibration._asdict()), **manifest.plain(asdict(rule))}
                for name, calibration, rule in labels
            ],
            "sensors": manifest.plain(self.sensors.document),
            "columns": list(self.columns),
            "network": {
                "widths": [len(self.mean), *(len(b) for _, b in self.parameters)],
                "activation": "scaled_relu",
                "dtype": "float32",
            },
            "golden_vectors": len(self.golden_inputs),
            "metrics": self.metrics,
            "training": self.training,
            "seed": int(self.seed),
            "bags": list(self.bags),
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that the file holds, in hexadecimal."""
        return manifest.digest(self.document, self.arrays)

    def predictor(self) -> Predictor:
        """A new predictor with buffers of its own: one for each thread."""
        return Predictor(self.parameters, self.mean, self.scale, self.calibration)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Model) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)


def _from_file(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    try:
        sensors = parse_sensors(document["sensors"], "manifest: sensors")
    except ConfigError as error:
        raise ModelError(str(error)) from None
    labels = document["labels"]
    _check_names("labels", [label["name"] for label in labels], sensors.labels)
    _check_names("columns", document["columns"], sensors.columns)
    return Model(
        sensors=sensors,
        parameters=tuple((arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(len(document["network"]["widths"]) - 1)),
        mean=arrays["mean"],
        scale=arrays["scale"],
        calibration=tuple(Calibration(**label["calibration"]) for label in labels),
        rules=tuple(DecisionRule(label["threshold"], label["enter"], label["exit"]) for label in labels),
        golden_inputs=arrays["golden_inputs"],
        golden_outputs=arrays["golden_outputs"],
        metrics=document["metrics"],
        training=document["training"],
        seed=document["seed"],
        bags=tuple(document["bags"]),
        package_version=document["package_version"],
        created=document["created"],
    )


def _check_names(key: str, found: Sequence[object], expected: Sequence[str]) -> None:
    for index, (one, other) in enumerate(zip_longest(found, expected)):
        if one != other:
            raise ModelError(
                f"manifest: key '{key}[{index}]': found {one!r}, expected {other!r} as in the sensors file"
            )


def _now() -> str:
    """UTC time, or that of SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        time = datetime.now(timezone.utc) if epoch is None else datetime.fromtimestamp(int(epoch), timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise ConfigError(f"SOURCE_DATE_EPOCH: found {epoch!r}, expected whole seconds since 1970") from None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_only(array: NDArray[Any], dtype: str) -> NDArray[Any]:
    if array.dtype.str == dtype and array.flags.c_contiguous and not array.flags.writeable:
        return array
    copy = np.array(array, dtype, order="C")
    copy.flags.writeable = False
    return copy
