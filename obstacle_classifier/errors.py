# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The errors a user meets: each says what was found where, and what was expected."""

from __future__ import annotations

__all__ = ["BagError", "ConfigError", "ModelError", "ObstacleClassifierError"]


class ObstacleClassifierError(Exception):
    """A problem with the user's data, configuration or model; its text is one line that names the cause."""


class ConfigError(ObstacleClassifierError):
    """A sensors file, label file or training configuration that does not hold what it must."""


class BagError(ObstacleClassifierError):
    """A recording that cannot be used as asked."""


class ModelError(ObstacleClassifierError):
    """A model file that is damaged, foreign or does not match its own manifest."""
