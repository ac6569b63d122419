# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""ROS at the rim: nodes translate messages and calls; the thinking is in the packages they drive."""

import os

# Before NumPy loads: such small products only lose time, several-fold on a busy machine, when threads share them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
