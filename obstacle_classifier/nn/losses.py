# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The negative log-likelihood of independent labels: mean over the n examples, sum over the c labels.

    L = -1/n * sum(Y log P + (1 - Y) log(1 - P)),    P = sigmoid(Z)

There are two forms of the loss and of its gradient.

- From the probabilities P, as the layers compose: the loss clips P. The gradient has an eps against division by zero.
- From the logits Z, as training uses them: both are exact.

With G = get_grad_log_loss(Y, P) the two forms are related by

    G * P * (1 - P)  =  (P - Y)/n * P(1 - P) / (P(1 - P) + eps),

The composed gradient therefore equals the fused gradient, (P - Y)/n, up to a relative eps / P(1 - P). Where P is within
about eps of 0 or 1, the composed gradient vanishes, however wrong P is. In float32 this happens as soon as P rounds to
1 (Z > 17). The fused gradient does not vanish.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from obstacle_classifier.nn.activations import sigmoid
from obstacle_classifier.nn.arrays import Array, as_float

__all__ = ["get_grad_log_loss", "grad_log_loss_from_logits", "log_loss", "log_loss_from_logits", "pair"]


def log_loss(Y: ArrayLike, P: ArrayLike) -> float:
    """L from labels Y in [0, 1] and probabilities P, both (n, c).

    P is clipped to [eps, 1 - eps], where eps is the machine epsilon of P's dtype. A label's loss is therefore at most
    36 in float64 and 16 in float32. `log_loss_from_logits` has no such limit.
    """
    Y, P = pair(Y, P)
    eps = np.finfo(P.dtype).eps
    P = np.clip(P, eps, 1 - eps)
    return -float(np.sum(Y * np.log(P) + (1 - Y) * np.log1p(-P), dtype=np.float64)) / len(Y)


def log_loss_from_logits(Y: ArrayLike, Z: ArrayLike) -> float:
    """L from labels Y in [0, 1] and finite logits Z, both (n, c), exact up to rounding for every Z.

    The sum is over log(1 + e^z) - y z = max(z, 0) - y z + log1p(e^-|z|). In this form no cancellation removes the small
    loss of a certain and correct prediction.
    """
    Y, Z = pair(Y, Z)
    with np.errstate(under="ignore"):  # a vanishing loss is 0
        terms = np.maximum(Z, 0) - Y * Z + np.log1p(np.exp(-np.abs(Z)))
    return float(np.sum(terms, dtype=np.float64)) / len(Y)


def get_grad_log_loss(Y: ArrayLike, Y_hat: ArrayLike, eps: float = 1e-8) -> Array:
    """dL/dY_hat (n, c) from labels Y and probabilities Y_hat (n, c): (Y_hat - Y) / (Y_hat (1 - Y_hat) + eps) / n.

    After the sigmoid's backward this is (Y_hat - Y)/n away from saturation, and 0 where Y_hat is within eps of 0 or 1;
    see the module's docstring. The division by n is here and, for the fused form, in `grad_log_loss_from_logits`. No
    layer divides by n.
    """
    Y, Y_hat = pair(Y, Y_hat)
    with np.errstate(under="ignore"):
        return np.asarray((Y_hat - Y) / (Y_hat * (1 - Y_hat) + eps) / len(Y))


def grad_log_loss_from_logits(Y: ArrayLike, Z: ArrayLike) -> Array:
    """dL/dZ (n, c) from labels Y and logits Z (n, c): (P - Y)/n with P = sigmoid(Z), also in saturation."""
    Y, Z = pair(Y, Z)
    with np.errstate(under="ignore"):
        return np.asarray((sigmoid(Z) - Y) / len(Y))


def pair(Y: ArrayLike, prediction: ArrayLike) -> tuple[Array, Array]:
    """Both as floats of the prediction's dtype. Labels may be bool or integer."""
    prediction = as_float(prediction)
    Y = np.asarray(Y, dtype=prediction.dtype)
    if Y.shape != prediction.shape:
        raise ValueError(f"labels of shape {Y.shape} do not match predictions of shape {prediction.shape}")
    if Y.ndim == 0 or len(Y) == 0:
        raise ValueError(f"a mean over examples needs at least one, got shape {Y.shape}")
    return Y, prediction
