# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A look at all bags before any is read whole: problems that would cost a long run, told at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.bags.glance import Glance, glance, nearest_topics
from obstacle_classifier.bags.sensor_problems import empty_sectors
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig, SensorSpec
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.backends import Backend, Serial
from obstacle_classifier.training.dataset import BadBag, check_some_usable

__all__ = ["UsableBags", "list_columns", "preflight", "silent_sensors"]

FEW = 40
"""Most bags that are opened in this process, one after the other."""
MAX_NAMES = 6
"""Most names of bags, or of columns of a sensor, in a line."""


@dataclass(frozen=True)
class UsableBags:
    """The bags that a run can use.

    Attributes:
        paths: Their paths.
        left_out: The other bags.
    """

    paths: tuple[Path, ...]
    left_out: tuple[BadBag, ...] = ()


def preflight(
    paths: Sequence[Path],
    sensors: SensorsConfig,
    progress: Progress,
    *,
    labels_required: bool | None,
    backend: Backend | None = None,
    skip_bad: bool = False,
) -> UsableBags:
    """Look at the indexes, labels and first messages of all bags, and say what will be a problem.

    Args:
        paths: The bags.
        sensors: The sensors to find, and the labels.
        progress: Told of every problem, a line each.
        labels_required: Whether a bag without labels cannot be used; None where labels do not matter.
        backend: Where the bags are opened; by default here, as few bags always are.
        skip_bad: Whether to go on without the bags that cannot be used.

    Raises:
        BagError: Some bags cannot be used and `skip_bad` is false, none can be used, or no bag has the topic of a
            required sensor.
    """
    jobs = list(zip(paths, bag_names(paths), strict=True))
    look = partial(glance, sensors=sensors, with_labels=labels_required is not None)
    # Starting processes takes longer than a look at a few indexes.
    chosen = Serial() if backend is None or len(paths) <= FEW else backend
    glances = list(chosen.map(look, jobs))
    sound = [each for each in glances if each.error is None]
    bad = [
        BadBag(each.name, problem)
        for each in glances
        if (problem := each.error or each.labels_error or (each.unlabelled if labels_required else None)) is not None
    ]
    lines = [
        *(f"{each.error}: the bag cannot be used" for each in glances if each.error is not None),
        *(line for spec in sensors.sensors for line in _sensor_problems(spec, sound)),
        *_label_problems(glances, labels_required),
        *_copies(glances),
    ]
    for line in lines:
        progress.say(f"warning: {line}")
    check_some_usable(bad, len(glances))
    _refuse_without_required(sound, sensors)
    if bad and not skip_bad:
        raise BagError(
            f"{len(bad)} of {len(glances)} bags cannot be used: {_names(bad)}; --skip-bad-bags goes on without them"
        )
    unusable = {each.name for each in bad}
    return UsableBags(tuple(each.path for each in glances if each.name not in unusable), tuple(bad))


def silent_sensors(sensors: SensorsConfig, known: NDArray[np.bool_]) -> Iterator[str]:
    """A line for each sensor without a number in any interval.

    Args:
        sensors: The sensors.
        known: (d,) bool, which columns have a number in some interval.
    """
    for spec in sensors.sensors:
        place = sensors.layout.slices[spec.name]
        if not known[place.start : place.stop - 1].any():
            yield f"sensor {spec.name} (topic {spec.topic}): no number in any interval"


def list_columns(names: Sequence[str]) -> str:
    """Column names in words: of a sensor with more than `MAX_NAMES`, their number, the first and the last."""
    of_sensor: dict[str, list[str]] = {}
    for name in names:
        of_sensor.setdefault(name.partition(".")[0], []).append(name)
    return ", ".join(
        f"{own[0]} to {own[-1]} ({len(own)} columns)" if len(own) > MAX_NAMES else ", ".join(own)
        for own in of_sensor.values()
    )


def _refuse_without_required(sound: Sequence[Glance], sensors: SensorsConfig) -> None:
    for spec in sensors.sensors:
        if any(spec.name in each.sensors for each in sound):
            continue
        if spec.lacks_definition:
            raise BagError(
                f"sensor {spec.name}: the definition of {spec.type} is not known, since none of {len(sound)} bags has "
                f"its topic {spec.topic}{_near(spec, sound)}"
            )
        if spec.required:
            raise BagError(
                f"sensor {spec.name} is required, and none of {len(sound)} bags has its topic {spec.topic}"
                f"{_near(spec, sound)}"
            )


def _sensor_problems(spec: SensorSpec, sound: Sequence[Glance]) -> Iterator[str]:
    """Bags without the sensor's topic, with another frame or other beams, and sectors without beams."""
    having = [each for each in sound if spec.name in each.sensors]
    lacking = [each for each in sound if spec.name not in each.sensors]
    where = f"sensor {spec.name}"
    if lacking:
        bags = f"{len(lacking)} of {len(sound)} bags ({_names(lacking)})"
        yield f"{where}: no topic {spec.topic} in {bags}{_near(spec, lacking)}"
    yield from _differences(f"{where}: frames differ", having, lambda each: each.frames.get(spec.name), repr)
    scans = {
        each.name: (geometry.beams, f"{geometry.span[0]:.4g} to {geometry.span[1]:.4g} rad")
        for each in having
        if (geometry := each.scans.get(spec.name)) is not None
    }
    yield from _differences(
        f"{where}: beams differ", having, lambda each: scans.get(each.name), lambda found: f"{found[0]} from {found[1]}"
    )
    empty: dict[str, list[Glance]] = {}
    for each in having:
        geometry = each.scans.get(spec.name)
        problem = None if geometry is None else empty_sectors(spec.options, geometry)
        if problem is not None:
            empty.setdefault(problem, []).append(each)
    for problem, bags_of_it in empty.items():
        some = "" if len(bags_of_it) == len(having) else f" in {_names(bags_of_it)}"
        yield f"{where}: {problem}{some}"


def _differences(
    what: str, bags: Sequence[Glance], value: Callable[[Glance], Hashable], show: Callable[..., str]
) -> Iterator[str]:
    """A line if a value that is known differs between bags."""
    groups: dict[Hashable, list[Glance]] = {}
    for each in bags:
        found = value(each)
        if found is not None:
            groups.setdefault(found, []).append(each)
    if len(groups) > 1:
        largest = sorted(groups.items(), key=lambda group: -len(group[1]))
        parts = [f"{show(found)} in {len(largest[0][1])} bags" for found, _ in largest[:1]]
        parts += [f"{show(found)} in {_names(own)}" for found, own in largest[1:]]
        yield f"{what}: {', '.join(parts)}"


def _label_problems(glances: Sequence[Glance], labels_required: bool | None) -> Iterator[str]:
    unlabelled = [each for each in glances if each.unlabelled]
    if unlabelled and labels_required:
        yield f"no labels in {len(unlabelled)} of {len(glances)} bags: {_names(unlabelled)}"
    yield from (f"{each.labels_error}: the bag cannot be used" for each in glances if each.labels_error is not None)


def _copies(glances: Iterable[Glance]) -> Iterator[str]:
    """Bags with the same content: scores on one of them are no scores on an unknown bag."""
    groups: dict[Hashable, list[Glance]] = {}
    for each in glances:
        if each.content is not None and each.content[1] > each.content[0]:
            groups.setdefault(each.content, []).append(each)
    for own in groups.values():
        if len(own) > 1:
            yield f"copies of one recording, by their times, counts and first messages: {_names(own)}"


def _near(spec: SensorSpec, bags: Sequence[Glance]) -> str:
    """The names in these bags that come near the sensor's topic, in words."""
    topics: Mapping[str, str] = {topic: kind for each in bags for topic, kind in each.topics.items()}
    near = nearest_topics(spec.topic, spec.type, topics)
    return f"; nearest there: {', '.join(near)}" if near else ""


def _names(bags: Iterable[Glance | BadBag]) -> str:
    names = [each.name for each in bags]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
