# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Errors for the user: each message says where the problem is, what was found and what was expected."""

from __future__ import annotations

__all__ = ["BagError", "ConfigError", "ModelError", "ObstacleClassifierError"]


class ObstacleClassifierError(Exception):
    """A problem with the user's data, configuration or model; its message is one line."""


class ConfigError(ObstacleClassifierError):
    """A wrong value in a sensors file, label file, scenario, training configuration or argument."""


class BagError(ObstacleClassifierError):
    """A recording that cannot be read or written."""


class ModelError(ObstacleClassifierError):
    """A file that is damaged, no model file, or does not match its own manifest."""
