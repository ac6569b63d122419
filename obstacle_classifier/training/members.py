# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fit the members of an ensemble together, each on batches of its own; each judges the bags that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout
from obstacle_classifier.networks import EnsembleNetwork, Memory, WindowNetwork
from obstacle_classifier.networks.ensemble import logit_of_mean
from obstacle_classifier.nn import AdamW, Cosine, log_loss_from_logits
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.batches import Batches
from obstacle_classifier.training.checkpoint import Checkpoint, FitState, State, fit_state, load_fit_state
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.left_out import LeftOut
from obstacle_classifier.training.numeric_health import check_finite_step, health_warnings
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.scratch import empty, representative

__all__ = ["FittedMembers", "MemberOptions", "first_members", "fit_members", "unseen_logits"]

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class MemberOptions:
    """How members are fitted; the options of the recipes have the defaults.

    Attributes:
        members: Number of members.
        window: Number of vectors that a member sees, from an interval and those before it. 1: the kind `ensemble`, else
            `window`.
        hidden: Units in each of the two hidden layers of a member.
        bins: Bins of the encoding of a column.
        epochs: Passes of each member over its intervals.
        least_steps: Steps at least, however few intervals there are.
        learning_rate: Of AdamW at the first step; it falls to 0 along a cosine.
        weight_decay: Of AdamW; biases do not decay.
        batch_size: Intervals a step and member.
        mixup: Parameter a of the Beta(a, a) distribution that the weights of mixed intervals are drawn from; 0 mixes
            none.
        dropout: Probability that a hidden unit is left out of a step.
        sensor_dropout: Probability that an interval loses a non-required sensor.
        label_smoothing: Weight of 1/2 in each target: 0.1 makes targets of 0.05 and 0.95.
        label_weights: Factor of each label's loss; empty: 1.
        seed: Of the first weights, the batches and all that is dropped.
    """

    members: int
    window: int
    hidden: int
    bins: int
    epochs: int
    least_steps: int
    learning_rate: float
    weight_decay: float
    batch_size: int
    mixup: float
    dropout: float
    sensor_dropout: float
    label_smoothing: float
    label_weights: tuple[float, ...]
    seed: int


@dataclass(frozen=True)
class FittedMembers:
    """A fitted ensemble.

    Attributes:
        network: The ensemble.
        unseen_logits: (n, c) float64 logits of each interval, in the order of `Dataset.stack`, by the members that
            have not seen its group; NaN in rows that no member left out.
        losses: Mean training loss of each epoch, with mixup and dropout.
        unseen_losses: Mean log loss of `unseen_logits` after each epoch; empty if nothing was left out.
    """

    network: EnsembleNetwork
    unseen_logits: NDArray[np.float64]
    losses: tuple[float, ...]
    unseen_losses: tuple[float, ...]


def fit_members(
    data: Dataset,
    left_out: LeftOut,
    layout: Layout,
    options: MemberOptions,
    progress: Progress,
    state: FitState | None = None,
) -> FittedMembers:
    """Encode the intervals and fit all members in the same steps.

    Args:
        data: Usable intervals, at least one.
        left_out: Those that each member does not train on. At most as many groups as members.
        layout: The columns.
        options: The options.
        progress: Told of every epoch.
        state: Where to begin, and where the state is kept; None: at the beginning, nowhere.

    Raises:
        ConfigError: The loss or a gradient became infinite or NaN; the message names epoch, batch and array.
    """
    if len(left_out) > options.members:
        raise ValueError(f"{options.members} members cannot leave out {len(left_out)} groups")
    rng = np.random.default_rng(options.seed)
    _, Y = data.stack()
    runs = Runs.of(data, Memory.NONE if options.window == 1 else Memory.INPUTS)
    network = first_members(representative(runs.X), layout, Y.shape[1], options, rng)
    inputs = runs.rows_of_inputs(network)
    missing = _missing_sensors(network, layout)
    batches = Batches(inputs, Y, left_out.hidden, missing, options, rng, data.scratch)
    per_epoch = max(1, round(float(np.mean([len(order) for order in batches.orders])) / options.batch_size))
    epochs = max(options.epochs, -(-options.least_steps // per_epoch))
    decay = {name: options.weight_decay for name in network.parameters() if name.startswith("W")}
    optimizer = AdamW(Cosine(options.learning_rate, epochs * per_epoch), weight_decay=decay)
    weights = np.array(options.label_weights, np.float32) if options.label_weights else None
    names, parameters = list(network.parameters()), network.parameters()
    losses: list[float] = []
    unseen_losses: list[float] = []
    judged = left_out.judged
    unseen = _unknown(Y.shape, data.scratch)
    state = Checkpoint().fit("") if state is None else state

    def current() -> State:
        orders = [order.state() for order in batches.orders]
        history = {"losses": losses, "unseen_losses": unseen_losses}
        return {**fit_state(parameters, optimizer, rng), "orders": orders, **history}

    if state.saved is not None:
        load_fit_state(state.saved, parameters, optimizer, rng)
        for order, kept in zip(batches.orders, state.saved["orders"], strict=True):
            order.load(kept)
        losses, unseen_losses = list(state.saved["losses"]), list(state.saved["unseen_losses"])
        if judged.any():
            unseen_logits(network, inputs, left_out.group, len(left_out), unseen)
    with progress.stage("epochs", epochs) as stage:
        for _ in losses:
            stage.advance("done before the interruption")
        for epoch in range(len(losses), epochs):
            total = 0.0
            for step in range(per_epoch):
                batch, targets, dropout = batches.draw()
                with np.errstate(over="ignore", invalid="ignore"):  # the result is NaN, and found here
                    loss, gradients = network.stack.loss_and_gradients(batch, targets, dropout, weights)
                named = dict(zip(names, gradients, strict=True))
                check_finite_step(loss, named, options.learning_rate, epoch + 1, step + 1)
                optimizer.step(parameters, named)
                total += loss
            losses.append(total / per_epoch)
            text = f"loss {losses[-1]:.4f}"
            if judged.any():
                unseen_logits(network, inputs, left_out.group, len(left_out), unseen)
                unseen_losses.append(log_loss_from_logits(Y[judged], unseen[judged]))
                text += f", on unseen bags {unseen_losses[-1]:.4f}"
            state.keep(current, last=epoch + 1 == epochs)
            stage.advance(text)
    for line in health_warnings(network, inputs):
        progress.say(f"warning: {line}")
    return FittedMembers(network, unseen, tuple(losses), tuple(unseen_losses))


def first_members(
    X: NDArray[np.float64], layout: Layout, c: int, options: MemberOptions, rng: np.random.Generator
) -> EnsembleNetwork:
    """The members before the first step. The arguments are those of `EnsembleNetwork.create`."""
    sizes: dict[str, Any] = {"hidden": options.hidden, "members": options.members, "bins": options.bins}
    if options.window == 1:
        return EnsembleNetwork.create(X, layout, c, rng=rng, **sizes)
    return WindowNetwork.create(X, layout, c, rng=rng, window=options.window, **sizes)


def unseen_logits(network: EnsembleNetwork, inputs: Floats, group: Rows, groups: int, out: NDArray[np.float64]) -> None:
    """Logits of each row by the members that leave out its group.

    Args:
        network: The members.
        inputs: (n, e) encoded rows.
        group: (n,) group of each row; rows of no group (-1) are not touched.
        groups: Number of groups, g: member m leaves out group m modulo g.
        out: (n, c), the result.
    """
    for index in range(groups):
        rows = np.flatnonzero(group == index)
        members = network.stack.subset(slice(index, None, groups))
        for start in range(0, len(rows), 1024):
            some = rows[start : start + 1024]
            out[some] = logit_of_mean(members.logits(inputs[some]))


def _unknown(shape: tuple[int, ...], scratch: Path | None) -> NDArray[np.float64]:
    """An array of NaN."""
    unknown = empty(shape, np.float64, scratch)
    unknown[...] = np.nan
    return unknown


def _missing_sensors(network: EnsembleNetwork, layout: Layout) -> list[tuple[tuple[slice, ...], Floats]]:
    """For each sensor that training drops at times its entries of each vector, and their values when it is missing."""
    missing = []
    for sensor in layout.droppable:
        x = np.full((1, len(layout.columns)), np.nan)
        x[0, layout.missing[sensor]] = 1
        entries = network.entries_of(layout.slices[sensor])
        missing.append((entries, network.inputs(x)[0, entries[0]]))
    return missing
