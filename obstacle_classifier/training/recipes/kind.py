# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Options of the recipes that fit a network of any kind: the kind, and the sizes that only some kinds have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout
from obstacle_classifier.networks import Network, WindowNetwork, network_class, registered
from obstacle_classifier.networks.scan import CHANNELS, KERNEL
from obstacle_classifier.networks.window import MAX_WINDOW, WINDOW
from obstacle_classifier.training.settings import NetworkSettings, option

__all__ = ["KindSettings", "window_option"]


def window_option() -> Any:
    """The option of the kind `window`."""
    meaning = "intervals that the network `window` sees, the newest one included"
    return option(WINDOW, meaning, minimum=2, maximum=MAX_WINDOW)


@dataclass(frozen=True, kw_only=True)
class KindSettings(NetworkSettings):
    """Options of recipes that fit a network of any kind."""

    network: str = option("mlp", "kind of the network", choices=registered)
    window: int = window_option()
    stretch: int = option(
        16, "consecutive intervals that back-propagation goes through in the network `lstm`", minimum=1, maximum=1024
    )

    channels: int = option(
        CHANNELS, "of the first convolution of the network `scan`; the second has twice as many", minimum=1, maximum=64
    )
    kernel: int = option(
        KERNEL, "beams that an entry of the first convolution of the network `scan` sees", minimum=1, maximum=31
    )

    @property
    def vectors(self) -> int:
        """Number of feature vectors that an example holds, as far as it is limited."""
        return self.window if self.network == WindowNetwork.kind else 1

    def create(self, X: NDArray[np.float64], layout: Layout, c: int, rng: np.random.Generator) -> Network:
        """The network before the first step. The arguments are those of `Network.create`."""
        kind = network_class(self.network)
        sizes: dict[str, Any] = {name: getattr(self, name) for name in kind.options}
        return kind.create(X, layout, c, hidden=self.hidden, rng=rng, **sizes)
