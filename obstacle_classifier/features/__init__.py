# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages of the sensors to feature vectors at fixed intervals."""

from obstacle_classifier.features.assembler import Assembler, SensorCounters
from obstacle_classifier.features.layout import Layout, ScanColumns
from obstacle_classifier.features.sensors_config import (
    SensorsConfig,
    SensorSpec,
    is_label,
    load_sensors,
    parse_sensors,
    with_definitions,
    with_labels,
)

__all__ = [
    "Assembler",
    "Layout",
    "ScanColumns",
    "SensorCounters",
    "SensorSpec",
    "SensorsConfig",
    "is_label",
    "load_sensors",
    "parse_sensors",
    "with_definitions",
    "with_labels",
]
