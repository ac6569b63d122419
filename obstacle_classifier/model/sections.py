# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The sections of a model file, format 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.documents import validate
from obstacle_classifier.errors import ConfigError, ModelError
from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.model import bag_list
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.model.predictor import MAX_SMOOTHING, Calibration
from obstacle_classifier.model.section import Key, Section, plain, read_only
from obstacle_classifier.networks import Array, ArrayType, Network, network_class
from obstacle_classifier.networks.numbers import MAX_PARAMETER

__all__ = ["LabelsSection", "NetworkSection", "Provenance", "Reference", "SensorsSection"]


@dataclass(frozen=True)
class SensorsSection(Section):
    """The sensors configuration and its feature columns."""

    config: Annotated[SensorsConfig, Key({"type": "object"}, "the [sensors file](sensors_file.md) as parsed")]
    columns: Annotated[
        tuple[str, ...],
        Key({"type": "array", "minItems": 1}, "names of the d feature columns; they must be the columns of `config`"),
    ]

    name: ClassVar[str] = "sensors"

    @classmethod
    def of(cls, config: SensorsConfig) -> SensorsSection:
        """The section of a configuration."""
        return cls(config, config.columns)

    def document(self) -> dict[str, Any]:
        """The configuration as it was parsed, and the columns."""
        return {"config": plain(self.config.document), "columns": list(self.columns)}

    @classmethod
    def read(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> SensorsSection:
        """The section, after a check that the columns in the file are the columns of the configuration."""
        del arrays
        try:
            config = parse_sensors(document["config"], "manifest: sensors")
        except ConfigError as error:
            raise ModelError(str(error)) from None
        check_names("sensors.columns", document["columns"], config.columns)
        return cls.of(config)


@dataclass(frozen=True)
class NetworkSection(Section):
    """A stored network: its kind, its spec and read-only arrays.

    Attributes:
        kind: Name of a registered kind.
        spec: The result of `Network.spec`, which `Network.restore` needs in addition to the arrays.
        numbers: The arrays by name.
    """

    kind: Annotated[str, Key({"type": "string"}, "kind of the network")]
    spec: Annotated[Mapping[str, Any], Key({"type": "object"}, "sizes and choices of that kind")]
    numbers: Mapping[str, Array]

    name: ClassVar[str] = "network"

    @classmethod
    def of(cls, network: Network) -> NetworkSection:
        """The section of a network, with copies of its arrays."""
        numbers = {name: read_only(array.copy(), array.dtype.str) for name, array in network.arrays().items()}
        return cls(network.kind, plain(network.spec()), numbers)

    def restore(self) -> Network:
        """A network with copies of the arrays. It can be trained further, evaluated or compiled."""
        return network_class(self.kind).restore(self.spec, self.numbers)

    def arrays(self) -> dict[str, Array]:
        """The arrays of the network."""
        return dict(self.numbers)

    @classmethod
    def array_types(cls, document: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """The types of the network's arrays, from its kind and spec."""
        kind = network_class(document["kind"])
        validate_section(document["spec"], kind.spec_schema, "network.spec")
        return kind.array_types(document["spec"], d, c)

    @classmethod
    def read(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> NetworkSection:
        """The section. Its numbers are not checked; `Network.check` does that."""
        return cls(document["kind"], document["spec"], dict(arrays))


@dataclass(frozen=True)
class LabelsSection(Section):
    """Name, calibration, smoothing and decision rule of each label.

    Attributes:
        labels: The names.
        calibration: Of each label's logit.
        rules: From probability to presence.
        smoothing: Mean delay of each label's smoothed logit, in intervals; 0 smooths nothing.
    """

    labels: tuple[str, ...]
    calibration: tuple[Calibration, ...]
    rules: tuple[DecisionRule, ...]
    smoothing: tuple[float, ...]

    name: ClassVar[str] = "labels"

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.calibration) == len(self.rules) == len(self.smoothing):
            raise ModelError(
                f"labels: found {len(self.calibration)} calibrations, {len(self.rules)} rules and "
                f"{len(self.smoothing)} smoothings for {len(self.labels)} labels"
            )
        for label, (scale, offset) in zip(self.labels, self.calibration, strict=True):
            if not (0 < scale <= MAX_PARAMETER and abs(offset) <= MAX_PARAMETER):
                expected = f"a scale of more than 0 and both at most {MAX_PARAMETER:g}"
                raise ModelError(f"calibration of {label}: found scale {scale}, offset {offset}, expected {expected}")
        for label, delay in zip(self.labels, self.smoothing, strict=True):
            if not 0 <= delay <= MAX_SMOOTHING:
                raise ModelError(f"smoothing of {label}: found {delay}, expected 0 to {MAX_SMOOTHING:g}")

    @classmethod
    def declared_keys(cls) -> dict[str, Key]:
        """One key: a list with one entry per label."""
        number = {"type": "integer", "minimum": 1}
        calibration = {"scale": {"type": "number", "exclusiveMinimum": 0}, "offset": {"type": "number"}}
        entry = {
            "name": {"type": "string"},
            "calibration": _object(calibration),
            "threshold": {"type": "number", "minimum": 0, "maximum": 1},
            "enter": number,
            "exit": number,
        }
        smoothing = {"type": "number", "minimum": 0, "maximum": MAX_SMOOTHING}
        description = (
            "per label: `name`, `calibration` (`scale`, `offset` of the logit), `threshold`, `enter`, `exit`, and, "
            "unless it is 0, `smoothing` (mean delay of the smoothed logit, in intervals)"
        )
        schema = {"type": "array", "minItems": 1, "items": _object(entry, optional={"smoothing": smoothing})}
        return {"labels": Key(schema, description)}

    def document(self) -> dict[str, Any]:
        """A list with one entry per label."""
        rows = zip(self.labels, self.calibration, self.rules, self.smoothing, strict=True)
        return {
            "labels": [
                {
                    "name": label,
                    "calibration": plain(calibration._asdict()),
                    "threshold": plain(rule.threshold),
                    "enter": plain(rule.enter),
                    "exit": plain(rule.exit),
                    **({"smoothing": plain(smoothing)} if smoothing else {}),
                }
                for label, calibration, rule, smoothing in rows
            ]
        }

    @classmethod
    def read(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> LabelsSection:
        """The section."""
        del arrays
        entries = document["labels"]
        return cls(
            tuple(entry["name"] for entry in entries),
            tuple(Calibration(**entry["calibration"]) for entry in entries),
            tuple(DecisionRule(entry["threshold"], entry["enter"], entry["exit"]) for entry in entries),
            tuple(float(entry.get("smoothing", 0.0)) for entry in entries),
        )


@dataclass(frozen=True)
class Reference(Section):
    """Statistics of the raw training columns, for comparison with the features on a robot.

    Attributes:
        levels: The q levels of the quantiles, increasing from 0 to 1.
        quantiles: (q, d) float64 quantiles of each column's known values; NaN in a column without a known value.
        unknown: (d,) float64 share of the rows in which the column is unknown.
    """

    levels: Annotated[
        tuple[float, ...],
        Key(
            {"type": "array", "minItems": 2, "maxItems": 64, "items": {"type": "number", "minimum": 0, "maximum": 1}},
            "levels of the quantiles",
        ),
    ]
    quantiles: NDArray[np.float64]
    unknown: NDArray[np.float64]

    name: ClassVar[str] = "reference"
    required: ClassVar[bool] = False

    LEVELS: ClassVar[tuple[float, ...]] = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantiles", read_only(self.quantiles, "<f8"))
        object.__setattr__(self, "unknown", read_only(self.unknown, "<f8"))
        if not ((self.unknown >= 0) & (self.unknown <= 1)).all():
            raise ModelError("reference.unknown: found a share beyond 0 to 1")
        if np.isinf(self.quantiles).any() or (np.diff(self.quantiles, axis=0) < 0).any():
            raise ModelError("reference.quantiles: found infinite or decreasing quantiles")

    @classmethod
    def of(cls, X: NDArray[np.float64]) -> Reference:
        """The statistics of training rows X (n, d), NaN where unknown, n > 0."""
        known = np.isfinite(X)
        quantiles = np.full((len(cls.LEVELS), X.shape[1]), np.nan)
        for column in range(X.shape[1]):
            values = X[known[:, column], column]
            if len(values):
                # Interpolation between two large values may overflow. Method "lower" takes one of the values.
                quantiles[:, column] = np.quantile(values, cls.LEVELS, method="lower")
        return cls(cls.LEVELS, quantiles, 1.0 - known.mean(axis=0))

    def arrays(self) -> dict[str, Array]:
        """Quantiles, and shares of unknown values."""
        return {"quantiles": self.quantiles, "unknown": self.unknown}

    @classmethod
    def array_types(cls, document: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """Types of the quantiles and shares, with one entry per column."""
        del c
        return {"quantiles": ("<f8", (len(document["levels"]), d)), "unknown": ("<f8", (d,))}

    @classmethod
    def read(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> Reference:
        """The section."""
        return cls(tuple(document["levels"]), arrays["quantiles"], arrays["unknown"])


@dataclass(frozen=True)
class Provenance(Section):
    """The origin of a model.

    Attributes:
        package_version: Version of the package that made it.
        created: UTC time, ISO 8601. `train` gives the end of the newest interval, so that equal runs give equal bytes.
        seed: Seed of the training.
        training: Training options, as JSON data.
        metrics: Scores on held-out data, as JSON data.
        bags: `name`, `sha256` and, if known, `part` of each bag used.
        left_out: `name` and `problem` of each bag that was given and could not be used.
    """

    package_version: Annotated[str, Key({"type": "string"}, "of the package that made the model")]
    created: Annotated[
        str,
        Key(
            {
                "type": "string",
                "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z",
                "description": "a UTC time such as 2025-01-31T12:00:00Z",
            },
            "UTC, ISO 8601: end of the newest interval trained on, or `SOURCE_DATE_EPOCH`",
        ),
    ]
    seed: Annotated[int, Key({"type": "integer", "minimum": 0}, "of the training")]
    training: Annotated[Mapping[str, Any], Key({"type": "object"}, "the training options")]
    metrics: Annotated[Mapping[str, Any], Key({"type": "object"}, "scores, see [training](training.md#the-scores)")]
    bags: tuple[Mapping[str, str], ...] = ()
    left_out: tuple[Mapping[str, str], ...] = ()

    name: ClassVar[str] = "provenance"

    def __post_init__(self) -> None:
        for name in ("training", "metrics"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        object.__setattr__(self, "bags", tuple(plain(bag) for bag in self.bags))
        object.__setattr__(self, "left_out", tuple(plain(bag) for bag in self.left_out))
        object.__setattr__(self, "seed", int(self.seed))

    @classmethod
    def declared_keys(cls) -> dict[str, Key]:
        """The declared keys and the size of the list of bags. A fleet's list is too long for the manifest itself."""
        size = {"type": "integer", "minimum": 0, "maximum": bag_list.MAX_BYTES}
        return {**super().declared_keys(), "bags": Key(size, "bytes of the array `provenance.bags`")}

    def document(self) -> dict[str, Any]:
        """The declared keys and the size of the list of bags."""
        own = {name: plain(getattr(self, name)) for name in super().declared_keys()}
        return {**own, "bags": len(self._bag_list())}

    def arrays(self) -> dict[str, Array]:
        """The list of bags as text."""
        return {"bags": np.frombuffer(self._bag_list(), np.uint8)}

    def _bag_list(self) -> bytes:
        return bag_list.encode([*self.bags, *self.left_out])

    @classmethod
    def array_types(cls, document: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """Type of the list of bags."""
        del d, c
        return {"bags": ("|u1", (document["bags"],))}

    @classmethod
    def read(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> Provenance:
        """The section."""
        entries = bag_list.decode(arrays["bags"].tobytes())
        return cls(
            **{
                **document,
                "bags": tuple(entry for entry in entries if "problem" not in entry),
                "left_out": tuple(entry for entry in entries if "problem" in entry),
            }
        )


def validate_section(document: object, schema: Mapping[str, Any], key: str) -> None:
    """Check a part of the manifest against its JSON schema.

    Raises:
        ModelError: The part does not fit. The message has the key, the value found and the value expected.
    """
    try:
        validate(document, schema, "manifest", key)
    except ConfigError as error:
        raise ModelError(str(error)) from None


def check_names(key: str, found: Sequence[object], expected: Sequence[str]) -> None:
    """Refuse a list of names that differs from the list of the sensors configuration.

    Raises:
        ModelError: The lists differ. The message has the first entry that differs.
    """
    for index, (one, other) in enumerate(zip_longest(found, expected)):
        if one != other:
            raise ModelError(
                f"manifest: key '{key}[{index}]': found {one!r}, expected {other!r} as in the sensors configuration"
            )


def _object(properties: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": {**properties, **(optional or {})},
    }
