# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small networks on public data, in the library's own terms; `python -m examples.<name>` runs one."""
