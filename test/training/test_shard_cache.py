# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The cache of features: what it reuses, what it does not, and what it does with a damaged file."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.features import parse_sensors
from obstacle_classifier.progress import Silent
from obstacle_classifier.training import load_train_config, train
from obstacle_classifier.training.dataset import Dataset, read_dataset
from obstacle_classifier.training.shard_cache import ShardCache, default_folder
from obstacle_classifier.training.shard_file import Features, ShardFileError, encode_shard, open_shard
from test.helpers.bags import write_bag
from test.helpers.messages import make_float32
from test.helpers.training import DOCUMENT, FLOAT32, SENSORS, START, Recorder, write_street


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("streets")
    return [write_street(folder / f"street_{seed}", seed, 4.0) for seed in range(3)]


@pytest.fixture
def cache(tmp_path: Path) -> ShardCache:
    return ShardCache(tmp_path / "cache")


def assert_same(one: Dataset, other: Dataset) -> None:
    assert one.names == other.names
    for a, b in zip(one, other, strict=True):
        for name in ("X", "Y", "time_ns", "unknown", "follows"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert (a.sha256, a.problems) == (b.sha256, b.problems)


def test_features_are_read_once_and_reused(bags: list[Path], cache: ShardCache) -> None:
    plain = read_dataset(bags, SENSORS, Silent())
    first, second = Recorder(), Recorder()
    assert_same(read_dataset(bags, SENSORS, first, cache=cache), plain)
    written = {path: path.stat().st_mtime_ns for path in cache.files()}
    assert_same(read_dataset(bags, SENSORS, second, cache=cache), plain)
    assert {path: path.stat().st_mtime_ns for path in cache.files()} == written
    place = f"cache {cache.folder}: reused the features of"
    end = f"to clear it: obstacle_classifier cache --cache {cache.folder} --clear"
    assert first.lines == [f"{place} 0 of 3 bags; {end}"]
    assert second.lines == [f"{place} 3 of 3 bags; {end}"]


def test_labels_change_without_the_features(cache: ShardCache, tmp_path: Path) -> None:
    bag = write_street(tmp_path / "street", 0, 4.0)
    read_dataset([bag], SENSORS, Silent(), cache=cache)
    (bag / "labels.csv").write_text("start,end,label\n0,1,loud\n1,2,ignore\n", encoding="utf-8")
    recorder = Recorder()
    data = read_dataset([bag], SENSORS, recorder, cache=cache)
    assert "reused the features of 1 of 1 bags" in recorder.lines[0]
    assert_same(data, read_dataset([bag], SENSORS, Silent()))
    assert np.isnan(data.shards[0].Y).any()
    others = parse_sensors({**DOCUMENT, "labels": ["loud"]}, "test")
    read_dataset([bag], others, recorder, cache=cache)
    assert "reused the features of 1 of 1 bags" in recorder.lines[1], "the labels are not in the key"


def test_other_content_sensors_or_code_are_read_anew(
    cache: ShardCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {cache.key("a" * 64, SENSORS), cache.key("b" * 64, SENSORS)}
    keys.add(cache.key("a" * 64, parse_sensors({**DOCUMENT, "interval": 0.2}, "test")))
    monkeypatch.setattr(sys.modules["obstacle_classifier.training.shard_cache"], "code_version", lambda rooms: "other")
    keys.add(cache.key("a" * 64, SENSORS))
    assert len(keys) == 4


def test_a_damaged_file_is_written_anew_with_a_warning(bags: list[Path], cache: ShardCache) -> None:
    plain = read_dataset(bags, SENSORS, Silent(), cache=cache)
    for number, path in enumerate(cache.files()):
        content = bytearray(path.read_bytes())
        if number == 0:
            content[-500] ^= 1
        path.write_bytes(content[: (None, 90, 0)[number]])
    recorder = Recorder()
    assert_same(read_dataset(bags, SENSORS, recorder, cache=cache), plain)
    warnings = [line for line in recorder.lines if line.startswith(f"warning: cache: {cache.folder}/")]
    assert len(warnings) == 3
    assert all(line.endswith(" are read anew") for line in warnings)
    recorder = Recorder()
    read_dataset(bags, SENSORS, recorder, cache=cache)
    assert "reused the features of 3 of 3 bags" in recorder.lines[0]


def test_a_folder_that_cannot_be_written_costs_the_cache_only(bags: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    recorder = Recorder()
    cache = ShardCache(tmp_path / "file" / "cache")
    assert_same(read_dataset(bags, SENSORS, recorder, cache=cache), read_dataset(bags, SENSORS, Silent()))
    assert any("Not a directory: the features of" in line for line in recorder.lines)


def test_the_problems_of_a_copied_bag_name_the_copy(cache: ShardCache, tmp_path: Path) -> None:
    messages = [("/distance", FLOAT32, START + step * 10**8, make_float32(1.0)) for step in range(20)]
    messages += [("/noise", FLOAT32, START + step * 10**8, b"short") for step in range(20)]
    one, other = (write_bag(tmp_path / name / "street", messages, labels="start,end,label\n") for name in ("a", "b"))
    for bag in (one, other):
        (shard,) = read_dataset([bag], SENSORS, Silent(), cache=cache)
        assert [line.startswith(f"{bag}: ") for line in shard.problems] == [True]
    assert len(cache.files()) == 1


@pytest.mark.parametrize(
    "options",
    [
        ("hidden=8", "epochs=3"),
        ("hidden=8", "epochs=2", "network=window"),
        ("recipe=single", "hidden=8", "epochs=2"),
        ("recipe=adamw", "network=lstm", "hidden=8", "epochs=2"),
        ("recipe=sgd", "hidden=8", "epochs=3"),
        ("recipe=reference", "hidden=8"),
    ],
)
def test_training_gives_the_same_bytes_with_and_without_it(
    bags: list[Path], cache: ShardCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    settings, models = load_train_config(None, options), []
    for given in (None, cache, cache):
        train(SENSORS, bags, settings, Silent(), cache=given).model.save(tmp_path / "model.npz")
        models.append((tmp_path / "model.npz").read_bytes())
    # Batches stream from the shards, as for a data set that is larger than memory.
    monkeypatch.setattr(sys.modules["obstacle_classifier.training.dataset"], "IN_MEMORY", 0)
    train(SENSORS, bags, settings, Silent(), cache=cache).model.save(tmp_path / "model.npz")
    models.append((tmp_path / "model.npz").read_bytes())
    assert len(set(models)) == 1


# --- The file ---------------------------------------------------------------------------------------------------------


def features(n: int = 5) -> Features:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 8))
    X[:1, 1] = np.nan
    return Features("ab" * 32, X, np.arange(n, dtype=np.int64), np.arange(n) % 2 == 0, ("street: late",))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_file_holds_the_features(tmp_path: Path, n: int) -> None:
    stream = BytesIO()
    encode_shard(features(n), stream)
    (tmp_path / "a.shard").write_bytes(stream.getvalue())
    found, expected = open_shard(tmp_path / "a.shard"), features(n)
    for name in ("X", "time_ns", "unknown"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    assert (found.sha256, found.problems) == (expected.sha256, expected.problems)


def test_every_byte_that_changes_is_noticed(tmp_path: Path) -> None:
    stream = BytesIO()
    encode_shard(features(8), stream)
    whole, path = stream.getvalue(), tmp_path / "a.shard"
    for place in range(len(whole) - 56):  # then bytes that fill up the last 64
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        with pytest.raises(ShardFileError):
            open_shard(path)
    for length in range(len(whole) - 56):
        path.write_bytes(whole[:length])
        with pytest.raises(ShardFileError):
            open_shard(path)


# --- Processes --------------------------------------------------------------------------------------------------------


def test_the_default_folder_is_that_of_the_xdg_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "obstacle_classifier"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for unusable in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert default_folder() == tmp_path / "home" / ".cache" / "obstacle_classifier"


def test_several_processes_may_fill_a_cache_at_once_and_a_command_clears_it(
    bags: list[Path], cache: ShardCache, tmp_path: Path
) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(DOCUMENT), encoding="utf-8")
    command = [sys.executable, "-m", "obstacle_classifier.cli"]
    train = [*command, "train", "--sensors", str(tmp_path / "s.yaml"), "--bags", *map(str, bags), "--jobs", "1"]
    train += ["--set", "recipe=reference", "--set", "hidden=8"]
    folder = ["--cache", str(cache.folder)]
    outputs = [tmp_path / f"{number}.npz" for number in range(4)]
    children = [
        subprocess.Popen([*train, *folder, "--output", str(output)], stderr=subprocess.PIPE, text=True)
        for output in outputs
    ]
    for child in children:
        _, text = child.communicate()
        assert child.returncode == 0, text
        assert f"cache {cache.folder}: reused the features of " in text
    plain = tmp_path / "plain.npz"
    subprocess.run([*train, "--no-cache", "--output", str(plain)], check=True, capture_output=True)
    assert {output.read_bytes() for output in outputs} == {plain.read_bytes()}
    assert len(cache.files()) == 3
    said = subprocess.run([*command, "cache", *folder], check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"{cache.folder}: the features of 3 bags, ")
    said = subprocess.run([*command, "cache", *folder, "--clear"], check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"{cache.folder}: deleted the features of 3 bags, ")
    assert list(cache.folder.iterdir()) == []
