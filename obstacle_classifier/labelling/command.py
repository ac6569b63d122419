# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `obstacle_classifier label`: see, label and train in a browser on this machine.

The command line loads this module by name, and only when that command is given.
"""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_arguments"]

PORT = 8130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its arguments, and `run`, which executes the command."""
    parser.add_argument("bags", nargs="+", metavar="BAG", help="recordings, globs, or folders of them")
    parser.add_argument(
        "--sensors", required=True, type=Path, metavar="S.yaml", help="sensors file: labels and sensors"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="MODEL.npz",
        help="model whose opinion is shown, and which training replaces; it need not exist yet",
    )
    parser.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help=f"port on 127.0.0.1, 0 for a free one; by default {PORT}"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.set_defaults(run=_run)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a port from 0 to 65535")
    return int(text)


def _run(options: argparse.Namespace) -> None:
    # Here, so that `label --help` needs no NiceGUI.
    from obstacle_classifier.bags.find import find_bags
    from obstacle_classifier.errors import ConfigError
    from obstacle_classifier.features import load_sensors

    sensors, paths = load_sensors(options.sensors), find_bags(options.bags)
    if options.model is not None and not options.model.parent.is_dir():
        raise ConfigError(f"{options.model}: folder {options.model.parent} does not exist")
    from obstacle_classifier.labelling.server import serve

    serve(paths, sensors, options.model, options.port, show=not options.no_browser)
