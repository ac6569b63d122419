# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0
