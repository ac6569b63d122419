# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reverse-mode differentiation on a Wengert list, in float64.

Expressions of registers write a list of steps, one operation each. `Tape.forward` computes the values from the first
step to the last, `Tape.backward` the adjoints from the last step to the first. Every operation has its forward and its
backward side by side, and nothing is shared with the layers: the tape is the independent check of their hand-written
backwards, and a way to try a layer before one is written. Arithmetic is here, all other operations in `operations`.

    tape = Tape()
    X, Y = tape.input("X"), tape.input("Y")
    W = tape.parameter("W", np.zeros((4, 3)))
    loss = cross_entropy(X @ W, Y)
    tape.forward({"X": ..., "Y": ...})
    gradients = tape.backward(loss)  # {"X": ..., "Y": ..., "W": ...}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obstacle_classifier.nn.arrays import Array

__all__ = ["Floats", "Operation", "Register", "Tape", "gather"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Operation:
    """A function of arrays, beside its derivative.

    Attributes:
        name: For messages.
        forward: (*values, **options) to the value F.
        backward: (G, F, *values, **options) to dL/dvalue for each value, where G is dL/dF. A gradient may have the
            shape that its value was broadcast to.
    """

    name: str
    forward: Callable[..., Floats]
    backward: Callable[..., Sequence[Floats]]

    def __call__(self, *operands: Register, **options: Any) -> Register:
        """A step on the operands' tape."""
        return operands[0].tape.step(self, operands, options)


@dataclass(frozen=True, eq=False)
class Register:
    """One entry of the list: an input, a parameter, a constant, or the result of an operation.

    Attributes:
        tape: The list.
        index: The place in it.
        name: Name of an input or parameter, else "".
        varies: Whether an input or parameter is upstream; others get no gradient.
        operation: None for an input, parameter or constant.
        operands: What the operation is applied to.
        options: Keyword arguments of the operation.
    """

    tape: Tape = field(repr=False)
    index: int
    name: str = ""
    varies: bool = True
    operation: Operation | None = None
    operands: tuple[Register, ...] = field(default=(), repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> Floats:
        """The value of the last `Tape.forward`."""
        return self.tape.value(self)

    def __add__(self, other: Register | ArrayLike) -> Register:
        return _ADD(self, self.tape.register(other))

    def __radd__(self, other: ArrayLike) -> Register:
        return _ADD(self.tape.register(other), self)

    def __sub__(self, other: Register | ArrayLike) -> Register:
        return _SUBTRACT(self, self.tape.register(other))

    def __rsub__(self, other: ArrayLike) -> Register:
        return _SUBTRACT(self.tape.register(other), self)

    def __mul__(self, other: Register | ArrayLike) -> Register:
        return _MULTIPLY(self, self.tape.register(other))

    def __rmul__(self, other: ArrayLike) -> Register:
        return _MULTIPLY(self.tape.register(other), self)

    def __truediv__(self, other: Register | ArrayLike) -> Register:
        return _DIVIDE(self, self.tape.register(other))

    def __rtruediv__(self, other: ArrayLike) -> Register:
        return _DIVIDE(self.tape.register(other), self)

    def __matmul__(self, other: Register | ArrayLike) -> Register:
        return _MATMUL(self, self.tape.register(other))

    def __getitem__(self, key: Any) -> Register:
        return _SLICE(self, key=key)


class Tape:
    """The list of registers in the order of computation.

    Attributes:
        forward_steps: Operations whose value was computed, over all calls of `forward`.
        backward_steps: Operations whose adjoint was passed on, over all calls of `backward`.
    """

    def __init__(self) -> None:
        self.forward_steps = self.backward_steps = 0
        self._registers: list[Register] = []
        self._values: list[Floats | None] = []
        self._inputs: dict[str, Register] = {}
        self._parameters: dict[str, Register] = {}

    def input(self, name: str) -> Register:
        """A register whose value each `forward` is given."""
        return self._name(name, self._inputs, None)

    def parameter(self, name: str, value: Array) -> Register:
        """A register with a float64 array that training changes in place; the array itself is kept, not a copy."""
        if value.dtype != np.float64:
            raise ValueError(f"parameter {name} is {value.dtype}, the tape computes in float64")
        return self._name(name, self._parameters, np.asarray(value, np.float64))

    @property
    def parameters(self) -> dict[str, Floats]:
        """The arrays that training changes in place, by name; live, not copies."""
        return {name: register.value for name, register in self._parameters.items()}

    def register(self, value: Register | ArrayLike) -> Register:
        """The register itself, or a constant with this value, which gets no gradient."""
        if isinstance(value, Register):
            return value
        return self._append(np.asarray(value, np.float64), varies=False)

    def step(self, operation: Operation, operands: tuple[Register, ...], options: Mapping[str, Any]) -> Register:
        """A register for the operation's result."""
        if any(operand.tape is not self for operand in operands):
            raise ValueError(f"{operation.name}: an operand belongs to another tape")
        varies = any(operand.varies for operand in operands)
        return self._append(None, varies=varies, operation=operation, operands=operands, options=options)

    def value(self, register: Register) -> Floats:
        """The value of a register at the last `forward`."""
        value = self._values[register.index]
        if value is None:
            raise RuntimeError(f"register {register.index} has no value before a forward")
        return value

    def forward(self, inputs: Mapping[str, ArrayLike] | None = None) -> None:
        """Compute all values, in order.

        Raises:
            ValueError: The names are not those of the inputs, or an operation does not fit its operands.
        """
        inputs = inputs or {}
        if set(inputs) != set(self._inputs):
            raise ValueError(f"expected inputs {sorted(self._inputs)}, got {sorted(inputs)}")
        for name, value in inputs.items():
            self._values[self._inputs[name].index] = np.asarray(value, np.float64)
        for register in self._registers:
            if register.operation is not None:
                values = [operand.value for operand in register.operands]
                try:
                    self._values[register.index] = register.operation.forward(*values, **register.options)
                except ValueError as error:
                    shapes = ", ".join(str(value.shape) for value in values)
                    raise ValueError(f"step {register.index}, {register.operation.name} of {shapes}: {error}") from None
                self.forward_steps += 1

    def backward(self, output: Register, G: ArrayLike = 1.0) -> dict[str, Floats]:
        """The gradient of the sum of G times the output, for each input and parameter, by name and of its shape.

        Args:
            output: A register of the last `forward`: a loss, or any array.
            G: dL/doutput, of the output's shape.
        """
        G = np.asarray(G, np.float64)
        if G.shape != output.value.shape:
            raise ValueError(f"expected G of shape {output.value.shape}, got {G.shape}")
        adjoints: dict[int, Floats] = {output.index: G}
        for register in reversed(self._registers[: output.index + 1]):
            if register.operation is None or not register.varies or register.index not in adjoints:
                continue
            values = [operand.value for operand in register.operands]
            G = adjoints.pop(register.index)
            gradients = register.operation.backward(G, register.value, *values, **register.options)
            for operand, gradient in zip(register.operands, gradients, strict=True):
                if operand.varies:
                    part = _sum_to(np.asarray(gradient), operand.value.shape)
                    earlier = adjoints.get(operand.index)
                    adjoints[operand.index] = part if earlier is None else earlier + part
            self.backward_steps += 1
        named = {**self._inputs, **self._parameters}
        return {n: adjoints[r.index] if r.index in adjoints else np.zeros_like(r.value) for n, r in named.items()}

    def _name(self, name: str, named: dict[str, Register], value: Floats | None) -> Register:
        if name in self._inputs or name in self._parameters:
            raise ValueError(f"the name {name} is taken")
        named[name] = self._append(value, name=name)
        return named[name]

    def _append(self, value: Floats | None, **attributes: Any) -> Register:
        register = Register(self, len(self._registers), **attributes)
        self._registers.append(register)
        self._values.append(value)
        return register


def _sum_to(G: Floats, shape: tuple[int, ...]) -> Floats:
    """The gradient of a value of this shape that was broadcast to G's shape: the sum over the copies."""
    G = G.sum(axis=tuple(range(G.ndim - len(shape))))
    return np.asarray(G.sum(axis=tuple(i for i, length in enumerate(shape) if length == 1 < G.shape[i]), keepdims=True))


_ADD = Operation(
    "add",
    forward=lambda A, B: A + B,
    backward=lambda G, F, A, B: (G, G),
)
_SUBTRACT = Operation(
    "subtract",
    forward=lambda A, B: A - B,
    backward=lambda G, F, A, B: (G, -G),
)
_MULTIPLY = Operation(
    "multiply",
    forward=lambda A, B: A * B,
    backward=lambda G, F, A, B: (G * B, G * A),
)
_DIVIDE = Operation(
    "divide",
    forward=lambda A, B: A / B,
    backward=lambda G, F, A, B: (G / B, -G * F / B),
)
_MATMUL = Operation(  # of arrays of two or more dimensions
    "matmul",
    forward=lambda A, B: A @ B,
    backward=lambda G, F, A, B: (G @ B.swapaxes(-1, -2), A.swapaxes(-1, -2) @ G),
)
_SLICE = Operation(  # by integers and slices
    "slice",
    forward=lambda A, key: A[key],
    backward=lambda G, F, A, key: (_place(G, A, key),),
)


def _place(G: Floats, A: Floats, key: Any) -> Floats:
    """G where the key points to, 0 elsewhere."""
    placed = np.zeros_like(A)
    placed[key] = G
    return placed


def gather(x: Register, index: Callable[[NDArray[np.intp]], NDArray[np.intp]]) -> Register:
    """Entries of x, moved and repeated: whatever `index` makes of the array of x's shape that counts x's entries."""
    return _GATHER(x, index=index)


def _index(A: Floats, index: Callable[..., NDArray[np.intp]]) -> NDArray[np.intp]:
    return index(np.arange(A.size).reshape(A.shape))


_GATHER = Operation(
    "gather",
    forward=lambda A, index: A.ravel()[_index(A, index)],
    backward=lambda G, F, A, index: (
        np.bincount(_index(A, index).ravel(), G.ravel(), minlength=A.size).reshape(A.shape),
    ),
)
