# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The contract of a network kind, and the registry of kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import Layout

__all__ = ["Array", "ArrayType", "Batch", "CompiledNetwork", "Network", "network_class", "register", "registered"]

Array = NDArray[Any]
ArrayType = tuple[str, tuple[int, ...]]  # dtype as NumPy writes it ('<f4'), shape
Floats = NDArray[np.float64]
Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Examples of one training step.

    Attributes:
        inputs: (n, e) float32, as `Network.inputs` makes them.
        targets: (n, c) float32 from 0 (absent) to 1 (present).
    """

    inputs: Float32Array
    targets: Float32Array


class CompiledNetwork(Protocol):
    """A network for one feature vector a call, in buffers of its own: one instance serves one thread.

    The same sequence of calls after `reset` gives the same bits, from every instance on a machine.
    """

    def logits(self, x: Floats) -> Array:
        """Logits (c,) of raw features x (d,) float64, NaN where unknown; the next call may overwrite the result."""

    def spread(self) -> Float32Array | None:
        """Standard deviation (c,) over the members' probabilities at the last call; None for a single network."""

    def reset(self) -> None:
        """Forget earlier feature vectors. A network without memory does nothing."""

    def margin(self) -> float:
        """Distance of the last call to the nearest discontinuity, infinite for a continuous network."""


class Network(ABC):
    """A network that can be trained, saved, restored and compiled. It owns its normaliser or encoder.

    Attributes:
        kind: Name of the kind in model files and training options.
        spec_schema: JSON schema of `spec()`.
    """

    kind: ClassVar[str]
    spec_schema: ClassVar[Mapping[str, Any]]

    @classmethod
    @abstractmethod
    def create(cls, X: Floats, layout: Layout, c: int, *, hidden: int, rng: np.random.Generator) -> Network:
        """A network before training, with first weights drawn from `rng`.

        Args:
            X: (n, d) float64 raw training features, NaN where unknown; they set the normaliser.
            layout: The d columns.
            c: Number of labels.
            hidden: Units of a hidden layer.
            rng: Source of the first weights.
        """

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """The sizes and choices that `restore` needs beside the arrays, as plain JSON."""

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """Everything numeric that a model file keeps, by name; live arrays, not copies."""

    @classmethod
    @abstractmethod
    def array_types(cls, spec: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """The dtype and shape of each of `arrays()`, from a spec that fits `spec_schema`.

        Args:
            spec: The spec that a model file declares.
            d: Number of columns.
            c: Number of labels.

        Raises:
            ModelError: The spec does not lead from d columns to c labels.
        """

    @classmethod
    @abstractmethod
    def restore(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array]) -> Network:
        """The network with this spec and copies of these arrays, which have the types of `array_types`."""

    @abstractmethod
    def check(self, layout: Layout) -> None:
        """Refuse numbers that no usable network has.

        Raises:
            ModelError: Naming the array, the column or index, what was found and what was expected.
        """

    @abstractmethod
    def inputs(self, X: Floats) -> Float32Array:
        """Normalised or encoded rows (n, e) of raw features X (n, d): the inputs of `gradients` and `logits`."""

    @abstractmethod
    def logits(self, inputs: Float32Array) -> Float32Array:
        """Logits (n, c) of inputs (n, e)."""

    def summary(self) -> str:
        """The network in a few words, for people."""
        return f"{self.kind}, {sum(array.size for array in self.parameters().values())} parameters"

    @abstractmethod
    def parameters(self) -> dict[str, Array]:
        """The arrays that training changes in place, by name; live, not copies."""

    @abstractmethod
    def gradients(self, batch: Batch) -> tuple[float, dict[str, Array]]:
        """The mean log loss of a batch, and its gradient for each of `parameters()`."""

    @abstractmethod
    def compile(self) -> CompiledNetwork:
        """The network for one feature vector a call, from copies of the arrays."""


_KINDS: dict[str, type[Network]] = {}
AnyNetwork = TypeVar("AnyNetwork", bound=type[Network])


def register(network: AnyNetwork) -> AnyNetwork:
    """Make a kind known to model files and training options; usable as a class decorator."""
    _KINDS[network.kind] = network
    return network


def registered() -> tuple[str, ...]:
    """Names of the known kinds, sorted."""
    return tuple(sorted(_KINDS))


def network_class(kind: str) -> type[Network]:
    """The class of a kind.

    Raises:
        ModelError: The kind is not known.
    """
    if kind not in _KINDS:
        raise ModelError(f"found network kind {kind!r}, expected one of: {', '.join(registered())}")
    return _KINDS[kind]
