# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import multiprocessing
import random
import re
from pathlib import Path

import pytest

from obstacle_classifier.model import Model
from test.helpers.models import make_model, save_for_ever

pytestmark = pytest.mark.runtime

KILLS = 50
LONGEST = 0.02  # s, several saves
MODELS = make_model(seed=1), make_model(seed=2, h=64)


def test_a_process_killed_while_saving_leaves_the_old_file_or_the_whole_new_one(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    found = set()
    # A server that has imported the package forks each child at once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test.helpers.models"])
    rng = random.Random(0)
    for _ in range(KILLS):
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=save_for_ever, args=(path, MODELS, sender))
        child.start()
        sender.close()
        with receiver:
            assert receiver.poll(60)
            receiver.recv()
        child.join(timeout=rng.uniform(0, LONGEST))
        child.kill()
        child.join()
        assert child.exitcode == -9
        child.close()
        found.add(Model.load(path))
    assert found <= set(MODELS)
    leftovers = [file.name for file in tmp_path.iterdir() if file != path]
    assert all(re.fullmatch(r"\.model\.npz\.[0-9a-f]{16}\.tmp", name) for name in leftovers)
    assert leftovers, "no child was killed within a save"
