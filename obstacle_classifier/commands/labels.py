# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `obstacle_classifier labels`: label files to and from one file of absolute times."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from obstacle_classifier.commands.arguments import BAGS
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.files import check_output, write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obstacle_classifier.bags.foxglove_events import LabelEvent

__all__ = ["add_arguments"]

_FORMATS = "Foxglove events (.json), or start_time,end_time,label (.csv)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its arguments, and `run`, which executes the command."""
    ways = parser.add_subparsers(title="ways", required=True, metavar="WAY")

    export = ways.add_parser("export", help="the labels of bags as one file")
    export.add_argument("--bags", required=True, nargs="+", metavar="BAG", help=BAGS)
    export.add_argument("--output", required=True, type=Path, metavar="FILE", help=f"file to write: {_FORMATS}")
    export.add_argument("--label-topic", metavar="TOPIC", help="topic with the labels of bags that have no label file")
    device = export.add_mutually_exclusive_group()
    device.add_argument("--device-id", metavar="ID", help="Foxglove device of the events, by its id")
    device.add_argument("--device-name", metavar="NAME", help="Foxglove device of the events, by its name")
    _add_key(export)
    export.set_defaults(run=_export)

    into = ways.add_parser("import", help="one file as the label files of bags")
    into.add_argument("file", type=Path, metavar="FILE", help=f"file to read: {_FORMATS}")
    into.add_argument("--bags", required=True, nargs="+", metavar="BAG", help=BAGS)
    into.add_argument("--replace", action="store_true", help="replace label files; by default one there is an error")
    _add_key(into)
    into.set_defaults(run=_import)


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key", default="label", metavar="KEY", help="metadata key of Foxglove events that holds the label: label"
    )


def _suffix(path: Path) -> str:
    """`.json` or `.csv`."""
    if path.suffix not in (".json", ".csv"):
        raise ConfigError(f"{path}: found the suffix '{path.suffix}', expected {_FORMATS}")
    return path.suffix


def _export(options: argparse.Namespace) -> None:
    from obstacle_classifier.bags import Bag, find_bags
    from obstacle_classifier.bags.find import bag_name
    from obstacle_classifier.bags.foxglove_events import LabelEvent, events_text
    from obstacle_classifier.bags.label_file import LabelRows, label_text
    from obstacle_classifier.bags.labels import absolute_rows

    suffix = _suffix(options.output)
    check_output(options.output)
    labels: list[LabelEvent] = []
    paths = find_bags(options.bags)
    for path in paths:
        with Bag(path) as bag:
            labels += [LabelEvent(*row, bag_name(path)) for row in absolute_rows(bag, options.label_topic)]
            for problem in bag.problems:
                print(f"warning: {problem}", file=sys.stderr)
    if suffix == ".json":
        names = {"deviceId": options.device_id, "deviceName": options.device_name}
        text = events_text(labels, options.key, {name: value for name, value in names.items() if value is not None})
    else:
        text = label_text(LabelRows(tuple(label[:3] for label in labels), absolute=True, origin=None))
    write_atomically(options.output, text.encode())
    print(f"wrote {options.output}: {len(labels)} labels of {len(paths)} bags")


def _import(options: argparse.Namespace) -> None:
    from obstacle_classifier.bags import Bag, find_bags
    from obstacle_classifier.bags.find import bag_name
    from obstacle_classifier.bags.label_file import LabelRows, label_text
    from obstacle_classifier.bags.labels import label_file, new_label_file

    labels = _read(options.file, options.key)
    outputs: list[tuple[Path, str]] = []
    spans: dict[Path, tuple[int, int]] = {}
    owners: dict[Path, set[LabelEvent]] = {}
    for path in find_bags(options.bags):
        present, name = label_file(path), bag_name(path)
        if present is not None and not options.replace:
            raise ConfigError(f"{present}: found a label file, expected none; --replace replaces it")
        with Bag(path) as bag:
            start, end = bag.start, bag.end
        own = [each for each in labels if each.start <= end and each.end > start and each.bag in ("", name)]
        for other, (first, last) in spans.items():
            if start <= last and end >= first and not owners[other].isdisjoint(own):
                raise ConfigError(
                    f"{options.file}: found a label in the time of both {other} and {path}, expected the name of its "
                    "bag (metadata 'bag' of an event), or one bag at a time"
                )
        spans[path], owners[path] = (start, end), set(own)
        if not own:
            print(f"warning: {path}: no label in its time, its labels stay as they are", file=sys.stderr)
            continue
        content = LabelRows(tuple(label[:3] for label in own), absolute=True, origin=None)
        outputs.append((present or new_label_file(path), label_text(content)))
    if not outputs:
        raise ConfigError(f"{options.file}: found no label in the time of a bag, expected some")
    for path, _ in outputs:
        check_output(path)
    for path, text in outputs:
        write_atomically(path, text.encode())
        print(f"wrote {path}")
    lost = len(set(labels).difference(*owners.values()))
    if lost:
        print(f"warning: {lost} of {len(labels)} labels are in the time of no bag", file=sys.stderr)


def _read(path: Path, key: str) -> Sequence[LabelEvent]:
    """The labels of a file."""
    from obstacle_classifier.bags.foxglove_events import LabelEvent, read_events
    from obstacle_classifier.bags.label_file import read_label_file

    if _suffix(path) == ".csv":
        content = read_label_file(path)
        if not content.absolute:
            raise ConfigError(f"{path}: found times of one recording, expected the header 'start_time,end_time,label'")
        return [LabelEvent(*row) for row in content.rows]
    events = read_events(path, key)
    if events.others:
        print(f"warning: {path}: {events.others} events have no metadata '{key}' and are left out", file=sys.stderr)
    if events.instants:
        print(f"warning: {path}: {events.instants} events have no duration and are left out", file=sys.stderr)
    return events.labels
