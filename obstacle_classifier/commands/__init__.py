# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Commands of the command line, a module each: its arguments and its work.

A module has `add_arguments(parser)`, which also sets `run`. Importing it loads nothing heavy: `--help` needs no NumPy.
"""
