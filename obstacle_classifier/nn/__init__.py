# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Layers, losses, initializers, optimizers, schedules, encoding, MLPs, fast inference and gradient check, in NumPy."""

from obstacle_classifier.nn.activations import scaled_relu, sigmoid
from obstacle_classifier.nn.encoding import Encoding
from obstacle_classifier.nn.gradient_check import GradientError, check_gradients, check_layer, check_network
from obstacle_classifier.nn.inference import CompiledMLP
from obstacle_classifier.nn.initializers import from_data, kaiming_normal, xavier_normal, xavier_uniform
from obstacle_classifier.nn.layers import Layer, Linear, ScaledReLU, Sigmoid
from obstacle_classifier.nn.losses import (
    get_grad_log_loss,
    grad_log_loss_from_logits,
    log_loss,
    log_loss_from_logits,
)
from obstacle_classifier.nn.mlp import MLP, backpropagate
from obstacle_classifier.nn.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, Optimizer
from obstacle_classifier.nn.schedules import Constant, Cosine, Exponential, Schedule, StepDecay, WarmUp
from obstacle_classifier.nn.stacked_inference import CompiledStackedMLP
from obstacle_classifier.nn.stacked_mlp import StackedMLP

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "CompiledMLP",
    "CompiledStackedMLP",
    "Constant",
    "Cosine",
    "Encoding",
    "Exponential",
    "GradientError",
    "Layer",
    "Linear",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "ScaledReLU",
    "Schedule",
    "Sigmoid",
    "StackedMLP",
    "StepDecay",
    "WarmUp",
    "backpropagate",
    "check_gradients",
    "check_layer",
    "check_network",
    "from_data",
    "get_grad_log_loss",
    "grad_log_loss_from_logits",
    "kaiming_normal",
    "log_loss",
    "log_loss_from_logits",
    "scaled_relu",
    "sigmoid",
    "xavier_normal",
    "xavier_uniform",
]
