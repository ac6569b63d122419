# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Programs beside the nodes: the live view, and playing a bag in step with a node."""

import os

# Set before NumPy loads: BLAS threads slow down products as small as these, several-fold on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
