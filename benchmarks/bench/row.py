# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A row of the table, its figures, and a curve of how cost grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Curve", "Figure", "Result", "Row"]

PACKAGE = ".venv"
PEERS = ".venv-bench"


@dataclass(frozen=True)
class Figure:
    """One comparison.

    Attributes:
        peer: The tool on the other side; empty if the target is a limit of our own figure.
        ours: Our figure, in `unit`. Less is better.
        theirs: The peer's figure, None without a peer.
        unit: Unit of both.
        most: The target: the largest ratio ours / theirs, or without a peer the largest `ours`; None if there is none.
    """

    peer: str
    ours: float
    theirs: float | None
    unit: str
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the peer's; None without a peer."""
        return None if self.theirs is None else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is none."""
        return None if self.most is None else (self.ours if self.ratio is None else self.ratio) <= self.most


@dataclass(frozen=True)
class Curve:
    """How a cost grows with one quantity.

    Attributes:
        title: The cost.
        quantity: Name of the quantity, with its unit.
        unit: Unit of the cost.
        x: Values of the quantity, rising.
        y: The cost at each, by the name of the line.
    """

    title: str
    quantity: str
    unit: str
    x: Sequence[float]
    y: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Result:
    """What the process of a row reports.

    Attributes:
        figures: The comparisons.
        curves: How the costs grow.
        profile: What our side spends its time on, as text; empty if not taken.
    """

    figures: Sequence[Figure] = ()
    curves: Sequence[Curve] = ()
    profile: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Result:
        """The result of `to_json`."""
        return cls(
            [Figure(**figure) for figure in document["figures"]],
            [Curve(**curve) for curve in document["curves"]],
            document["profile"],
        )


@dataclass(frozen=True)
class Row:
    """Where a row is measured.

    Attributes:
        name: Name in the table; `--rows` selects by a part of it.
        module: Module of `benchmarks.bench` with the function `measure(*arguments) -> Result`.
        arguments: Its arguments, plain JSON.
        environment: Folder of the environment: `PACKAGE` has ROS and rosbags, `PEERS` has onnxruntime and PyTorch.
    """

    name: str
    module: str
    arguments: Sequence[Any] = field(default=())
    environment: str = PACKAGE
