# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Golden vectors: inputs with their probabilities on the machine that made the model. Every load checks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import Layout
from obstacle_classifier.model.predictor import Predictor
from obstacle_classifier.model.section import Key, Section, read_only
from obstacle_classifier.networks import Array, ArrayType

__all__ = ["COUNT", "LEAST_MARGIN", "MARGIN", "TOLERANCE", "GoldenVectors"]

COUNT = 8
MARGIN = 1e-3  # preferred distance to a discontinuity of the network, where rounding would change the output
LEAST_MARGIN = 2e-5  # smallest accepted distance; rounding moves a pre-activation by about 1e-6
TOLERANCE = 1e-4  # of a probability; BLAS kernels round differently

_MISSING, _UNKNOWN = 0.3, 0.2  # probabilities of a missing sensor and of an unknown column, in every second vector
_TRIES = 1000  # per vector

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GoldenVectors(Section):
    """Raw feature vectors and their probabilities.

    Attributes:
        inputs: (g, d) float64 raw features, NaN where unknown. A network with memory gets them in this order.
        outputs: (g, c) float32 probabilities.
    """

    inputs: NDArray[np.float64]
    outputs: NDArray[np.float32]

    name: ClassVar[str] = "golden"

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", read_only(self.inputs, "<f8"))
        object.__setattr__(self, "outputs", read_only(self.outputs, "<f4"))
        if np.isinf(self.inputs).any() or not ((self.outputs >= 0) & (self.outputs <= 1)).all():
            raise ModelError("golden vectors: found infinite inputs or outputs beyond 0 to 1")

    @classmethod
    def draw(cls, predictor: Predictor, layout: Layout, mean: Floats, scale: Floats, seed: int) -> GoldenVectors:
        """Eight random vectors with means `mean` and deviations `scale`.

        Every second vector has unknown columns and missing sensors. Each vector, after the ones before it, keeps the
        network at least 1e-3 away from its discontinuities, or is the best of 1000 draws.

        Raises:
            ModelError: Every draw of a vector is within 2e-5 of a discontinuity.
        """
        rng = np.random.default_rng([seed, COUNT])
        inputs = np.empty((COUNT, len(mean)))
        for row in range(COUNT):
            best = -1.0
            for _ in range(_TRIES):
                x = mean + scale * rng.standard_normal(len(mean))
                _set_missing(x, layout, rng, _MISSING * (row % 2), _UNKNOWN * (row % 2))
                _run(predictor, [*inputs[:row], x])
                if predictor.margin() > best:
                    best, inputs[row] = predictor.margin(), x
                if best > MARGIN:
                    break
            if best <= LEAST_MARGIN:
                raise ModelError(
                    f"the network keeps within {LEAST_MARGIN} of a discontinuity in {_TRIES} random inputs: "
                    "its outputs would differ from machine to machine"
                )
        return cls(inputs, np.stack(_run(predictor, inputs)))

    def check(self, predictor: Predictor, labels: Sequence[str]) -> None:
        """Compare the outputs on this machine with the outputs in the file.

        Raises:
            ModelError: An output differs by more than 1e-4. The message has the first such vector and label.
        """
        computed = np.stack(_run(predictor, self.inputs))
        wrong = np.argwhere(~(np.abs(computed - self.outputs) <= TOLERANCE))
        if len(wrong):
            row, column = wrong[0]
            raise ModelError(
                f"golden vector {row}, label {labels[column]}: computed {computed[row, column]:.6f}, "
                f"expected {self.outputs[row, column]:.6f} within {TOLERANCE}"
            )

    @classmethod
    def declared_keys(cls) -> dict[str, Key]:
        """The number of vectors."""
        schema = {"type": "integer", "minimum": 1, "maximum": 64}
        return {"count": Key(schema, "number g of golden vectors")}

    def document(self) -> dict[str, Any]:
        """The number of vectors."""
        return {"count": len(self.inputs)}

    def arrays(self) -> dict[str, Array]:
        """Inputs and outputs."""
        return {"inputs": self.inputs, "outputs": self.outputs}

    @classmethod
    def array_types(cls, document: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """Types of inputs and outputs, with one row per vector."""
        count = document["count"]
        return {"inputs": ("<f8", (count, d)), "outputs": ("<f4", (count, c))}

    @classmethod
    def read(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> GoldenVectors:
        """The section."""
        del document
        return cls(arrays["inputs"], arrays["outputs"])


def _run(predictor: Predictor, inputs: Sequence[Floats] | Floats) -> list[NDArray[np.float32]]:
    """Probabilities of consecutive vectors, computed one at a time as on the robot."""
    predictor.reset()
    return [predictor.probabilities(x) for x in inputs]


def _set_missing(x: Floats, layout: Layout, rng: np.random.Generator, missing: float, unknown: float) -> None:
    for place in layout.slices.values():
        first, last = place.start, place.stop - 1
        is_missing = rng.random() < missing
        x[first:last][rng.random(last - first) < (1.0 if is_missing else unknown)] = np.nan
        x[last] = is_missing
