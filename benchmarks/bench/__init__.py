# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""`make bench`: this package beside the tools that a user would pick instead.

A row of the table is one function `measure` in a module here, and one line in `rows.py`. Each row runs in a process of
its own with one thread for every library.
"""
