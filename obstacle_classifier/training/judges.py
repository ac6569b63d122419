# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Networks that judge bags which they have not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.networks import Memory, Network
from obstacle_classifier.training.runs import Runs

__all__ = ["Judges"]


@dataclass(frozen=True)
class Judges:
    """A network for each group of bags that training left out.

    Attributes:
        networks: The network of each of the g groups, all of one kind.
    """

    networks: tuple[Network, ...]

    @property
    def memory(self) -> Memory:
        """Where the networks keep earlier intervals."""
        return self.networks[0].memory

    def logits(self, runs: Runs, group: NDArray[np.intp]) -> NDArray[np.float32]:
        """Logits (n, c) of the intervals that count, each by the network that has not seen its group.

        Args:
            runs: The intervals, as `Runs.of` gives them for `memory`.
            group: (n,) group of each interval that counts; intervals of no group (-1) get NaN.
        """
        found: NDArray[np.float32] | None = None
        for index, network in enumerate(self.networks):
            own = np.flatnonzero(group == index)
            if not len(own):
                continue
            logits = runs.only(own).logits(network)
            if found is None:
                found = np.full((len(group), logits.shape[1]), np.nan, np.float32)
            found[own] = logits
        if found is None:
            raise ValueError("no interval belongs to a group")
        return found
