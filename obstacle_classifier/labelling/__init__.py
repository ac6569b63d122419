# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The labelling page: see a recording, label stretches of it while it plays, train, and serve the new model.

The command line loads `labelling.command` by name. Tracks, document, clock and opinion know neither files nor pages.
"""
