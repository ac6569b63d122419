# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `init`: a first sensors file from what recordings hold, with comments."""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

import yaml

from obstacle_classifier.bags.find import find_bags
from obstacle_classifier.bags.suggestions import Suggestion, suggest
from obstacle_classifier.bags.survey import Survey, TopicSurvey, survey
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.features.sensors_config import FILE_KEYS
from obstacle_classifier.names import SENSOR_TOPIC
from obstacle_classifier.sensing import MESSAGE_TYPES, STRING_NAME

__all__ = ["first_sensors", "print_first_sensors"]

INTERVALS = (0.1, 0.2, 0.5, 1.0)  # s
PLACEHOLDER = "obstacle"
MANY = 8
"""Messages in a window from which a sensor gets the statistics of many samples."""
FAST_WINDOW = 1.0  # s; the window of sensors far faster than the interval
_LABEL = re.compile(str(FILE_KEYS["labels"]["items"]["pattern"]))
_LABEL_TOPIC = re.compile(r"label|truth|annotation")
_GENERIC = {"data", "raw", "state", "states", "value", "level", "out", "output"}  # last parts that name no sensor


def print_first_sensors(patterns: Sequence[str], stream: TextIO | None = None) -> None:
    """Print a first sensors file for recordings; those that cannot be read are named on stderr.

    Raises:
        BagError: A pattern matches no recording, none can be read, or none has a topic of a supported type.
    """
    surveys: list[Survey] = []
    errors: list[str] = []
    for path in find_bags(patterns):
        try:
            surveys.append(survey(path))
        except BagError as error:  # noqa: PERF203
            errors.append(str(error))
            print(f"warning: {error}: left out", file=sys.stderr)
    if not surveys:
        raise BagError(errors[0])
    print(first_sensors(surveys), end="", file=sys.stdout if stream is None else stream)


def first_sensors(surveys: Sequence[Survey]) -> str:
    """The text of a first sensors file.

    A topic becomes a sensor if every recording has it with the same type and its first messages decode. Timeouts follow
    from the times between messages, windows from the rates, sectors from the field of view of the scans.

    Args:
        surveys: The recordings, at least one.

    Raises:
        BagError: No topic can be a sensor.
    """
    left_out: dict[str, str] = {}
    chosen: dict[str, tuple[str, list[TopicSurvey], Suggestion]] = {}
    for topic in sorted({name for each in surveys for name in each.topics}):
        found = [each.topics[topic] for each in surveys if topic in each.topics]
        suggestion = _suggestion(topic, found, len(surveys))
        if isinstance(suggestion, str):
            left_out[topic] = suggestion
        else:
            chosen[topic] = found[0].type, found, suggestion
    if not chosen:
        reasons = "; ".join(f"{topic}: {reason}" for topic, reason in left_out.items()) or "no topics"
        raise BagError(f"{surveys[0].path}: found no topic for a sensor ({reasons})")
    fastest = max(_rate(found) for _, found, _ in chosen.values())
    interval = next((each for each in INTERVALS if fastest * each >= 1), INTERVALS[-1])
    names = _sensor_names(list(chosen))
    lines = [
        f"# A first sensors file, from {len(surveys)} recording{'s' * (len(surveys) > 1)}. docs/sensors_file.md lists",
        "# all keys. Set `required: true` for each sensor without which a prediction is a guess.",
        f"interval: {interval}  # s; the fastest sensor has {fastest:.3g} messages per second",
        *_label_lines(surveys),
        "sensors:",
    ]
    for topic, (kind, found, suggestion) in chosen.items():
        lines += _sensor_lines(names[topic], topic, kind, found, suggestion, interval)
    if left_out:
        lines.append("# Topics that are not used:")
        lines += [f"#   {topic}: {reason}" for topic, reason in left_out.items()]
    text = "\n".join(lines) + "\n"
    parse_sensors(yaml.safe_load(text), "the first sensors file")
    return text


def _suggestion(topic: str, found: Sequence[TopicSurvey], recordings: int) -> Suggestion | str:
    """The settings of a topic's sensor, or the reason why it is not one."""
    kinds = Counter(each.type for each in found)
    kind = kinds.most_common(1)[0][0]
    if len(kinds) > 1:
        return f"recorded with several types: {', '.join(sorted(kinds))}"
    if kind not in MESSAGE_TYPES:
        return (
            f"{kind or 'unknown type'}, labels" if kind == STRING_NAME else f"{kind or 'unknown type'}, not supported"
        )
    unreadable = next((each.unreadable for each in found if each.unreadable), None)
    if unreadable:
        return f"{kind}, {unreadable}"
    if len(found) < recordings:
        return f"{kind}, in {len(found)} of {recordings} recordings only"
    if not re.match(str(SENSOR_TOPIC["pattern"]), topic):
        return f"{kind}, expected {SENSOR_TOPIC['description']}"
    messages = [each.values() for each in found]
    if not all(messages):
        return f"{kind}, without a first message that decodes in every recording"
    samples = [each.sample for each in found if each.sample is not None]
    result = suggest(kind, messages, samples)
    return f"{kind}, {result}" if isinstance(result, str) else result


def _sensor_lines(
    name: str, topic: str, kind: str, found: Sequence[TopicSurvey], suggestion: Suggestion, interval: float
) -> Iterator[str]:
    rate = _rate(found)
    yield f"  {name}:" + (f"  # {suggestion.comment}" if suggestion.comment else "")
    yield f"    type: {kind}"
    yield f"    topic: {topic}  # {rate:.3g} messages per second"
    for key, value in suggestion.options.items():
        yield f"    {key}: {_inline(value)}" + ("  # rad, that of the scans" if key == "field_of_view" else "")
    window = interval
    if rate * interval >= 2:
        window = max(interval, FAST_WINDOW)
    many = rate * window >= MANY
    if window != interval and many:
        yield f"    window: {window}  # s, about {rate * window:.0f} messages"
    yield f"    statistics: {_inline(list(suggestion.many if many else suggestion.few))}"
    longest = max(each.longest_gap for each in found) / 1e9
    yield f"    timeout: {_timeout(found, interval)}  # s; the longest gap was {longest:.3g} s"


def _timeout(found: Sequence[TopicSurvey], interval: float) -> float:
    """Seconds that hold three usual periods and nearly every longer one, up to ten, in two digits."""
    usual = max((each.periods.quantile(0.5) or 0) for each in found) / 1e9
    rare = max((each.periods.quantile(0.99) or 0) for each in found) / 1e9
    seconds = max(3 * usual, min(1.5 * rare, 10 * usual), 2 * interval)
    step = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return float(f"{math.ceil(round(seconds / step, 6)) * step:.6g}")


def _rate(found: Sequence[TopicSurvey]) -> float:
    """Messages per second: of usual periods, which pauses do not change; 1 where it is not known."""
    periods = sorted(period for each in found if (period := each.periods.quantile(0.5)))
    return 1e9 / periods[len(periods) // 2] if periods else 1.0


def _label_lines(surveys: Sequence[Survey]) -> Iterator[str]:
    labels = list(dict.fromkeys(label for each in surveys for label in each.labels))
    files = sum(each.labels_file is not None for each in surveys)
    valid = [label for label in labels if _LABEL.match(label)]
    if valid:
        yield f"labels: {_inline(valid)}  # from the label files of {files} recording{'s' * (files > 1)}"
    else:
        topic = next(iter(sorted(_label_topics(surveys).items())), None)
        if topic is not None:
            yield f"labels: {_inline(topic[1])}  # from the messages on the label topic"
            yield f"label_topic: {topic[0]}"
        else:
            yield f"labels: [{PLACEHOLDER}]  # no labels found: write yours here, and see docs/labelling.md"
    if len(valid) < len(labels):
        wrong = ", ".join(repr(label) for label in labels if label not in valid)
        yield f"# Labels that no sensors file can have: {wrong}"


def _label_topics(surveys: Sequence[Survey]) -> Mapping[str, list[str]]:
    """Topics of labels, by their names and texts, with the labels on them."""
    found: dict[str, set[str]] = {}
    for each in surveys:
        for name, topic in each.topics.items():
            if topic.type == STRING_NAME and topic.words and _LABEL_TOPIC.search(name) and name.startswith("/"):
                found.setdefault(name, set()).update(topic.words - {"ignore"})
    return {name: sorted(words) for name, words in found.items() if words and all(map(_LABEL.match, words))}


def _sensor_names(topics: Sequence[str]) -> dict[str, str]:
    """A sensor name for each topic: its last part that names something, or more parts where two are equal."""
    names: dict[str, str] = {}
    for topic in topics:
        parts = [re.sub(r"\W", "_", part).lower().strip("_") for part in topic.split("/")]
        parts = [part for part in parts if part]
        short = next((part for part in reversed(parts) if part not in _GENERIC), parts[-1])
        candidates = [short, "_".join(parts), *(f"{short}_{number}" for number in range(2, len(topics) + 2))]
        candidates = [each if each[0].isalpha() else f"sensor_{each}" for each in candidates]
        names[topic] = next(each for each in candidates if each not in names.values())
    return names


def _inline(value: Any) -> str:
    """A value as YAML on one line."""
    return str(yaml.safe_dump(value, default_flow_style=True, width=1_000_000)).removesuffix("\n").removesuffix("\n...")
