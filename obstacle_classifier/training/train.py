# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""From recorded bags to a model that the robot loads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from obstacle_classifier.bags.complete import complete_sensors
from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.errors import BagError, ConfigError, ModelError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.model import Model, Reference
from obstacle_classifier.model.decision import Decision
from obstacle_classifier.networks import Memory
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.backends import Backend
from obstacle_classifier.training.checkpoint import Checkpoint
from obstacle_classifier.training.code_version import TRAINING_ROOMS, code_version
from obstacle_classifier.training.dataset import BadBag, Dataset, Shard, read_dataset, warn_left_out
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.judged_share import MOST_JUDGED, middle
from obstacle_classifier.training.judges import Judges
from obstacle_classifier.training.metrics import scores
from obstacle_classifier.training.preflight import list_columns
from obstacle_classifier.training.recipes import Epoch, recipe_of
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.scratch import blocks, representative
from obstacle_classifier.training.settings import Settings
from obstacle_classifier.training.shard_cache import ShardCache
from obstacle_classifier.training.split import Split, hold_out, reach

__all__ = ["Training", "train", "train_on"]

_DRAFT_ROWS = 100


@dataclass(frozen=True)
class Training:
    """A finished training run.

    Attributes:
        model: The model, with its scores in `model.metrics`: those of the test part if there is one, else those of
            `unseen`; empty without either.
        history: Loss per epoch, on the training and on held-out intervals.
        epochs: For how many the model itself was fitted.
        bags: Names of the bags of each part (empty where bags were cut into time blocks).
        scored: The test intervals, None if there are none.
        unseen: The training intervals, each judged by members that have not seen its bag; None without such members.
        judges: The networks that judged `unseen`.
        left_out: Bags that could not be used.
        settings: The options of the run.
        split: The intervals of all usable bags, in parts.
    """

    model: Model
    history: tuple[Epoch, ...]
    epochs: int
    bags: dict[str, tuple[str, ...]]
    scored: Judged | None
    unseen: Judged | None
    judges: Judges | None
    left_out: tuple[BadBag, ...]
    settings: Settings
    split: Split

    @property
    def judged(self) -> Judged | None:
        """The intervals that the model's scores are of: the test intervals, or else `unseen`."""
        return self.unseen if self.scored is None else self.scored


def train(
    sensors: SensorsConfig,
    paths: Sequence[Path],
    settings: Settings,
    progress: Progress,
    backend: Backend | None = None,
    left_out: Sequence[BadBag] = (),
    checkpoint: Checkpoint | None = None,
    cache: ShardCache | None = None,
) -> Training:
    """Train on labelled bags.

    Whole bags go to the test part, which only the scores see, or to one of the parts that the recipe asks for; fewer
    than three bags are each cut into time blocks. The recipe fits the network on all but the test part.

    Args:
        sensors: The columns and the labels.
        paths: The bags; those that cannot be used are left out and named.
        settings: The options, which name the recipe.
        progress: Told of every bag and every epoch.
        backend: Where the bags are read; by default here, one after the other.
        left_out: Bags that were left out before; the model's provenance records them too.
        checkpoint: Keeps the state of the fits, and may continue an interrupted run; None: no state is kept.
        cache: Keeps the features of bags from run to run; None: all bags are read.

    Raises:
        BagError: None of the bags can be used, or no interval is left to train on.
        ConfigError: A label file that does not hold what it must, a network or a list of bags that no model file holds,
            a learning rate at which the loss diverged, or a checkpoint of another run.
    """
    sensors = complete_sensors(sensors, paths, "sensors")
    _check_size(sensors, settings, paths)
    checkpoint = Checkpoint() if checkpoint is None else checkpoint
    checkpoint.identify(code=code_version(TRAINING_ROOMS), sensors=dict(sensors.document), settings=settings.document())
    data = read_dataset(paths, sensors, progress, backend=backend, cache=cache)
    data = replace(data, left_out=(*left_out, *data.left_out))
    for shard in data:
        for problem in shard.problems:
            progress.say(f"warning: {problem}")
    warn_left_out(data.left_out, len(paths) + len(left_out), progress)
    if not any(shard.usable.any() for shard in data):
        raise BagError(
            f"{', '.join(map(str, paths))}: found {data.intervals} intervals, none of them both known and labelled, "
            "expected some to train on"
        )
    return train_on(data, sensors, settings, progress, checkpoint)


def train_on(
    data: Dataset,
    sensors: SensorsConfig,
    settings: Settings,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
) -> Training:
    """Train on the intervals of bags, as `train` does after reading them.

    Args:
        data: The intervals; at least one is both known and labelled.
        sensors: The columns and the labels.
        settings: The options, which name the recipe.
        progress: Told of every epoch.
        checkpoint: As in `train`.

    Raises:
        ConfigError: The learning rate made the loss diverge, or the checkpoint is of another run.
    """
    recipe = recipe_of(settings)
    checkpoint = Checkpoint() if checkpoint is None else checkpoint
    checkpoint.identify(bags=[_identity(shard) for shard in data])
    if checkpoint.resumed:
        progress.say(f"continuing from {checkpoint.path}")
    shares = recipe.shares(settings) | ({"test": settings.test_share} if settings.test_share else {})
    split = hold_out(data, shares, reach(sensors), np.random.default_rng(settings.seed))
    fitted_parts = tuple(part for part in split.names if part != "test")
    _warn(split, fitted_parts, sensors, progress)
    seen = split.without("test") if "test" in split.names else split
    fitted = recipe.fit_resumably(seen, sensors, settings, progress, checkpoint)
    part_of_bag = _parts(split)
    model = Model.create(
        sensors=sensors,
        network=fitted.network,
        calibration=fitted.calibration,
        rules=fitted.rules,
        smoothing=fitted.smoothing,
        reference=Reference.of(representative(split.take(*fitted_parts).stack()[0])),
        training=settings.document(),
        seed=settings.seed,
        bags=[{"name": shard.name, "sha256": shard.sha256, "part": part_of_bag[shard.name]} for shard in data],
        left_out=[bad.document() for bad in data.left_out],
        created=max(int(shard.time_ns[-1]) for shard in data if len(shard)) // 10**9,
    )
    scored = _judge(model, _to_judge(split.take("test"))) if "test" in split.names else None
    unseen = None if fitted.unseen is None else _decide(model, fitted.unseen)
    model = model.with_metrics(_metrics(model, split, scored, unseen, fitted.raw_ece))
    bags = {part: tuple(name for name, own in part_of_bag.items() if own == part) for part in split.names}
    return Training(
        model=model,
        history=fitted.history,
        epochs=fitted.epochs,
        bags=bags,
        scored=scored,
        unseen=unseen,
        judges=fitted.judges,
        left_out=data.left_out,
        settings=settings,
        split=split,
    )


def _identity(shard: Shard) -> dict[str, str]:
    """What a bag gives to a run: its content and its labels, whose file is not part of the content."""
    labels = hashlib.sha256()
    for array in (shard.time_ns, shard.unknown, shard.Y):
        labels.update(array.tobytes())
    return {"name": shard.name, "sha256": shard.sha256, "labels": labels.hexdigest()}


def _check_size(sensors: SensorsConfig, settings: Settings, paths: Sequence[Path]) -> None:
    """Refuse what no model file can hold, before the work.

    Raises:
        ConfigError: The network, or the list of columns and bags, is larger than `Model.load` accepts.
    """
    c = len(sensors.labels)
    X = np.random.default_rng(0).standard_normal((_DRAFT_ROWS, len(sensors.columns)))
    draft = scores(_blank(c, sensors.interval), sensors.labels, 1.0)
    try:
        Model.create(
            sensors=sensors,
            network=recipe_of(settings).first_network(X, sensors.layout, c, settings, np.random.default_rng(0)),
            reference=Reference.of(X),
            metrics={"a": draft, "b": draft},
            training=settings.document(),
            seed=settings.seed,
            bags=[{"name": name, "sha256": "0" * 64, "part": "time blocks"} for name in bag_names(paths)],
        )
    except ModelError as error:
        raise ConfigError(
            f"no model file holds a model of {len(paths)} bags, {len(sensors.columns)} columns and these training "
            f"options: {error}"
        ) from None


def _blank(c: int, interval: int) -> Judged:
    """One interval without a label."""
    one = np.zeros(1, np.int64)
    return Judged(("",), one, one, np.zeros((1, c), np.float32), np.zeros((1, c)), np.zeros((1, c), np.bool_), interval)


def _judge(model: Model, data: Dataset) -> Judged | None:
    """Answers of the model on these intervals, by the path that the robot runs."""
    if not data.intervals:
        return None
    predictor = model.predictor()
    memory = model.network.restore().memory
    # Smoothing remembers earlier intervals as a network with a state does.
    runs = Runs.of(data, Memory.STATE if any(model.smoothing) else memory)
    starts = set(runs.starts.tolist())
    P = np.empty((len(runs.X), len(model.labels)))
    for row, x in enumerate(runs.X):
        if row in starts:
            predictor.reset()
        P[row] = predictor.probabilities(x)
    judged = Judged(
        names=data.names,
        bag=data.bag,
        time_ns=data.time_ns,
        Y=data.stack()[1],
        P=P[runs.rows],
        present=np.zeros((data.intervals, len(model.labels)), np.bool_),
        interval=model.sensors.interval,
    )
    return _decide(model, judged)


def _to_judge(data: Dataset) -> Dataset:
    """The intervals that are judged of a test part."""
    return data.select(middle([len(shard) for shard in data]))


def _decide(model: Model, judged: Judged) -> Judged:
    """The intervals with the decisions of the model's rules, which forget where an interval is left out."""
    decision = Decision(model.labels, model.rules)
    present = np.zeros_like(judged.present)
    for row, (p, follows) in enumerate(zip(judged.P.astype(np.float32), judged.follows, strict=True)):
        if not follows:
            decision.reset()
        obstacles = decision.update(p)
        present[row] = [label in obstacles for label in model.labels]
    return replace(judged, present=present)


def _metrics(
    model: Model, split: Split, scored: Judged | None, unseen: Judged | None, raw_ece: Sequence[float]
) -> dict[str, Any]:
    """The scores of the test part, or else of the training bags by members that have not seen them; then both."""
    parts = {}
    if unseen is not None:
        trained_on = tuple(part for part in split.names if part != "test")
        parts["left out bags"] = scores(unseen, model.labels, split.coverage(*trained_on))
        parts["left out bags"]["raw_ece"] = dict(zip(model.labels, raw_ece, strict=True))
    if scored is not None:
        parts["test bags"] = scores(scored, model.labels, split.coverage("test"))
    if not parts:
        return {}
    chosen = "test bags" if scored is not None else "left out bags"
    others = {part: found for part, found in parts.items() if part != chosen}
    return {"judged": chosen, **parts[chosen], **others}


def _warn(split: Split, fitted_parts: Sequence[str], sensors: SensorsConfig, progress: Progress) -> None:
    """Say what the recordings cannot teach."""
    for shard in split.data:
        if not shard.usable.any():
            progress.say(f"warning: bag {shard.name}: no interval is both known and labelled, so it is not used")
    for part, meaning in (
        ("validation", "validation interval, so all epochs run"),
        ("test", "test interval, so there are no scores"),
    ):
        if part in split.names and not split.take(part).intervals:
            progress.say(f"warning: the recordings are too short for a {meaning}")
    data = split.take(*fitted_parts)
    if data.intervals > MOST_JUDGED:
        share = f"{100 * MOST_JUDGED / data.intervals:.1f} %"
        progress.say(f"of {data.intervals} intervals, the middle of each bag is judged ({share})")
    X, Y = data.stack()
    for label, share in zip(sensors.labels, Y.mean(axis=0), strict=True):
        if share in (0, 1):
            carriers = "no training interval carries it" if share == 0 else "every training interval carries it"
            progress.say(f"warning: label {label}: {carriers}, so it cannot be learnt")
    known = np.zeros(len(sensors.columns), np.bool_)
    for rows in blocks(len(X)):
        known |= ~np.isnan(X[rows]).all(axis=0)
    never = [name for name, is_known in zip(sensors.columns, known, strict=True) if not is_known]
    if never:
        progress.say(f"warning: columns never known in a training interval: {list_columns(never)}")


def _parts(split: Split) -> dict[str, str]:
    """Where each bag went, by name: a part, `time blocks` or, without a usable interval, `unused`."""
    where = {}
    for shard, part in zip(split.data, split.parts, strict=True):
        if not shard.usable.any():
            where[shard.name] = "unused"
        else:
            where[shard.name] = "time blocks" if split.in_blocks else split.names[part[0]]
    return where
