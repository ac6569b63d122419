# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The interface of a network kind, and the registry of kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import Layout

__all__ = [
    "Array",
    "ArrayType",
    "Batch",
    "CompiledNetwork",
    "Memory",
    "Network",
    "network_class",
    "register",
    "registered",
]

Array = NDArray[Any]
ArrayType = tuple[str, tuple[int, ...]]  # dtype as NumPy writes it ('<f4'), shape
Floats = NDArray[np.float64]
Float32Array = NDArray[np.float32]


class Memory(Enum):
    """Where a network keeps earlier intervals.

    Those are the intervals of a run: consecutive known intervals of one recording. On the robot, `reset` begins a run.
    """

    NONE = "none"
    """Nowhere: the logits of an interval depend on its own features only."""

    INPUTS = "inputs"
    """In the inputs: each row of `Network.inputs` holds what the network needs of the earlier intervals of the run."""

    STATE = "state"
    """In a state: the logits depend on all earlier inputs of the run."""


@dataclass(frozen=True)
class Batch:
    """The examples of one training step.

    Attributes:
        inputs: (n, e) float32 rows from `Network.inputs`. For `Memory.STATE`, (n, t, e): stretches of t rows, each
            stretch from one run.
        targets: (n, c) float32 from 0 (absent) to 1 (present). For `Memory.STATE`, (n, t, c), with NaN where an
            interval is no target.
    """

    inputs: Float32Array
    targets: Float32Array


class CompiledNetwork(Protocol):
    """A network that takes one feature vector per call. It has its own buffers: use one instance per thread.

    The same sequence of calls after `reset` gives the same bits from every instance on a machine.
    """

    def logits(self, x: Floats) -> Array:
        """Logits (c,) of raw features x (d,) float64, NaN where unknown. The next call may overwrite the result."""

    def spread(self) -> Float32Array | None:
        """Standard deviation (c,) of the members' probabilities at the last call; None for a single network."""

    def reset(self) -> None:
        """Forget earlier feature vectors. A network without memory does nothing."""

    def margin(self) -> float:
        """Distance of the last call to the nearest discontinuity; infinite for a continuous network."""


class Network(ABC):
    """A network that can be trained, saved, restored and compiled. It owns its normaliser or encoder.

    Attributes:
        kind: Name of the kind in model files and training options.
        spec_schema: JSON schema of `spec()`.
        memory: Where the network keeps earlier intervals. With memory, `inputs` and `logits` take the rows of one run,
            in order and from its first interval on.
        options: Names of further keyword arguments of `create`. Training has an option of the same name for each.
    """

    kind: ClassVar[str]
    spec_schema: ClassVar[Mapping[str, Any]]
    memory: ClassVar[Memory] = Memory.NONE
    options: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def create(cls, X: Floats, layout: Layout, c: int, *, hidden: int, rng: np.random.Generator) -> Network:
        """An untrained network, with first weights drawn from `rng`.

        Args:
            X: (n, d) float64 raw training features, NaN where unknown. The normaliser is fitted to them.
            layout: Layout of the d columns.
            c: Number of labels.
            hidden: Number of units of a hidden layer.
            rng: Source of the first weights.
        """

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """The sizes and choices that `restore` needs in addition to the arrays, as plain JSON."""

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """All arrays that the model file stores, by name. They are not copies."""

    @classmethod
    @abstractmethod
    def array_types(cls, spec: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """The dtype and shape of each array of `arrays()`.

        Args:
            spec: The spec that a model file declares. It has passed `spec_schema`.
            d: Number of columns.
            c: Number of labels.

        Raises:
            ModelError: The spec is not for d columns and c labels.
        """

    @classmethod
    @abstractmethod
    def restore(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array]) -> Network:
        """A network with this spec and copies of these arrays. The arrays have the types of `array_types`."""

    @abstractmethod
    def check(self, layout: Layout) -> None:
        """Refuse numbers that a usable network cannot have.

        Raises:
            ModelError: The message has the array, the column or index, the number found and the numbers expected.
        """

    @abstractmethod
    def inputs(self, X: Floats) -> Float32Array:
        """Normalised or encoded rows (n, e) of raw features X (n, d): the inputs of `gradients` and `logits`."""

    @abstractmethod
    def logits(self, inputs: Float32Array) -> Float32Array:
        """Logits (n, c) of inputs (n, e)."""

    def summary(self) -> str:
        """A short description of the network for a reader."""
        return f"{self.kind}, {sum(array.size for array in self.parameters().values())} parameters"

    @abstractmethod
    def parameters(self) -> dict[str, Array]:
        """The arrays that training changes in place, by name. They are not copies."""

    @abstractmethod
    def gradients(self, batch: Batch) -> tuple[float, dict[str, Array]]:
        """The mean log loss of a batch, and its gradient for each array of `parameters()`."""

    @abstractmethod
    def compile(self) -> CompiledNetwork:
        """A network that takes one feature vector per call, with copies of the arrays."""


_KINDS: dict[str, type[Network]] = {}
AnyNetwork = TypeVar("AnyNetwork", bound=type[Network])


def register(network: AnyNetwork) -> AnyNetwork:
    """Add a kind to the registry, for model files and training options. Also works as a class decorator."""
    _KINDS[network.kind] = network
    return network


def registered() -> tuple[str, ...]:
    """Names of the registered kinds, sorted."""
    return tuple(sorted(_KINDS))


def network_class(kind: str) -> type[Network]:
    """The class of a kind.

    Raises:
        ModelError: The kind is not registered.
    """
    if kind not in _KINDS:
        raise ModelError(f"found network kind {kind!r}, expected one of: {', '.join(registered())}")
    return _KINDS[kind]
