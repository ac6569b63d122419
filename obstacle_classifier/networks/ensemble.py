# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Several multilayer perceptrons behind one piecewise-linear encoding; their probabilities are averaged.

One member is a single network with the same encoding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy import add, divide, exp, log, maximum, minimum, multiply, reciprocal, subtract  # one look-up instead of two

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import Layout
from obstacle_classifier.networks.network import Array, ArrayType, Batch, Float32Array, Floats, Network
from obstacle_classifier.networks.numbers import MAX_FEATURE, MAX_PARAMETER, refuse
from obstacle_classifier.nn.encoding import CompiledEncoding, Encoding
from obstacle_classifier.nn.inference import aligned_double
from obstacle_classifier.nn.stacked_inference import CompiledStackedMLP
from obstacle_classifier.nn.stacked_mlp import StackedMLP

__all__ = ["CompiledEnsemble", "EnsembleNetwork", "logit_of_mean"]

MEMBERS = 8
BINS = 8
MOST_ENTRIES = 1200  # of an encoding with more than one bin a column: the first product costs most of an interval
MAX_ENTRY = 1e6  # of an encoded value; fitted ones are at most 4
START_ROWS = 2048  # training rows that the first weights are fitted to

_LEAST, _MOST = np.array(-700.0), np.array(700.0)  # e^700 is finite in float64
_ZERO, _ONE = np.array(0.0), np.array(1.0)


class EnsembleNetwork(Network):
    """Encode, k members side by side, logit of their mean probability.

    Args:
        encoding: Of the raw columns.
        stack: The members, float32, as wide as the encoding.

    Raises:
        ModelError: The widths differ.
    """

    kind: ClassVar[str] = "ensemble"
    spec_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["members", "columns", "entries", "hidden", "labels", "activation", "dtype"],
        "properties": {
            "members": {"type": "integer", "minimum": 1, "maximum": 64},
            "columns": {"type": "integer", "minimum": 1},
            "entries": {"type": "integer", "minimum": 1},
            "hidden": {"type": "integer", "minimum": 1, "maximum": 4096},
            "labels": {"type": "integer", "minimum": 1},
            "activation": {"type": "string", "enum": ["scaled_relu"]},
            "dtype": {"type": "string", "enum": ["float32"]},
        },
    }

    def __init__(self, encoding: Encoding, stack: StackedMLP, columns: int) -> None:
        self.encoding, self.stack, self._columns = encoding, stack, columns
        self._check_width()

    @classmethod
    def create(
        cls,
        X: Floats,
        layout: Layout,
        c: int,
        *,
        hidden: int,
        rng: np.random.Generator,
        members: int = MEMBERS,
        bins: int = BINS,
    ) -> EnsembleNetwork:
        """The encoding of the training rows X, and first weights fitted to them.

        Args:
            X: (n, d) float64 raw training features, NaN where unknown.
            layout: The d columns; the `missing` ones are 0 or 1.
            c: Number of labels.
            hidden: Units of a hidden layer of a member.
            rng: Source of the first weights.
            members: Number of members, k.
            bins: Bins of a column at most; fewer where many columns would make more than 1200 entries.
        """
        encoding = fit_encoding(X, layout, bins)
        stack = StackedMLP(members, len(encoding), hidden, c, rng, np.float32)
        rows = rng.permutation(len(X))[:START_ROWS]
        stack.start_from_data(encoding(X[rows]))
        return cls(encoding, stack, len(layout.columns))

    def _check_width(self) -> None:
        inputs, e = self.stack.shape[1], len(self.encoding)
        if inputs != e:
            raise ModelError(f"network: found {inputs} inputs for an encoding of {e} entries")

    @property
    def members(self) -> int:
        """Number of members."""
        return int(self.stack.shape[0])

    def subset(self, members: slice) -> EnsembleNetwork:
        """Some of the members, with the same arrays."""
        return type(self)(self.encoding, self.stack.subset(members), self._columns)

    def entries_of(self, columns: slice) -> tuple[slice, ...]:
        """The entries of the inputs that read columns start to stop."""
        return (self.encoding.entries_of(columns),)

    @classmethod
    def array_types(cls, spec: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """The encoding's arrays, and (W, b) of each Linear of all members."""
        k, e, h = spec["members"], spec["entries"], spec["hidden"]
        if (spec["columns"], spec["labels"]) != (d, c):
            found = f"{spec['columns']} columns and {spec['labels']} labels"
            raise ModelError(f"network of {found}: expected {d} columns and {c} labels")
        types: dict[str, ArrayType] = {"column": ("<i8", (e,))}
        types.update(dict.fromkeys(("least", "most", "origin", "width"), ("<f8", (e,))))
        for index, (i, o) in enumerate(((e, h), (h, h), (h, c))):
            types[f"W{index}"], types[f"b{index}"] = ("<f4", (k, i, o)), ("<f4", (k, o))
        return types

    @classmethod
    def restore(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array]) -> EnsembleNetwork:
        """The network of a model file."""
        encoding = Encoding(
            np.array(arrays["column"], np.intp),
            *(np.array(arrays[name], np.float64) for name in ("least", "most", "origin", "width")),
        )
        W, b = ([np.array(arrays[f"{name}{index}"], np.float32) for index in range(3)] for name in "Wb")
        return cls(encoding, StackedMLP.of(W, b), spec["columns"])

    def spec(self) -> dict[str, Any]:
        """Sizes, `activation` and `dtype`."""
        k, e, h, c = self.stack.shape
        sizes = {"members": k, "columns": self._columns, "entries": e, "hidden": h, "labels": c}
        return {**sizes, "activation": "scaled_relu", "dtype": "float32"}

    def arrays(self) -> dict[str, Array]:
        """The encoding's arrays and the parameters."""
        return {"column": self.encoding.column, **self.encoding.numbers(), **self.parameters()}

    def summary(self) -> str:
        """Members, widths and number of parameters."""
        k, e, h, c = self.stack.shape
        return f"{k} x ({self._columns} -> {e} -> {h} -> {h} -> {c}), {super().summary()}"

    def parameters(self) -> dict[str, Array]:
        """W0 (k, e, h), b0 (k, h), W1, b1, W2, b2."""
        return dict(zip(("W0", "b0", "W1", "b1", "W2", "b2"), self.stack.parameters, strict=True))

    def check(self, layout: Layout) -> None:
        """Refuse numbers that are not finite or too large, and an encoding that reads columns that do not exist."""
        for name, array in self.parameters().items():
            refuse(name, array, ~(np.abs(array) <= MAX_PARAMETER), f"numbers of at most {MAX_PARAMETER:g}")
        encoding = self.encoding
        column = encoding.column.astype(np.float64)
        d = len(layout.columns)
        refuse("column", column, (column < 0) | (column >= d), f"0 to {d - 1}")
        refuse("column", column, np.diff(column, prepend=0) < 0, "indices that do not fall")
        for name, array in encoding.numbers().items():
            refuse(name, array, ~(np.abs(array) <= MAX_FEATURE), f"numbers of at most {MAX_FEATURE:g}")
        refuse("width", encoding.width, ~(encoding.width > 0), "more than 0")
        refuse("most", encoding.most, encoding.most < encoding.least, "at least `least`")
        for name, limit in (("least", encoding.least), ("most", encoding.most)):
            with np.errstate(over="ignore"):
                entry = (limit - encoding.origin) / encoding.width
            refuse(name, limit, ~(np.abs(entry) <= MAX_ENTRY), f"at most {MAX_ENTRY:g} widths from the origin")

    def inputs(self, X: Floats) -> Float32Array:
        """Encoded rows (n, e), 0 where unknown."""
        return self.encoding(X)

    def member_logits(self, inputs: Float32Array) -> Float32Array:
        """Logits (k, n, c) of each member for encoded rows (n, e)."""
        return self.stack.logits(inputs)

    def logits(self, inputs: Float32Array) -> Float32Array:
        """Logits (n, c) of the members' mean probability for encoded rows (n, e)."""
        return logit_of_mean(self.member_logits(inputs)).astype(np.float32)

    def gradients(self, batch: Batch) -> tuple[float, dict[str, Array]]:
        """The mean of the members' exact losses, and its gradients, in buffers that the next call overwrites.

        The batch may have a first axis of members: inputs (k, n, e) and targets (k, n, c).
        """
        loss, gradients = self.stack.loss_and_gradients(batch.inputs, batch.targets)
        return loss, dict(zip(self.parameters(), gradients, strict=True))

    def compile(self) -> CompiledEnsemble:
        """The network for one feature vector a call."""
        return CompiledEnsemble(self.encoding, self.stack)


class CompiledEnsemble:
    """Encode, members, mean, without allocation."""

    def __init__(self, encoding: Encoding, stack: StackedMLP) -> None:
        self._members = CompiledStackedMLP(stack)
        self._encode = CompiledEncoding(encoding, self._members.inputs[: len(encoding)])
        self._mean = _MeanLogit(stack.shape[0], stack.shape[-1])

    def logits(self, x: Floats) -> Floats:
        """Logits (c,) float64 of raw features x (d,), in a buffer that the next call overwrites."""
        self._encode(x)
        return self._mean(self._members.logits())

    def spread(self) -> Float32Array | None:
        """Standard deviation (c,) of the members' probabilities at the last call, a new array; None of one member."""
        return self._mean.spread()

    def reset(self) -> None:
        """Do nothing: the network has no memory."""

    def margin(self) -> float:
        """Distance of the nearest hidden unit of any member to ScaledReLU's jump: min |z - 1| at the last call."""
        return self._members.nearest_jump()


def fit_encoding(X: Floats, layout: Layout, bins: int, vectors: int = 1) -> Encoding:
    """The encoding of training rows X (n, d), with at most 1200 entries in all `vectors` if one bin a column allows."""
    encoding = Encoding.fit(X, bins, layout.is_missing)
    while vectors * len(encoding) > MOST_ENTRIES and bins > 1:
        bins -= 1
        encoding = Encoding.fit(X, bins, layout.is_missing)
    return encoding


class _MeanLogit:
    """`logit_of_mean` for the logits (k, c) of one vector, in buffers."""

    def __init__(self, k: int, c: int) -> None:
        self._e, self._pq, self._sums = np.empty((k, c)), aligned_double((2 * k, c)), np.empty((2, c))
        self._p, self._q = self._pq[:k], self._pq[k:]
        self._present, self._absent = self._sums
        self._logit, self._square = np.empty(c), np.empty(c)
        # Products with ones: a third of the time of a sum over an axis.
        self._select = aligned_double((2, 2 * k))
        self._select[0, :k] = self._select[1, k:] = 1
        self._ones, self._k = np.ones(k), np.array(float(k))

    def __call__(self, Z: Float32Array) -> Floats:
        e, p, q = self._e, self._p, self._q
        e[...] = Z
        minimum(e, _MOST, out=e)
        maximum(e, _LEAST, out=e)
        exp(e, e)
        add(e, _ONE, q)
        reciprocal(q, q)
        multiply(e, q, p)
        self._select.dot(self._pq, self._sums)
        divide(self._present, self._absent, self._logit)
        return log(self._logit, self._logit)

    def spread(self) -> Float32Array | None:
        """Root of the mean square less the square of the mean: three times as fast as `std`, and exact enough."""
        if self._k == 1:
            return None
        mean, square = self._present / self._k, self._square
        self._ones.dot(multiply(self._p, self._p, self._e), square)
        divide(square, self._k, square)
        subtract(square, mean * mean, square)
        maximum(square, _ZERO, out=square)  # rounding
        return np.sqrt(square, square).astype(np.float32)


def logit_of_mean(Z: Array) -> Floats:
    """Logit of the mean probability of members with logits Z (k, ...), in float64.

    With p = e^z / (1 + e^z) and 1 - p = 1 / (1 + e^z), it is log(sum p / sum (1 - p)): a probability near 1 keeps its
    small distance from 1. Logits count as at most 700 either way.
    """
    e = np.exp(np.clip(np.asarray(Z, np.float64), _LEAST, _MOST))
    q = 1 / (1 + e)
    logit: Floats = np.log((e * q).sum(axis=0) / q.sum(axis=0))
    return logit
