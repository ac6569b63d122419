# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Networks map raw feature vectors to one logit per label. Each kind has its own module.

A new kind needs a class in a new module, and one `register` line below. There is no other list of kinds.
"""

from obstacle_classifier.networks.ensemble import EnsembleNetwork
from obstacle_classifier.networks.lstm import LSTMNetwork
from obstacle_classifier.networks.mlp import MLPNetwork
from obstacle_classifier.networks.network import (
    Array,
    ArrayType,
    Batch,
    CompiledNetwork,
    Memory,
    Network,
    network_class,
    register,
    registered,
)
from obstacle_classifier.networks.scan import ScanNetwork
from obstacle_classifier.networks.standardise import fit_normaliser, standardise
from obstacle_classifier.networks.window import WindowNetwork

__all__ = [
    "Array",
    "ArrayType",
    "Batch",
    "CompiledNetwork",
    "EnsembleNetwork",
    "LSTMNetwork",
    "MLPNetwork",
    "Memory",
    "Network",
    "ScanNetwork",
    "WindowNetwork",
    "fit_normaliser",
    "network_class",
    "register",
    "registered",
    "standardise",
]

register(EnsembleNetwork)
register(LSTMNetwork)
register(MLPNetwork)
register(ScanNetwork)
register(WindowNetwork)
