# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest

from obstacle_classifier.nn import check_gradients
from obstacle_classifier.nn import operations as op
from obstacle_classifier.nn.autodiff import Tape
from obstacle_classifier.nn.softmax import cross_entropy, grad_cross_entropy, log_softmax, softmax

pytestmark = pytest.mark.runtime

Z = 3 * np.random.default_rng(0).normal(size=(6, 4))
Y = np.eye(4)[[0, 1, 2, 3, 3, 0]]


def test_by_hand() -> None:
    np.testing.assert_allclose(softmax([[0.0, np.log(3)]]), [[0.25, 0.75]], rtol=1e-15)
    assert cross_entropy([[1, 0], [0, 1]], [[0.0, np.log(3)]] * 2) == pytest.approx((np.log(4) + np.log(4 / 3)) / 2)
    np.testing.assert_allclose(grad_cross_entropy([[1, 0]], [[0.0, np.log(3)]]), [[-0.75, 0.75]], rtol=1e-15)


def test_probabilities_sum_to_one_and_ignore_what_all_logits_share() -> None:
    np.testing.assert_allclose(softmax(Z).sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(softmax(Z + 1000), softmax(Z), rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_softmax(Z)), softmax(Z), rtol=1e-14)


def test_no_logit_overflows() -> None:
    huge = np.array([[1e300, 0.0, -1e300]])
    np.testing.assert_array_equal(softmax(huge), [[1, 0, 0]])
    assert cross_entropy([[0, 1, 0]], huge) == 1e300
    np.testing.assert_array_equal(grad_cross_entropy([[0, 1, 0]], huge), [[1, -1, 0]])


def test_gradient_is_central_differences_the_tapes_and_that_of_the_two_steps() -> None:
    logits = Z.copy()
    gradient = grad_cross_entropy(Y, logits)
    check_gradients(lambda: cross_entropy(Y, logits), [("dZ", logits, gradient)])

    tape = Tape()
    z, y = tape.input("Z"), tape.input("Y")
    fused, composed = op.cross_entropy(z, y), -1 / len(Z) * op.sum_(y * op.log(op.softmax(z)))
    tape.forward({"Z": Z, "Y": Y})
    for loss in (fused, composed):
        assert loss.value == pytest.approx(cross_entropy(Y, Z), rel=1e-14)
        np.testing.assert_allclose(gradient, tape.backward(loss)["Z"], rtol=1e-10, atol=1e-14)


def test_value_and_gradient_are_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, to compare with, is not installed")
    z = torch.tensor(Z, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(z, torch.tensor(Y))
    loss.backward()
    assert cross_entropy(Y, Z) == pytest.approx(loss.item(), rel=1e-14)
    np.testing.assert_allclose(grad_cross_entropy(Y, Z), z.grad.numpy(), rtol=1e-10, atol=1e-14)


def test_float32_is_kept() -> None:
    assert softmax(Z.astype(np.float32)).dtype == np.float32
    assert grad_cross_entropy(Y, Z.astype(np.float32)).dtype == np.float32
