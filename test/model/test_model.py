# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from obstacle_classifier.errors import ConfigError, ModelError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.model import Calibration, Model, Reference, describe
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.model.golden import MARGIN
from obstacle_classifier.networks import Batch, MLPNetwork, standardise
from obstacle_classifier.nn import CompiledMLP, sigmoid
from test.helpers.models import SENSORS, forge, make_model

pytestmark = pytest.mark.runtime

D, C = len(SENSORS.columns), len(SENSORS.labels)
MISSING = [index for index, column in enumerate(SENSORS.columns) if column.endswith(".missing")]
BAGS = [{"name": "walk", "sha256": "0" * 64, "part": "train"}, {"name": "run", "sha256": "f" * 64}]
RULES = (DecisionRule(0.25, 3, 2), DecisionRule(), DecisionRule(1.0, 1, 7))
CALIBRATION = (Calibration(2.0, -0.5), Calibration(), Calibration(0.1, 4.0))


def full_model() -> Model:
    return make_model(
        calibration=CALIBRATION,
        rules=RULES,
        metrics={"macro": {"f1": np.float32(0.5), "average_precision": float("nan")}, "n": np.int64(7)},
        training={"hidden": 16, "shares": (0.5, 0.25), "preset": "default", "shuffle": True},
        bags=BAGS,
        reference=Reference.of(np.random.default_rng(0).normal(size=(100, D))),
    )


def test_a_saved_model_is_loaded_as_it_was(tmp_path: Path) -> None:
    model = full_model()
    model.save(tmp_path / "model.npz")
    loaded = Model.load(str(tmp_path / "model.npz"))
    assert loaded == model
    assert hash(loaded) == hash(model)
    assert loaded.digest == model.digest
    assert loaded.sensors == SENSORS
    assert (loaded.labels, loaded.columns) == (SENSORS.labels, SENSORS.columns)
    assert (loaded.rules, loaded.calibration, loaded.provenance.seed) == (RULES, CALIBRATION, 0)
    assert loaded.metrics == {"macro": {"f1": 0.5, "average_precision": None}, "n": 7}
    assert loaded.provenance.training == {"hidden": 16, "shares": [0.5, 0.25], "preset": "default", "shuffle": True}
    assert list(loaded.bags) == BAGS
    assert loaded.provenance.created == "2025-01-31T12:00:00Z"
    assert loaded.arrays.keys() == model.arrays.keys()
    for name, array in loaded.arrays.items():
        assert array.tobytes() == model.arrays[name].tobytes()
        assert array.dtype == model.arrays[name].dtype
        assert not array.flags.writeable
    assert list(tmp_path.iterdir()) == [tmp_path / "model.npz"]


def test_equal_models_are_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        full_model().save(tmp_path / name)
    Model.load(tmp_path / "a").save(tmp_path / "c")
    contents = {(tmp_path / name).read_bytes() for name in "abc"}
    assert len(contents) == 1


def test_every_field_is_part_of_what_a_model_is() -> None:
    model = full_model()

    def origin(**changes: Any) -> dict[str, Any]:
        return {"provenance": replace(model.provenance, **changes)}

    def decisions(**changes: Any) -> dict[str, Any]:
        return {"decisions": replace(model.decisions, **changes)}

    def numbers(**changes: Any) -> dict[str, Any]:
        return {"network": replace(model.network, numbers={**model.network.numbers, **changes})}

    b0, mean, scale = (model.network.numbers[name] for name in ("b0", "mean", "scale"))
    assert model.reference is not None
    changes: list[dict[str, Any]] = [
        {"sensors": parse_sensors({**SENSORS.document, "interval": 0.2}, "test")},
        numbers(b0=np.nextafter(b0, np.float32(1))),
        numbers(mean=mean * 2),
        numbers(scale=np.where(scale == 1, 1, 1.5)),
        decisions(calibration=(Calibration(), *CALIBRATION[1:])),
        decisions(rules=(DecisionRule(0.26, 3, 2), *RULES[1:])),
        decisions(rules=(DecisionRule(0.25, 4, 2), *RULES[1:])),
        decisions(rules=(DecisionRule(0.25, 3, 1), *RULES[1:])),
        {"golden": replace(model.golden, inputs=model.golden.inputs + 1)},
        {"golden": replace(model.golden, outputs=1 - model.golden.outputs)},
        {"reference": None},
        {"reference": replace(model.reference, unknown=np.full(D, 0.5))},
        {"reference": replace(model.reference, quantiles=model.reference.quantiles * 2)},
        {"reference": replace(model.reference, levels=(0.5, *model.reference.levels[1:]))},
        origin(metrics={}),
        origin(training={}),
        origin(seed=1),
        origin(bags=()),
        origin(package_version="0"),
        origin(created="2025-01-31T12:00:01Z"),
    ]
    assert set().union(*changes) == set(Model.__dataclass_fields__)
    assert len({model.digest, *(replace(model, **change).digest for change in changes)}) == len(changes) + 1


def test_numpy_reads_the_file_without_pickle(tmp_path: Path) -> None:
    make_model().save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        assert {name: (file[name].dtype.str, file[name].shape) for name in file.files if name != "manifest"} == {
            "network.W0": ("<f4", (D, 16)),
            "network.b0": ("<f4", (16,)),
            "network.W1": ("<f4", (16, 16)),
            "network.b1": ("<f4", (16,)),
            "network.W2": ("<f4", (16, C)),
            "network.b2": ("<f4", (C,)),
            "network.mean": ("<f8", (D,)),
            "network.scale": ("<f8", (D,)),
            "golden.inputs": ("<f8", (8, D)),
            "golden.outputs": ("<f4", (8, C)),
            "provenance.bags": ("|u1", (0,)),
        }


def test_probabilities_by_hand(tmp_path: Path) -> None:
    # One sensor, one hidden layer of two units, one label: z = (3, 0.5) from a standardised 2, ScaledReLU (6, 0).
    sensors = parse_sensors(
        {"interval": 1, "labels": ["wall"], "sensors": {"s": {"type": "std_msgs/msg/Float64", "topic": "/s"}}}, "test"
    )
    model = Model.create(
        sensors=sensors,
        network=MLPNetwork(
            [
                (np.array([[1.0, 0.25], [-1.0, 0.0]], np.float32), np.array([1.0, 0.0], np.float32)),
                (np.array([[0.5], [9.0]], np.float32), np.array([-1.0], np.float32)),
            ],
            mean=np.array([10.0, 0.0]),
            scale=np.array([4.0, 1.0]),
        ),
        calibration=[Calibration(0.5, -1.25)],
    )
    model.save(tmp_path / "model.npz")
    p = Model.load(tmp_path / "model.npz").predictor().probabilities(np.array([18.0, 0.0]))
    # logit 0.5 * 6 - 1 = 2; calibrated 0.5 * 2 - 1.25 = -0.25.
    assert p.dtype == np.float32
    np.testing.assert_allclose(p, [1 / (1 + np.exp(0.25))], rtol=1e-7)
    # Missing: the mean, and the flag as it is: z = (0, 0), logit -1, calibrated -1.75.
    p = model.predictor().probabilities(np.array([np.nan, 1.0]))
    np.testing.assert_allclose(p, [1 / (1 + np.exp(1.75))], rtol=1e-7)


def test_calibration_acts_on_the_logit() -> None:
    model = full_model()
    numbers = model.network.numbers
    network = CompiledMLP([(numbers[f"W{i}"], numbers[f"b{i}"]) for i in range(3)])
    for x in model.golden.inputs:
        logits = network.logits(standardise(x, numbers["mean"], numbers["scale"])).astype(np.float64)
        scale, offset = np.array(CALIBRATION).T
        np.testing.assert_allclose(model.predictor().probabilities(x), sigmoid(logits * scale + offset), rtol=1e-6)


def test_smoothing_averages_the_logits_of_one_sequence(tmp_path: Path) -> None:
    plain = full_model()
    model = Model.create(
        sensors=SENSORS,
        network=plain.network.restore(),
        calibration=CALIBRATION,
        smoothing=[3.0 * (label == 1) for label in range(len(SENSORS.labels))],
    )
    model.save(tmp_path / "model.npz")
    predictor, alone = Model.load(tmp_path / "model.npz").predictor(), plain.predictor()
    X = np.random.default_rng(1).normal(size=(20, D))
    single = np.array([alone.probabilities(x) for x in X], np.float64)
    logits = np.log(single / (1 - single))
    for _ in range(2):
        smoothed = np.array([predictor.probabilities(x) for x in X])
        expected = logits[0, 1]
        for row in range(len(X)):
            expected += (logits[row, 1] - expected) / 4
            assert smoothed[row, 1] == pytest.approx(sigmoid(expected), rel=1e-4)
        others = [label for label in range(len(SENSORS.labels)) if label != 1]
        assert smoothed[:, others].tobytes() == single[:, others].astype(np.float32).tobytes(), "they stay as they are"
        predictor.reset()


@pytest.mark.parametrize("smoothing", [-1.0, 1e9])
def test_a_smoothing_beyond_its_limits_is_refused(smoothing: float) -> None:
    with pytest.raises(ModelError, match=r"smoothing"):
        Model.create(
            sensors=SENSORS, network=full_model().network.restore(), smoothing=[smoothing] * len(SENSORS.labels)
        )


@given(
    arrays(np.float64, (5, D), elements=st.floats(allow_nan=True, allow_infinity=True)),
    arrays(np.float64, (D,), elements=st.floats(-1e300, 1e300)),
    arrays(np.float64, (D,), elements=st.floats(1e-300, 1e290)),
)
@settings(max_examples=200, deadline=None)
def test_standardise_is_its_formula_and_the_same_for_rows_and_matrices(X: Any, mean: Any, scale: Any) -> None:
    Z = standardise(X, mean, scale)
    assert Z.dtype == np.float32
    assert np.isfinite(Z).all()
    for x, z in zip(X, Z, strict=True):
        assert standardise(x, mean, scale).tobytes() == z.tobytes()
    with np.errstate(all="ignore"):
        formula = (X - mean) / scale
    plain = np.abs(formula) < 0.999e6
    assert np.array_equal(Z[plain], formula[plain].astype(np.float32))
    assert (Z[np.isnan(X)] == 0).all()
    beyond = (np.abs(formula) > 1.001e6) & (scale > 1e-12 * np.abs(mean))
    np.testing.assert_allclose(Z[beyond], 1e6 * np.sign(formula[beyond]), rtol=1e-3)


def test_missing_columns_pass_standardising_as_they_are() -> None:
    model = make_model()
    x = np.full(D, np.nan)
    x[MISSING] = 1
    expected = np.zeros(D, np.float32)
    expected[MISSING] = 1
    assert np.array_equal(standardise(x, model.network.numbers["mean"], model.network.numbers["scale"]), expected)


def test_each_call_gives_a_new_array_with_the_same_bits() -> None:
    model = full_model()
    predictor, other = model.predictor(), model.predictor()
    first = [predictor.probabilities(x) for x in model.golden.inputs]
    inputs = model.golden.inputs.copy()
    again = [other.probabilities(x) for x in inputs[::-1]][::-1]
    assert [p.tobytes() for p in first] == [p.tobytes() for p in again] == [p.tobytes() for p in model.golden.outputs]
    assert inputs.tobytes() == model.golden.inputs.tobytes()
    assert len({p.ctypes.data for p in first}) == len(first)


def test_no_features_make_a_probability_other_than_a_number_from_0_to_1() -> None:
    largest = np.float32(1e6)
    model = make_model()
    numbers = {
        name: array if name in ("mean", "scale") else np.sign(array) * largest
        for name, array in model.network.numbers.items()
    }
    extreme = replace(model, network=replace(model.network, numbers=numbers))
    for predictor in (model.predictor(), extreme.predictor()):
        for value in (np.nan, np.inf, -np.inf, 1.7e308, -1.7e308, 5e-324, 0.0):
            p = predictor.probabilities(np.full(D, value))
            assert ((p >= 0) & (p <= 1)).all()


def test_golden_vectors_stay_clear_of_the_jump_and_hold_unknowns() -> None:
    model = make_model(h=128)
    predictor = model.predictor()
    for x in model.golden.inputs:
        predictor.probabilities(x)
        assert predictor.margin() > MARGIN
    unknown = np.isnan(model.golden.inputs).any(axis=1)
    assert unknown.any()
    assert not unknown.all()
    flags = model.golden.inputs[:, MISSING]
    assert np.isin(flags, (0, 1)).all()
    assert flags.any()


def test_golden_vectors_are_drawn_from_the_seed() -> None:
    network = make_model().network.restore()
    one, again, other = (Model.create(sensors=SENSORS, network=network, seed=seed).golden.inputs for seed in (0, 0, 1))
    assert one.tobytes() == again.tobytes() == make_model().golden.inputs.tobytes()
    assert one.tobytes() != other.tobytes()


def test_golden_vectors_are_like_the_training_columns() -> None:
    X = np.random.default_rng(0).normal(1000.0, 0.01, (500, D))
    model = Model.create(sensors=SENSORS, network=make_model().network.restore(), reference=Reference.of(X))
    known = np.delete(model.golden.inputs, MISSING, axis=1)
    assert np.nanmax(np.abs(known - 1000.0)) < 0.1


def test_a_network_that_sits_on_the_jump_has_no_golden_vectors() -> None:
    network = make_model().network.restore()
    assert isinstance(network, MLPNetwork)
    network.linears[0].W[:], network.linears[0].b[:] = 0, 1
    with pytest.raises(ModelError, match=r"within 2e-05 of a discontinuity"):
        Model.create(sensors=SENSORS, network=network)


def test_a_saved_network_can_be_trained_on() -> None:
    network = make_model().network.restore()
    X = np.random.default_rng(0).normal(size=(50, D))
    batch = Batch(network.inputs(X), (X[:, :C] > 0).astype(np.float32))
    before, gradients = network.gradients(batch)
    parameters = network.parameters()
    for name, gradient in gradients.items():
        parameters[name] -= np.float32(0.01) * gradient
    assert network.gradients(batch)[0] < before


def test_a_model_whose_file_would_be_refused_is_not_written(tmp_path: Path) -> None:
    model = make_model()
    wrong = replace(model, golden=replace(model.golden, outputs=1 - model.golden.outputs))
    (tmp_path / "model.npz").write_bytes(b"before")
    with pytest.raises(ModelError, match=r"model\.npz: not written, because it could not be loaded: golden vector 0"):
        wrong.save(tmp_path / "model.npz")
    assert (tmp_path / "model.npz").read_bytes() == b"before"


def test_an_optional_section_of_a_newer_minor_version_is_skipped(tmp_path: Path) -> None:
    model = make_model()
    sections = {**model.document["sections"], "colours": {"optional": True, "names": ["red"]}}
    path = forge(tmp_path / "newer.npz", model, {"minor": 1, "sections": sections}, {"colours.wheel": np.zeros(3)})
    assert Model.load(path) == model


def test_the_bags_of_a_fleet_fit_into_a_file(tmp_path: Path) -> None:
    bags = [{"name": f"robot_{k}/street", "sha256": f"{k:064x}", "part": "train"} for k in range(30_000)]
    make_model(h=4, bags=bags).save(tmp_path / "model.npz")
    assert list(Model.load(tmp_path / "model.npz").bags) == bags


def with_entry(array: Any, index: Any, value: float) -> Any:
    copy = np.array(array)
    copy[index] = value
    return copy


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        ("W0", (2, 3), np.nan, r"W0: index \(2, 3\): found nan, expected numbers of at most 1e\+06"),
        ("b2", 1, 2e6, r"b2: index \(1,\): found 2e\+06, expected numbers of at most 1e\+06"),
        ("mean", 0, np.inf, "mean: column scan.sector_00_min.last: found inf, expected"),
        ("scale", 0, 0, "scale: column scan.sector_00_min.last: found 0, expected more"),
        ("scale", 0, np.nan, "scale: column scan.sector_00_min.last: found nan"),
        ("mean", MISSING[1], 0.5, "mean: column imu.missing: found 0.5, expected 0, because"),
        ("scale", MISSING[1], 2, "scale: column imu.missing: found 2, expected 1, because"),
    ],
)
def test_numbers_that_make_no_network_are_refused(name: str, index: Any, value: float, message: str) -> None:
    section = make_model().network
    network = replace(section, numbers={**section.numbers, name: with_entry(section.numbers[name], index, value)})
    with pytest.raises(ModelError, match=message):
        Model.create(sensors=SENSORS, network=network.restore())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"calibration": [Calibration()]}, "labels: found 1 calibrations, 3 rules and 3 smoothings for 3 labels"),
        (
            {"calibration": [Calibration(), Calibration(-1, 0), Calibration()]},
            "calibration of bicycle: found scale -1, offset 0, expected a scale of more than 0",
        ),
        (
            {"network": MLPNetwork([(np.zeros((D, 2)), np.zeros(2))], np.zeros(D), np.ones(D))},
            r"network of widths \[14, 2\]: expected 14 inputs and 3 outputs",
        ),
        ({"bags": [{"name": "walk"}]}, "bags: found keys name, expected name, sha256 and perhaps part"),
    ],
)
def test_parts_that_make_no_model_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Model.create(**{"sensors": SENSORS, "network": make_model().network.restore(), **arguments})


@pytest.mark.parametrize(
    ("parameters", "d", "message"),
    [
        ([(np.zeros((3, 2)), np.zeros(3))], 3, r"network: found shapes .* that chain from 3"),
        ([(np.zeros((3, 2)), np.zeros(2)), (np.zeros((4, 1)), np.zeros(1))], 3, "network: found shapes"),
        ([], 3, "network: found shapes"),
        ([(np.zeros((3, 2)), np.zeros(2))], 2, "network: found shapes"),
    ],
)
def test_shapes_that_do_not_chain_are_refused(parameters: Any, d: int, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        MLPNetwork(parameters, np.zeros(d), np.ones(d))
    with pytest.raises(ModelError, match=r"mean, scale: found shapes \(3,\) and \(2,\)"):
        MLPNetwork(parameters, np.zeros(3), np.ones(2))


def test_a_network_too_large_for_a_file_is_refused_where_it_is_made() -> None:
    with pytest.raises(
        ModelError, match=r"network of widths \[14, 3000, 3000, 3\], .*: \d+ bytes of arrays, expected at most"
    ):
        make_model(h=3000)


def test_creation_time_follows_source_date_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model()
    arguments = {"sensors": SENSORS, "network": model.network.restore()}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86399")
    assert Model.create(**arguments).provenance.created == "1970-01-01T23:59:59Z"  # type: ignore[arg-type]
    for bad in ("", "now", "1.5", "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", bad)
        with pytest.raises(ConfigError, match=f"SOURCE_DATE_EPOCH: found '{bad}', expected whole seconds"):
            Model.create(**arguments)  # type: ignore[arg-type]
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert Model.create(**arguments).provenance.created > "2025"  # type: ignore[arg-type]


def test_a_model_that_cannot_be_saved_says_where(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent/model\.npz: cannot be written: No such file or directory"):
        make_model().save(tmp_path / "absent" / "model.npz")
    with pytest.raises(ModelError, match="cannot be written: found a folder, expected a file to write"):
        make_model().save(tmp_path)


def test_describe_names_what_a_model_holds() -> None:
    model = full_model()
    text = describe(model)
    for part in (
        model.digest,
        "2025-01-31T12:00:00Z by obstacle_classifier",
        "14 -> 16 -> 16 -> 3, mlp, 563 parameters",
        "interval  0.1 s",
        "pedestrian  0.25       3      2     2            -0.5",
        "imu     sensor_msgs/msg/Imu        /imu/data     3        1 s     1 s      no",
        "macro.f1                 0.5",
        "macro.average_precision  -",
        "shares    [0.5, 0.25]",
        "walk  train  000000000000",
    ):
        assert part in text
    assert all(line == line.rstrip() for line in text.splitlines())
