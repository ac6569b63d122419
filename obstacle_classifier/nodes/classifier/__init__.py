# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The parts of the classifier node: parameters, subscriptions, outputs and diagnostics."""
