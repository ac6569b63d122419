# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A trained classifier with everything that the robot needs, and its file."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier import __version__
from obstacle_classifier.errors import ConfigError, ModelError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.files import write_atomically
from obstacle_classifier.model import manifest, model_file
from obstacle_classifier.model.container import array_type
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.model.golden import GoldenVectors
from obstacle_classifier.model.predictor import Calibration, Predictor
from obstacle_classifier.model.section import Section
from obstacle_classifier.model.sections import (
    LabelsSection,
    NetworkSection,
    Provenance,
    Reference,
    SensorsSection,
    check_names,
)
from obstacle_classifier.networks import Array, Network

__all__ = ["Model"]

_MAX_MESSAGE = 400  # characters; a hostile file may have long names


@dataclass(frozen=True, eq=False)
class Model:
    """A classifier of d columns and c labels. Its arrays are read-only. Models with equal digests are equal.

    Attributes:
        sensors: The sensors configuration, which defines the columns.
        network: Kind, spec and arrays of the network.
        decisions: Calibration and rule of each label.
        golden: Test vectors.
        provenance: Origin, training options, scores and bags.
        reference: Statistics of the training columns; None in a model from a file of format 1.

    Raises:
        ModelError: The parts do not fit together, or have unusable numbers.
    """

    sensors: SensorsConfig
    network: NetworkSection
    decisions: LabelsSection
    golden: GoldenVectors
    provenance: Provenance
    reference: Reference | None = None

    def __post_init__(self) -> None:
        for sensor in self.sensors.sensors:
            if sensor.lacks_definition:
                raise ModelError(f"sensors.{sensor.name}: the definition of {sensor.type} is missing")
        check_names("labels", self.decisions.labels, self.sensors.labels)
        document = self.document
        types = manifest.array_types(document)
        manifest.check_array_types(document, types, {name: array_type(array) for name, array in self.arrays.items()})
        self.network.restore().check(self.sensors.layout)

    @classmethod
    def create(
        cls,
        *,
        sensors: SensorsConfig,
        network: Network,
        calibration: Sequence[Calibration] | None = None,
        rules: Sequence[DecisionRule] | None = None,
        smoothing: Sequence[float] | None = None,
        reference: Reference | None = None,
        metrics: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        seed: int = 0,
        bags: Sequence[Mapping[str, str]] = (),
        left_out: Sequence[Mapping[str, str]] = (),
        created: int | None = None,
    ) -> Model:
        """A new model with golden vectors drawn from the seed.

        The defaults are the identity as calibration, a threshold of 0.5 as rule, and no smoothing. The creation time is
        SOURCE_DATE_EPOCH, or else `created` in seconds since 1970, or else now.

        Raises:
            ModelError: The numbers are unusable, for instance because the training diverged.
            ConfigError: SOURCE_DATE_EPOCH is not a time.
        """
        c = len(sensors.labels)
        calibration = (Calibration(),) * c if calibration is None else tuple(calibration)
        rules = (DecisionRule(),) * c if rules is None else tuple(rules)
        provenance = Provenance(
            __version__, _time(created), seed, training or {}, metrics or {}, tuple(bags), tuple(left_out)
        )
        smoothing = (0.0,) * c if smoothing is None else tuple(smoothing)
        decisions = LabelsSection(sensors.labels, calibration, rules, smoothing)
        network.check(sensors.layout)
        section = NetworkSection.of(network)
        _check_size(sensors, section, decisions, provenance, reference)
        centre, deviation = _typical(reference, len(sensors.columns))
        predictor = Predictor(network.compile(), calibration, smoothing)
        golden = GoldenVectors.draw(predictor, sensors.layout, centre, deviation, seed)
        return cls(sensors, section, decisions, golden, provenance, reference)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """The model of a file, checked completely.

        The members, their types and sizes are checked against the manifest and the limits before an array is read. Then
        come the digest, the numbers, and the golden vectors on this machine.

        Raises:
            ModelError: A check failed. The message has the file, the place, the value found and the value expected.
        """
        try:
            model = _from_file(*model_file.read(path))
        except ModelError as error:
            raise ModelError(f"{path}: {' '.join(str(error).split())[:_MAX_MESSAGE]}") from None
        except MemoryError:
            raise ModelError(f"{path}: cannot be read: out of memory") from None
        return model

    def save(self, path: str | Path) -> None:
        """Write the model file. At every instant, `path` holds the old file or the complete new file.

        The bytes must pass every check of `load` before the file is touched. Equal models give equal bytes.

        Raises:
            ModelError: The bytes fail a check of `load`, or the file cannot be written.
        """
        try:
            data = model_file.encode({**self.document, "digest": self.digest}, self.arrays)
            _from_file(*model_file.read_stream(io.BytesIO(data), len(data)))
        except ModelError as error:
            raise ModelError(f"{path}: not written, because it could not be loaded: {error}") from None
        try:
            write_atomically(path, data)
        except OSError as error:
            raise ModelError(f"{path}: cannot be written: {error.strerror or error}") from None

    def with_metrics(self, metrics: Mapping[str, Any]) -> Model:
        """A copy of the model with these scores."""
        return replace(self, provenance=replace(self.provenance, metrics=metrics))

    def with_rules(self, rules: Sequence[DecisionRule]) -> Model:
        """A copy of the model with these decision rules, one for each label."""
        return replace(self, decisions=replace(self.decisions, rules=tuple(rules)))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the c labels."""
        return self.sensors.labels

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the d feature columns."""
        return self.sensors.columns

    @property
    def calibration(self) -> tuple[Calibration, ...]:
        """Calibration of each label's logit."""
        return self.decisions.calibration

    @property
    def rules(self) -> tuple[DecisionRule, ...]:
        """Decision rule of each label."""
        return self.decisions.rules

    @property
    def smoothing(self) -> tuple[float, ...]:
        """Mean delay of each label's smoothed logit, in intervals; 0 smooths nothing."""
        return self.decisions.smoothing

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Scores on held-out data."""
        return self.provenance.metrics

    @property
    def bags(self) -> tuple[Mapping[str, str], ...]:
        """`name`, `sha256` and, if known, `part` of each bag used."""
        return self.provenance.bags

    @property
    def sections(self) -> dict[str, Section]:
        """The sections of the file by name."""
        return _sections(self.sensors, self.network, self.decisions, self.golden, self.provenance, self.reference)

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of the file by name, `<section>.<array>`."""
        return _arrays(self.sections)

    @property
    def document(self) -> dict[str, Any]:
        """The manifest of the file, without the digest."""
        return _document(self.sections)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content of the file, in hexadecimal."""
        return manifest.digest(self.document, self.arrays)

    def predictor(self) -> Predictor:
        """A new predictor with its own buffers and memory. Use one predictor per thread."""
        return Predictor(self.network.restore().compile(), self.calibration, self.smoothing)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Model) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)


def _sections(
    sensors: SensorsConfig,
    network: NetworkSection,
    decisions: LabelsSection,
    golden: GoldenVectors,
    provenance: Provenance,
    reference: Reference | None,
) -> dict[str, Section]:
    sections = [SensorsSection.of(sensors), network, decisions, golden, provenance, reference]
    own: dict[str, Section] = {section.name: section for section in sections if section is not None}
    return {kind.name: own[kind.name] for kind in manifest.SECTIONS if kind.name in own}


def _document(sections: Mapping[str, Section]) -> dict[str, Any]:
    return {
        "format": manifest.FORMAT,
        "version": manifest.VERSION,
        "minor": manifest.MINOR,
        "sections": {name: section.document() for name, section in sections.items()},
    }


def _arrays(sections: Mapping[str, Section]) -> dict[str, Array]:
    return {f"{name}.{own}": array for name, section in sections.items() for own, array in section.arrays().items()}


def _from_file(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> Model:
    sections = manifest.read_sections(document, arrays)
    model = Model(
        sensors=sections["sensors"].config,
        network=sections["network"],
        decisions=sections["labels"],
        golden=sections["golden"],
        provenance=sections["provenance"],
        reference=sections.get("reference"),
    )
    model.golden.check(model.predictor(), model.labels)
    return model


def _check_size(
    sensors: SensorsConfig,
    network: NetworkSection,
    decisions: LabelsSection,
    provenance: Provenance,
    reference: Reference | None,
) -> None:
    """Refuse a model that is too large for a file, before golden vectors are drawn."""
    d, c = len(sensors.columns), len(sensors.labels)
    blank = GoldenVectors(np.zeros((1, d)), np.zeros((1, c), np.float32))
    document = _document(_sections(sensors, network, decisions, blank, provenance, reference))
    manifest.encode(document)
    manifest.array_types(document)


def _typical(reference: Reference | None, d: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and deviation (d,) of the columns, for the draw of golden vectors."""
    if reference is None:
        return np.zeros(d), np.ones(d)
    low, centre, high = (reference.quantiles[reference.levels.index(level)] for level in (0.05, 0.5, 0.95))
    # In a normal distribution, the quantiles of 5 % and 95 % are 3.29 deviations apart.
    deviation = np.where(np.isfinite(high) & (high > low), high / 3.29 - low / 3.29, 1.0)
    return np.where(np.isfinite(centre), centre, 0.0), deviation


def _time(created: int | None) -> str:
    """UTC of SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch), or `created`, or now."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", created)
    try:
        time = datetime.now(timezone.utc) if epoch is None else datetime.fromtimestamp(int(epoch), timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise ConfigError(f"SOURCE_DATE_EPOCH: found {epoch!r}, expected whole seconds since 1970") from None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
