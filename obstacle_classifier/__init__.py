# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Multilabel obstacle classification for sidewalk robots: NumPy on the robot, the same code offline."""

__version__ = "0.1.0"
