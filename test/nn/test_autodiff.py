# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from obstacle_classifier.nn import MLP, GradientError, check_gradients, log_loss_from_logits, operations
from obstacle_classifier.nn import operations as op
from obstacle_classifier.nn.autodiff import Floats, Operation, Register, Tape, gather
from obstacle_classifier.nn.directional_check import NotDifferentiableError, check_direction
from test.helpers.networks import inputs_clear_of_jump

pytestmark = pytest.mark.runtime

Expression = Callable[..., Register]


def random(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=shape)


def worst_error(expression: Expression, *values: Floats) -> float:
    """Of both checks, for a random linear function of the expression of float64 inputs."""
    tape = Tape()
    registers = [tape.input(f"x{i}") for i in range(len(values))]
    out = expression(*registers)
    inputs = {f"x{i}": value for i, value in enumerate(values)}
    tape.forward(inputs)
    G = random(*out.value.shape, seed=9)
    gradients = [(name, inputs[name], gradient) for name, gradient in tape.backward(out, G).items()]

    def f() -> float:
        tape.forward(inputs)
        return float(np.sum(out.value * G))

    return max(check_gradients(f, gradients), check_direction(f, gradients, rng=1))


A, B, ROW = random(3, 4), random(3, 4, seed=1), random(4, seed=2)
POSITIVE = np.abs(B) + 0.5
IMAGES = random(2, 3, 5, 6)
EXPRESSIONS: dict[str, tuple[Expression, tuple[Floats, ...]]] = {
    "add": (lambda a, b: a + b, (A, B)),
    "add, broadcast": (lambda a, b: a + b, (A, ROW)),
    "add, broadcast first": (lambda a, b: a + b, (random(3, 1), ROW)),
    "add a number": (lambda a: 2.0 + (a + 1.0), (A,)),
    "subtract": (lambda a, b: a - b, (A, ROW)),
    "subtract from a number": (lambda a: 1.0 - a, (A,)),
    "multiply": (lambda a, b: a * b, (A, random(3, 1))),
    "multiply by a number": (lambda a: 3.0 * a * 2.0, (A,)),
    "divide": (lambda a, b: a / b, (A, POSITIVE)),
    "divide a number": (lambda a: 1.0 / a, (POSITIVE,)),
    "matmul": (lambda a, b: a @ b, (A, random(4, 2))),
    "matmul, stacked": (lambda a, b: a @ b, (random(2, 3, 4), random(2, 4, 5))),
    "matmul, stacked and broadcast": (lambda a, b: a @ b, (random(2, 3, 4), random(4, 5))),
    "relu": (op.relu, (A,)),
    "leaky relu": (lambda a: op.leaky_relu(a, 0.2), (A,)),
    "scaled relu": (op.scaled_relu, (3 * A,)),
    "sigmoid": (op.sigmoid, (A,)),
    "tanh": (op.tanh, (A,)),
    "exp": (op.exp, (A,)),
    "log": (op.log, (POSITIVE,)),
    "softmax": (op.softmax, (A,)),
    "cross-entropy": (op.cross_entropy, (A, np.abs(B))),
    "sum": (op.sum_, (A,)),
    "sum over an axis": (lambda a: op.sum_(a, 0), (A,)),
    "mean": (op.mean, (A,)),
    "mean over axes": (lambda a: op.mean(a, (0, 2)), (random(2, 3, 4),)),
    "maximum": (op.maximum, (A,)),
    "reshape": (lambda a: op.reshape(a, (2, -1)), (A,)),
    "transpose": (lambda a: op.transpose(a, (2, 0, 1)), (random(2, 3, 4),)),
    "concatenate": (lambda a, b: op.concatenate([a, b], 0), (A, random(2, 4))),
    "concatenate one twice": (lambda a: op.concatenate([a, a]), (A,)),
    "slice": (lambda a: a[:, 1:3] * a[0, 2:], (A,)),
    "gather": (lambda a: gather(a, lambda index: index[[0, 2, 0]]), (A,)),
    "windows": (lambda a: op.windows(a, (3, 2), (2, 1), (1, 0)), (IMAGES,)),
    "used twice": (lambda a: op.tanh(a) * a + a, (A,)),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_operation(name: str) -> None:
    expression, values = EXPRESSIONS[name]
    assert worst_error(expression, *(value.copy() for value in values)) < 1e-6


def test_every_operation_of_the_library_is_among_the_expressions() -> None:
    names = {
        name.rstrip("_").replace("_", " ").replace("cross entropy", "cross-entropy") for name in operations.__all__
    }
    assert names <= set(EXPRESSIONS)


@pytest.mark.parametrize(
    "wrong",
    [
        Operation("square", lambda A: A**2, lambda G, F, A: (G * A,)),
        Operation("off by a thousandth", np.tanh, lambda G, F, A: (G * (1 - F * F) * 1.001,)),
        Operation("one entry", np.exp, lambda G, F, A: (G * F * (1 + 1e-3 * (A.max() == A)),)),
        Operation("sign", lambda A: -A, lambda G, F, A: (G,)),
    ],
    ids=lambda operation: str(operation.name),
)
def test_a_wrong_derivative_is_found(wrong: Operation) -> None:
    with pytest.raises(GradientError, match="central differences give"):
        worst_error(wrong, A.copy())


@pytest.mark.parametrize("expression", [op.relu, op.scaled_relu, op.leaky_relu], ids=["kink", "jump", "leaky"])
def test_a_point_without_a_derivative_is_found(expression: Expression) -> None:
    tape = Tape()
    x = np.full((1, 2), 1.0 if expression is op.scaled_relu else 0.0)
    out = op.sum_(expression(tape.input("x")))

    def f() -> float:
        tape.forward({"x": x})
        return float(out.value)

    f()
    with pytest.raises(NotDifferentiableError, match=r"x: a jump or a kink lies within the step"):
        check_direction(f, [("x", x, tape.backward(out)["x"])], rng=0)


def test_the_network_by_the_tape() -> None:
    mlp = MLP(3, 8, 2, rng=0)
    X, Y = inputs_clear_of_jump(mlp, 7, seed=1), (random(7, 2) > 0).astype(float)
    tape = Tape()
    Z, y = tape.input("X"), tape.input("Y")
    for i, linear in enumerate(mlp.linears):
        Z = (op.scaled_relu(Z) if i else Z) @ tape.parameter(f"W{i}", linear.W) + tape.parameter(f"b{i}", linear.b)
    loss = op.sum_(op.log(1.0 + op.exp(Z)) - y * Z) / 7.0
    tape.forward({"X": X, "Y": Y})
    gradients = tape.backward(loss)
    expected_loss, expected = mlp.loss_and_gradients(X, Y)
    assert loss.value == pytest.approx(expected_loss, rel=1e-12)
    assert expected_loss == log_loss_from_logits(Y, mlp.logits(X))
    for i in range(3):
        np.testing.assert_allclose(gradients[f"W{i}"], expected[2 * i], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(gradients[f"b{i}"], expected[2 * i + 1], rtol=1e-10, atol=1e-14)


def test_by_hand() -> None:
    tape = Tape()
    a, b = tape.input("a"), tape.parameter("b", np.array(3.0))
    out = a * b + a
    tape.forward({"a": 2.0})
    assert out.value == 8.0
    assert tape.backward(out) == {"a": 4.0, "b": 2.0}
    assert (tape.forward_steps, tape.backward_steps) == (2, 2)


def test_steps_count_operations_and_leave_out_what_the_output_does_not_need() -> None:
    tape = Tape()
    a = tape.input("a")
    out = op.tanh(a) * tape.register(2.0)
    op.exp(out)
    constant = op.exp(tape.register(1.0))
    total = out + constant
    tape.forward({"a": 1.0})
    tape.backward(total)
    assert tape.forward_steps == 5
    assert tape.backward_steps == 3


def test_parameters_are_live_and_inputs_change_shape_between_runs() -> None:
    tape = Tape()
    W = np.ones((2, 1))
    out = tape.input("x") @ tape.parameter("W", W)
    for n in (1, 5):
        tape.forward({"x": np.ones((n, 2))})
        assert out.value.shape == (n, 1)
    W *= 3
    tape.forward({"x": np.ones((1, 2))})
    assert out.value == 6.0


def test_what_the_output_does_not_depend_on_gets_zeros() -> None:
    tape = Tape()
    a = tape.input("a")
    tape.parameter("unused", np.ones(3))
    tape.forward({"a": 1.0})
    np.testing.assert_array_equal(tape.backward(a)["unused"], np.zeros(3))


def test_errors_name_the_step() -> None:
    tape = Tape()
    out = tape.input("x") @ tape.parameter("W", np.ones((2, 1)))
    with pytest.raises(RuntimeError, match="register 2 has no value before a forward"):
        tape.value(out)
    with pytest.raises(ValueError, match=r"expected inputs \['x'\], got \['y'\]"):
        tape.forward({"y": 1.0})
    with pytest.raises(ValueError, match=r"step 2, matmul of \(1, 3\), \(2, 1\): "):
        tape.forward({"x": np.ones((1, 3))})
    with pytest.raises(ValueError, match="the name W is taken"):
        tape.input("W")
    with pytest.raises(ValueError, match="parameter f is float32"):
        tape.parameter("f", np.ones(1, np.float32))
    with pytest.raises(ValueError, match="another tape"):
        out + Tape().input("x")
    tape.forward({"x": np.ones((1, 2))})
    with pytest.raises(ValueError, match=r"expected G of shape \(1, 1\), got \(\)"):
        tape.backward(out)
