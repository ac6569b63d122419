# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Named numbers of the sensors in, fixed-interval feature vectors out."""

from obstacle_classifier.features.assembler import Assembler, SensorCounters
from obstacle_classifier.features.sensors_file import SensorsFile, SensorSpec, load_sensors_file, parse_sensors

__all__ = ["Assembler", "SensorCounters", "SensorSpec", "SensorsFile", "load_sensors_file", "parse_sensors"]
