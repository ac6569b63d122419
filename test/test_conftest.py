# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The settings that all tests share."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

pytestmark = pytest.mark.runtime


def test_property_tests_have_no_time_limit() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
