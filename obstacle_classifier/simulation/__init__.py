# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Simulated drives of a delivery robot along a sidewalk, on MuJoCo: live or as labelled bags.

Reading scenarios needs neither MuJoCo nor rosbags. All other names need both, and load them when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from obstacle_classifier.errors import ObstacleClassifierError
from obstacle_classifier.simulation.scenario import LABELS, Scenario, load_scenario, parse_scenario

if TYPE_CHECKING:
    from obstacle_classifier.simulation.messages import Message
    from obstacle_classifier.simulation.recording import simulate, snapshots
    from obstacle_classifier.simulation.simulation import Simulation, Snapshot

__all__ = [
    "LABELS",
    "Message",
    "Scenario",
    "Simulation",
    "Snapshot",
    "load_scenario",
    "parse_scenario",
    "simulate",
    "snapshots",
]

_LOADED_LATER = {
    "Message": "messages",
    "Simulation": "simulation",
    "Snapshot": "simulation",
    "simulate": "recording",
    "snapshots": "recording",
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_LATER:
        raise AttributeError(name)
    try:
        return getattr(importlib.import_module(f"{__name__}.{_LOADED_LATER[name]}"), name)
    except ModuleNotFoundError as error:
        package = f"the Python package '{error.name}', which is not installed"
        raise ObstacleClassifierError(f"the simulation needs {package}; see docs/simulation.md") from None
