# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The state of a training run in a file, from which a later run continues to the same bytes.

A run is a sequence of fits. Each fit hands over its state at the end of an epoch. The file holds the newest state of
every fit that has begun: parameters, optimizer, generator and losses. It is an .npz file of arrays and a JSON header;
nothing in it is unpickled.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.files import write_atomically
from obstacle_classifier.nn import Optimizer

__all__ = ["Checkpoint", "FitState", "State", "checkpoint_path", "fit_state", "load_fit_state"]

PERIOD = 2.0
"""Seconds between two writes, at least."""

SLOW = 0.1
"""Seconds of a slow write: the period is longer in proportion, and writing takes at most 5 % of the run."""

_HEADER = "header"
_OPTIMIZER = "optimizer."

Array = NDArray[Any]
State = dict[str, Any]
"""Arrays, and plain JSON values, by name."""


def checkpoint_path(output: Path) -> Path:
    """The checkpoint of a run that writes `output`: a file beside it."""
    return output.with_name(f"{output.name}.checkpoint")


class Checkpoint:
    """The checkpoint of one run.

    Args:
        path: The file; None keeps nothing.
        resume: Whether to continue from the file. Without a file, the run starts at the beginning.
        period: Seconds between two writes, at least; 0 writes at every epoch.

    Raises:
        ConfigError: The file is not a checkpoint, or cannot be read.

    Attributes:
        resumed: Whether the run continues from a file.
    """

    def __init__(self, path: Path | None = None, *, resume: bool = False, period: float = PERIOD) -> None:
        self.path = path
        self._period, self._next = period, 0.0
        self._identity: dict[str, Any] = {}
        self._stored: dict[str, Any] = {}
        self._states: dict[str, State] = {}
        self.resumed = resume and path is not None and path.exists()
        if self.resumed:
            assert path is not None
            self._stored, self._states = _read(path)

    def identify(self, **parts: Any) -> None:
        """Say what the run is made of, as JSON data by name; a resumed run must be made of the same.

        Raises:
            ConfigError: A part differs from that of the file; the message names the place and both values.
        """
        for name, own in parts.items():
            self._identity[name] = json.loads(json.dumps(own))
            if self.resumed and (difference := _difference(name, self._stored.get(name), self._identity[name])):
                raise ConfigError(
                    f"{self.path}: found a checkpoint of another run ({difference}), expected one of the same bags, "
                    "labels, sensors, settings and code; without --resume the training starts anew"
                )

    def fit(self, name: str) -> FitState:
        """The state of one of the run's fits."""
        return FitState(self, name, self._states.get(name))

    def keep(self, name: str, state: Callable[[], State], *, last: bool) -> None:
        """Take over the state of a fit, if it is the last one or the file is due; write the file if it is due."""
        due = self.path is not None and time.monotonic() >= self._next
        if not (due or last):
            return
        self._states[name] = {key: np.array(v) if isinstance(v, np.ndarray) else v for key, v in state().items()}
        if due:
            begin = time.monotonic()
            self._write()
            end = time.monotonic()
            self._next = end + self._period * max(1.0, (end - begin) / SLOW)

    def remove(self) -> None:
        """Delete the file: the run is finished."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        arrays, plain = {}, {}
        for name, state in self._states.items():
            arrays.update({f"{name}/{key}": v for key, v in state.items() if isinstance(v, np.ndarray)})
            plain[name] = {key: v for key, v in state.items() if not isinstance(v, np.ndarray)}
        header = json.dumps({"identity": self._identity, "states": plain}).encode()
        arrays[_HEADER] = np.frombuffer(header, np.uint8)
        assert self.path is not None
        write_atomically(self.path, lambda stream: np.savez(stream, **cast("dict[str, Any]", arrays)))


class FitState:
    """The state of one fit.

    Attributes:
        saved: Where an earlier run stopped; None: at the beginning.
    """

    def __init__(self, checkpoint: Checkpoint, name: str, saved: State | None) -> None:
        self._checkpoint, self._name, self.saved = checkpoint, name, saved

    def keep(self, state: Callable[[], State], *, last: bool) -> None:
        """Hand over the state at the end of an epoch; `last`: of the last epoch. `state` is called only if needed."""
        self._checkpoint.keep(self._name, state, last=last)


def fit_state(parameters: Mapping[str, Array], optimizer: Optimizer, rng: np.random.Generator) -> State:
    """The state that most fits have: parameters, optimizer and generator."""
    state: State = {f"network.{name}": parameter for name, parameter in parameters.items()}
    state.update({f"{_OPTIMIZER}{name}": array for name, array in optimizer.state().items()})
    return {**state, "rng": rng.bit_generator.state}


def load_fit_state(
    state: State, parameters: Mapping[str, Array], optimizer: Optimizer, rng: np.random.Generator
) -> None:
    """Continue from a `fit_state`; the parameters are changed in place."""
    for name, parameter in parameters.items():
        parameter[...] = state[f"network.{name}"]
    own = {key.removeprefix(_OPTIMIZER): value for key, value in state.items() if key.startswith(_OPTIMIZER)}
    optimizer.load_state(own)
    rng.bit_generator.state = state["rng"]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, State]]:
    """Identity and states of a file."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            header = json.loads(file[_HEADER].tobytes())
            states: dict[str, State] = header["states"]
            for key in file.files:
                name, slash, entry = key.partition("/")
                if slash:
                    states[name][entry] = file[key]
            return header["identity"], states
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"{path}: found no readable checkpoint ({error}), expected one; without --resume the training starts anew"
        ) from None


def _difference(place: str, there: Any, here: Any) -> str:
    """The first place where two JSON values differ, and both values; empty if they are equal."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*here, *(key for key in there if key not in here)]:
            if key not in here or key not in there:
                return f"{place}.{key}: only {'here' if key in here else 'there'}"
            if found := _difference(f"{place}.{key}", there[key], here[key]):
                return found
        return ""
    if isinstance(there, list) and isinstance(here, list):
        if len(there) != len(here):
            return f"{place}: {len(there)} there, {len(here)} here"
        pairs = (_difference(f"{place}[{i}]", *pair) for i, pair in enumerate(zip(there, here, strict=True)))
        return next((found for found in pairs if found), "")
    return "" if there == here else f"{place}: {_short(there)} there, {_short(here)} here"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:36]}..."
