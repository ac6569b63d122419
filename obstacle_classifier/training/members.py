# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fit the members of an ensemble together, each on batches of its own; each judges the bags that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout
from obstacle_classifier.networks import EnsembleNetwork, Memory, WindowNetwork
from obstacle_classifier.networks.ensemble import logit_of_mean
from obstacle_classifier.nn import AdamW, Cosine, log_loss_from_logits
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.checkpoint import Checkpoint, FitState, State, fit_state, load_fit_state
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.left_out import LeftOut
from obstacle_classifier.training.numeric_health import check_finite_step, health_warnings
from obstacle_classifier.training.runs import Runs

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
    network = first_members(runs.X, layout, Y.shape[1], options, rng)
    inputs = runs.rows_of_inputs(network)
    seen = [np.flatnonzero(~left_out.hidden[m % len(left_out)]) for m in range(options.members)]
    batches = _Batches(inputs, Y, seen, _missing_sensors(network, layout), options, rng)
    per_epoch = max(1, round(float(np.mean([len(rows) for rows in seen])) / options.batch_size))
    epochs = max(options.epochs, -(-options.least_steps // per_epoch))
    decay = {name: options.weight_decay for name in network.parameters() if name.startswith("W")}
    optimizer = AdamW(Cosine(options.learning_rate, epochs * per_epoch), weight_decay=decay)
    weights = np.array(options.label_weights, np.float32) if options.label_weights else None
    names, parameters = list(network.parameters()), network.parameters()
    losses: list[float] = []
    unseen_losses: list[float] = []
    judged = left_out.judged
    unseen = np.full(Y.shape, np.nan)
    state = Checkpoint().fit("") if state is None else state

    def current() -> State:
        left = {f"left.{member}": rows for member, rows in enumerate(batches.left)}
        history = {"losses": losses, "unseen_losses": unseen_losses}
        return {**fit_state(parameters, optimizer, rng), **left, **history}

    if state.saved is not None:
        load_fit_state(state.saved, parameters, optimizer, rng)
        batches.left = [state.saved[f"left.{member}"] for member in range(options.members)]
        losses, unseen_losses = list(state.saved["losses"]), list(state.saved["unseen_losses"])
        if judged.any():
            unseen = unseen_logits(network, inputs, left_out.group, len(left_out))
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
                unseen = unseen_logits(network, inputs, left_out.group, len(left_out))
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


def unseen_logits(network: EnsembleNetwork, inputs: Floats, group: Rows, groups: int) -> NDArray[np.float64]:
    """Logits (n, c) of each row by the members that leave out its group.

    Args:
        network: The members.
        inputs: (n, e) encoded rows.
        group: (n,) group of each row; rows of no group (-1) get NaN.
        groups: Number of groups, g: member m leaves out group m modulo g.
    """
    unseen = np.full((len(inputs), network.stack.shape[-1]), np.nan)
    for index in range(groups):
        rows = np.flatnonzero(group == index)
        members = network.stack.subset(slice(index, None, groups))
        for start in range(0, len(rows), 1024):
            some = rows[start : start + 1024]
            unseen[some] = logit_of_mean(members.logits(inputs[some]))
    return unseen


def _missing_sensors(network: EnsembleNetwork, layout: Layout) -> list[tuple[tuple[slice, ...], Floats]]:
    """For each sensor that training drops at times its entries of each vector, and their values when it is missing."""
    missing = []
    for sensor in layout.droppable:
        x = np.full((1, len(layout.columns)), np.nan)
        x[0, layout.missing[sensor]] = 1
        entries = network.entries_of(layout.slices[sensor])
        missing.append((entries, network.inputs(x)[0, entries[0]]))
    return missing


class _Batches:
    """Batches of all members, in buffers that the next draw overwrites.

    Each member goes through its own rows in an order of its own, drawn anew whenever it has been through.

    Attributes:
        left: The rows of each member that are still to come in the current order.
    """

    def __init__(
        self,
        inputs: Floats,
        Y: Floats,
        seen: Sequence[Rows],
        missing: Sequence[tuple[tuple[slice, ...], Floats]],
        options: MemberOptions,
        rng: np.random.Generator,
    ) -> None:
        self._inputs, self._Y, self._missing, self._options, self._rng = inputs, Y, missing, options, rng
        self._seen = seen
        self.left = [rows[:0] for rows in seen]
        shape = len(seen), options.batch_size
        self._X = np.empty((*shape, inputs.shape[1]), np.float32)
        self._partner = np.empty_like(self._X)
        self._hidden = (2, *shape, options.hidden)

    def draw(self) -> tuple[Floats, Floats, Floats | None]:
        """Inputs (k, b, e), targets (k, b, c) and dropout factors (2, k, b, h) of one step."""
        rows = np.stack([self._next(member) for member in range(len(self._seen))])
        X = np.take(self._inputs, rows, axis=0, out=self._X, mode="clip")
        Y = self._Y[rows]
        if self._options.mixup:
            Y = self._mix(X, Y)
        if self._options.label_smoothing:
            share = np.float32(self._options.label_smoothing)
            Y = (1 - share) * Y + share / 2
        for entries, values in self._missing:
            dropped = self._rng.random(rows.shape) < self._options.sensor_dropout
            for of_vector in entries:
                X[dropped, of_vector] = values
        return X, Y, self._dropout()

    def _next(self, member: int) -> Rows:
        size, left = self._options.batch_size, self.left[member]
        while len(left) < size:
            left = np.concatenate([left, self._rng.permutation(self._seen[member])])
        self.left[member] = left[size:]
        return left[:size]

    def _mix(self, X: Floats, Y: Floats) -> Floats:
        """Move each example towards the next one of its batch, in inputs and targets, by a share of its own.

        Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2018.
        """
        a = self._options.mixup
        share = self._rng.beta(a, a, (*Y.shape[:2], 1)).astype(np.float32)
        step = self._partner
        np.subtract(X[:, 1:], X[:, :-1], out=step[:, :-1])
        np.subtract(X[:, 0], X[:, -1], out=step[:, -1])
        step *= share
        X += step
        mixed: Floats = Y + share * (np.roll(Y, -1, axis=1) - Y)
        return mixed

    def _dropout(self) -> Floats | None:
        """0 for a dropped unit, else the reciprocal of the share that is kept; in steps of 1/256, drawn as bytes."""
        dropped = round(256 * self._options.dropout)
        if not dropped:
            return None
        kept = self._rng.integers(0, 256, self._hidden, np.uint8) >= dropped
        factors: Floats = kept * np.float32(256 / (256 - dropped))
        return factors
