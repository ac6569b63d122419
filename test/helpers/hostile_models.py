# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Invalid model files, each with the message that loading it must give."""

from __future__ import annotations

import copy
import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from obstacle_classifier.model import manifest
from test.helpers.models import forge, make_model, members_of, npy, zip_of

MODEL = make_model(h=4, bags=[{"name": "walk", "sha256": "0" * 64}])
D = len(MODEL.columns)
NUMBERS = MODEL.network.numbers
SPEC = MODEL.document["sections"]["network"]["spec"]
SECTIONS = MODEL.document["sections"]
CONFIG = MODEL.document["sections"]["sensors"]["config"]
MEGABYTE = 2**20
LARGE = 2800  # hidden units of a network just within the size limit


def member(name: str, data: bytes | None) -> Callable[[Path], object]:
    """The model's file with one member replaced, added or (None) left out. Nothing else is adjusted."""

    def write(path: Path) -> None:
        MODEL.save(path)
        members = members_of(path)
        path.write_bytes(zip_of((key, value) for key, value in {**members, name: data}.items() if value is not None))

    return write


def text(content: bytes | str) -> Callable[[Path], object]:
    """The model's file with other bytes for a manifest."""
    data = content if isinstance(content, bytes) else content.encode()
    return member("manifest.npy", npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({len(data)},), }}", data))


def document(**changes: Any) -> Callable[[Path], object]:
    """The model's file with changed keys of the manifest, and the digest that belongs to it."""
    return lambda path: forge(path, MODEL, {key.replace("__", "."): value for key, value in changes.items()})


def arrays(**changes: Any) -> Callable[[Path], object]:
    """The model's file with changed arrays, and the digest that belongs to it."""
    return lambda path: forge(path, MODEL, arrays={key.replace("__", "."): value for key, value in changes.items()})


def bytes_of(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """The model's file with its bytes changed."""

    def write(path: Path) -> None:
        MODEL.save(path)
        path.write_bytes(change(path.read_bytes()))

    return write


def manifest_text(**changes: Any) -> str:
    """The manifest with changed keys, at the top or, as `section__key`, in a section; strings stand for themselves."""
    manifest = copy.deepcopy({**MODEL.document, "digest": MODEL.digest})
    for key, value in changes.items():
        section, _, name = key.partition("__")
        target = manifest["sections"][section] if name else manifest
        target[name or section] = value
    return json.dumps(manifest)


def deep_metrics(depth: int) -> Callable[[Path], object]:
    nested = '{"a":' * depth + "0" + "}" * depth
    return text(manifest_text(provenance__metrics=0).replace('"metrics": 0', f'"metrics": {nested}'))


def without(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def label(**changes: Any) -> list[dict[str, Any]]:
    first, *others = MODEL.document["sections"]["labels"]["labels"]
    return [{**first, **changes}, *others]


def entry(array: Any, index: Any, value: Any) -> Any:
    copy = array.copy()
    copy[index] = value
    return copy


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


def recompressed(compression: int) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        MODEL.save(path)
        path.write_bytes(zip_of(members_of(path).items(), compression))

    return write


def bomb(path: Path) -> None:
    """A gigabyte of zeros in a megabyte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("manifest.npy", "w") as data:
        for _ in range(1024):
            data.write(bytes(MEGABYTE))


def with_large_directory(path: Path) -> None:
    path.write_bytes(zip_of((f"W{index}.npy", b"") for index in range(60_000)))


def with_zip64_directory(data: bytes) -> bytes:
    """A zip64 record that promises a directory of gigabytes, where the reader would look for it."""
    end = data[-22:]
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**33, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(data) - 22, 1)
    fields = list(struct.unpack("<4s4H2LH", end))
    fields[5] += len(record) + len(locator)
    return data[:-22] + record + locator + struct.pack("<4s4H2LH", *fields)


def large(**changes: Any) -> Callable[[Path], object]:
    """A file of the largest allowed size, with wrong golden vectors."""

    def write(path: Path) -> None:
        arrays: dict[str, Any] = {
            "network.W0": np.zeros((D, LARGE), "<f4"),
            "network.b0": np.zeros(LARGE, "<f4"),
            "network.W1": np.zeros((LARGE, LARGE), "<f4"),
            "network.b1": np.zeros(LARGE, "<f4"),
            "network.W2": np.zeros((LARGE, 3), "<f4"),
        }
        spec = {**SPEC, "widths": [D, LARGE, LARGE, 3]}
        forge(path, MODEL, {"network.spec": spec}, arrays, **changes)

    return write


def network(**changes: Any) -> Callable[[Path], object]:
    return document(network__spec={**SPEC, **changes})


def bag_lines(lines: bytes) -> Callable[[Path], object]:
    return lambda path: forge(
        path, MODEL, {"provenance.bags": len(lines)}, {"provenance.bags": np.frombuffer(lines, np.uint8)}
    )


def huge(shape: str, dtype: str = "<f4") -> bytes:
    return npy(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}")


# A function that writes the file, and the message that follows the path.
CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "not an .npz file: found 0 bytes"),
    "text": (lambda path: path.write_bytes(b"x" * 1000), "not an .npz file, or cut off: no directory at its end"),
    "too large": (
        sparse,
        "found 1099511627776 bytes, expected at most 34668544",
    ),
    "folder": (lambda path: path.mkdir(), "cannot be read: found a folder, expected a regular file"),
    "pipe": (os.mkfifo, "cannot be read: found a pipe, expected a regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "cannot be read: found a device, expected a regular file"),
    "absent": (lambda path: None, "cannot be read: No such file or directory"),
    # The zip
    "appended bytes": (bytes_of(lambda data: data + b"x"), "not an .npz file, or cut off: no directory at its end"),
    "prepended bytes": (bytes_of(lambda data: b"x" + data), "not an .npz file: found a directory of"),
    "comment": (
        lambda path: path.write_bytes(zip_of([("W0.npy", b"")], comment=b"hello")),
        "not an .npz file, or cut off: no directory at its end",
    ),
    "no members": (
        lambda path: path.write_bytes(zip_of([])),
        "member manifest: is missing, so this is not a model file",
    ),
    "other npz": (lambda path: np.savez(path, x=np.ones(3)), "member manifest: is missing, so"),
    "large directory": (with_large_directory, "not an .npz file: found a directory of"),
    "zip64": (bytes_of(with_zip64_directory), "not an .npz file, or cut off: no directory at its end"),
    "deflated": (recompressed(zipfile.ZIP_DEFLATED), "is encrypted, compressed or extended, expected"),
    "lzma": (recompressed(zipfile.ZIP_LZMA), "is encrypted, compressed or extended, expected"),
    "bomb": (bomb, "member manifest: is encrypted, compressed or extended, expected plain stored bytes"),
    "encrypted": (
        bytes_of(lambda data: data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")),
        "is encrypted, compressed or extended, expected plain stored bytes",
    ),
    "path outside": (member("../W0.npy", b"x"), "member '../W0.npy': expected a name such as 'network.W0.npy'"),
    "not an npy": (member("W0.txt", b"x"), "member 'W0.txt': expected a name such as 'network.W0.npy'"),
    # Members
    "missing member": (arrays(network__W1=None), "member network.W1: is missing"),
    "extra member": (
        arrays(network__W3=np.zeros(3, "<f4")),
        "member network.W3: is not one that the manifest declares",
    ),
    "no array": (member("network.W0.npy", b"hello"), "member network.W0: not an array in .npy format 1.0"),
    "cut header": (
        member("network.W0.npy", b"\x93NUMPY\x01\x00"),
        "member network.W0: not an array in .npy format 1.0",
    ),
    "format 2": (
        member("network.W0.npy", npy("{}", version=b"\x02\x00")),
        "member network.W0: not an array in .npy format 1.0",
    ),
    "long header": (
        member("network.W0.npy", npy(" " * 60000)),
        "member network.W0: found an array header of 60001 bytes, expected at",
    ),
    "code as header": (
        member("network.W0.npy", npy("__import__('os')")),
        "member network.W0: the array's header is not that of plain",
    ),
    "pickled": (
        member(
            "network.W0.npy",
            npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n(S'false'\ntR."),
        ),
        "member network.W0: found dtype '|O', expected plain numbers",
    ),
    "structured": (
        arrays(network__W0=np.zeros(3, "<f4,<f4")),
        "member network.W0: the array's header is not that of plain numbers in C",
    ),
    "column order": (
        member("network.W1.npy", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (4, 4), }", bytes(64))),
        "member network.W1: the array's header is not that of plain numbers in C order",
    ),
    "wrong dtype": (
        arrays(network__W1=np.zeros((4, 4))),
        "member network.W1: found <f8 of shape (4, 4), expected <f4 of shape (4, 4)",
    ),
    "byte order": (
        arrays(network__b0=np.zeros(4, ">f4")),
        "member network.b0: found >f4 of shape (4,), expected <f4 of shape (4,)",
    ),
    "wrong shape": (
        arrays(network__W1=np.zeros((4, 5), "<f4")),
        "member network.W1: found <f4 of shape (4, 5), expected <f4 of shape",
    ),
    "huge array": (
        member("network.W1.npy", huge("(100000, 100000)")),
        "member network.W1: found 0 bytes, expected 40000000000 for <f4 of shape (100000, 100000)",
    ),
    "huge item": (
        member("network.W1.npy", huge("(4, 4)", "<U9999")),
        "member network.W1: found 0 bytes, expected 159984 for <U9999 of",
    ),
    "endless shape": (
        member("network.W1.npy", huge(f"({'9' * 60},)")),
        "member network.W1: found 0 bytes, expected 3999",
    ),
    "huge network": (
        network(widths=[D, 10**9, 10**9, 3]),
        f"network of widths [{D}, 1000000000, 1000000000, 3], activation scaled_relu, dtype float32: ",
    ),
    # Content
    "changed array": (
        lambda path: forge(path, MODEL, arrays={"network.b0": NUMBERS["b0"] + 1}, sign=False),
        f"expected '{MODEL.digest}': the content was changed",
    ),
    "changed manifest": (
        lambda path: forge(path, MODEL, {"provenance.seed": 3}, sign=False),
        "the content was changed",
    ),
    "wrong digest": (text(manifest_text(digest="0" * 64)), f"digest: found {MODEL.digest}, expected '{'0' * 64}'"),
    "NaN weight": (
        arrays(network__W0=entry(NUMBERS["W0"], (2, 3), np.nan)),
        "W0: index (2, 3): found nan, expected numbers of at most 1e+06",
    ),
    "infinite bias": (
        arrays(network__b2=entry(NUMBERS["b2"], 0, -np.inf)),
        "b2: index (0,): found -inf, expected numbers",
    ),
    "NaN mean": (
        arrays(network__mean=entry(NUMBERS["mean"], 1, np.nan)),
        "mean: column scan.sector_00_min.min: found nan, expected",
    ),
    "zero scale": (
        arrays(network__scale=entry(NUMBERS["scale"], 1, 0)),
        "scale: column scan.sector_00_min.min: found 0, expected more",
    ),
    "infinite golden": (
        arrays(golden__inputs=entry(MODEL.golden.inputs, 0, np.inf)),
        "golden vectors: found infinite inputs",
    ),
    "NaN golden": (
        arrays(golden__outputs=entry(MODEL.golden.outputs, 0, np.nan)),
        "golden vectors: found infinite inputs or",
    ),
    "other golden": (
        arrays(golden__outputs=np.where(MODEL.golden.outputs > 0.5, 0.25, 0.75).astype("<f4")),
        "golden vector 0, label pedestrian: computed ",
    ),
    # The manifest
    "no JSON": (text("{'format'"), "manifest: not JSON: Expecting property name"),
    "no UTF-8": (text(b'{"format":"\xff"}'), "manifest: not JSON: 'utf-8' codec can't decode byte 0xff"),
    "list": (text("[]"), "manifest: key 'format': expected 'obstacle_classifier model'"),
    "foreign": (
        text(manifest_text(format="cat pictures")),
        "manifest: key 'format': expected 'obstacle_classifier model'",
    ),
    "NaN in JSON": (
        text(manifest_text(provenance__metrics={"f1": float("nan")})),
        "manifest: not JSON: found NaN, expected a finite",
    ),
    "overflow in JSON": (
        text(manifest_text(provenance__metrics={"f1": 0}).replace('"f1": 0', '"f1": 1e999')),
        "manifest: key 'sections.provenance.metrics.f1': found inf, expected a finite number",
    ),
    "long number": (
        text(manifest_text(provenance__seed=0).replace('"seed": 0', '"seed": ' + "9" * 10000)),
        "manifest: not JSON: ",
    ),
    "deep JSON": (text("[" * 500_000), "manifest: nested more than 64 levels deep"),
    **{
        f"metrics {depth} deep": (deep_metrics(depth), "manifest: nested more than 64 levels")
        for depth in (64, 600, 2000, 50_000)
    },
    "large manifest": (
        text(b" " * (MEGABYTE + 1)),
        "member manifest: found |u1 of shape (1048577,), expected |u1 of at most",
    ),
    "many values": (
        text(manifest_text(labels__labels=[[]] * 21_000)),
        "values, expected at most 1048576 and 20000",
    ),
    "many wrong values": (
        text(manifest_text(labels__labels=[[]] * 19_000)),
        "manifest: key 'labels.labels[0]': found [], expected a mapping",
    ),
    "typed manifest": (
        member("manifest.npy", huge("(0,)", "<f8")),
        "member manifest: found <f8 of shape (0,), expected |u1",
    ),
    "newer": (
        text(json.dumps({"format": manifest.FORMAT, "version": 3, "what": "else"})),
        "manifest: found format version 3, expected at most 2: the file was written by a newer package than this one (",
    ),
    "older": (document(version=0), "manifest: found format version 0, expected 1 to 2"),
    "odd version": (document(version="2"), "manifest: found format version '2', expected 1 to 2"),
    "missing key": (text(json.dumps(MODEL.document)), "manifest: key 'digest' is missing"),
    "missing key of a section": (
        document(sections={**SECTIONS, "provenance": without(SECTIONS["provenance"], "seed")}),
        "manifest: key 'provenance': key 'seed' is missing",
    ),
    "missing section": (document(sections=without(SECTIONS, "golden")), "manifest: section 'golden' is missing"),
    "unknown section": (
        document(sections={**SECTIONS, "colours": {}}),
        "manifest: unknown section 'colours' in format 2.0, expected only: sensors, network, labels, golden, ",
    ),
    "unknown section that calls itself optional": (
        document(sections={**SECTIONS, "colours": {"optional": True}}),
        "manifest: unknown section 'colours' in format 2.0",
    ),
    "needed section of a newer minor version": (
        document(minor=1, sections={**SECTIONS, "colours": {}}),
        "manifest: unknown section 'colours' in format 2.1, expected only: ",
    ),
    "section that is no mapping": (
        document(sections={**SECTIONS, "network": []}),
        "manifest: key 'network': found [], expected a mapping",
    ),
    "unknown kind": (document(network__kind="forest"), "found network kind 'forest', expected one of: "),
    "other widths": (
        network(widths=[D + 1, 4, 4, 3]),
        f"network of widths [{D + 1}, 4, 4, 3]: expected {D} inputs and 3 outputs",
    ),
    "endless shape of endless numbers": (
        member("network.W1.npy", huge(f"({'9' * 400},)")),
        "member network.W1: the array's header is not",
    ),
    "endless unknown key": (document(**{"colour\n" * 10_000: 1}), "manifest: unknown key 'colour colour colour"),
    "unknown key": (
        document(colour="red"),
        "manifest: unknown key 'colour', expected one of: digest, format, minor, sections, version",
    ),
    "digest of a number": (text(manifest_text(digest=5)), "manifest: key 'digest': found 5, expected text"),
    "created": (
        document(provenance__created="yesterday"),
        "manifest: key 'provenance.created': found 'yesterday', expected a UTC time such as",
    ),
    "threshold": (
        document(labels__labels=label(threshold=1.5)),
        "manifest: key 'labels.labels[0].threshold': found 1.5, expected at most 1",
    ),
    "enter": (
        document(labels__labels=label(enter=0)),
        "manifest: key 'labels.labels[0].enter': found 0, expected at least 1",
    ),
    "calibration": (
        document(labels__labels=label(calibration={"scale": 0, "offset": 0})),
        "manifest: key 'labels.labels[0].calibration.scale': found 0, expected more than 0",
    ),
    "smoothing": (
        document(labels__labels=label(smoothing=-1)),
        "manifest: key 'labels.labels[0].smoothing': found -1, expected at least 0",
    ),
    "no labels": (document(labels__labels=[]), "manifest: key 'labels.labels': found [], expected at least 1 item"),
    "activation": (
        network(activation="tanh"),
        "manifest: key 'network.spec.activation': found 'tanh', expected one of: scaled_relu",
    ),
    "widths": (network(widths=[D, 4, 0, 3]), "manifest: key 'network.spec.widths[2]': found 0, expected at least 1"),
    "other label": (
        document(labels__labels=label(name="dog")),
        "manifest: key 'labels[0]': found 'dog', expected 'pedestrian' as in the sensors configuration",
    ),
    "fewer columns": (
        document(sensors__columns=list(MODEL.columns[:-1])),
        f"network of widths [{D}, 4, 4, 3]: expected {D - 1} inputs and 3 outputs",
    ),
    "other column": (
        document(sensors__columns=[*MODEL.columns[:-1], "noise.lost"]),
        f"manifest: key 'sensors.columns[{D - 1}]': found 'noise.lost', expected 'noise.missing' as in the sensors",
    ),
    "sensors": (
        document(sensors__config={**CONFIG, "interval": -1}),
        "manifest: sensors: key 'interval': found -1, expected",
    ),
    "sectors": (
        document(
            sensors__config={
                **CONFIG,
                "sensors": {"scan": {"type": "sensor_msgs/msg/LaserScan", "topic": "/scan", "sectors": 10**9}},
            }
        ),
        "manifest: sensors: key 'sensors.scan.sectors': found 1000000000, expected at most 1024",
    ),
    "bag": (bag_lines(b'{"name":"walk","sha256":"short"}\n'), 'provenance.bags: line 1: found \'{"name":"walk",'),
    "bag of code": (bag_lines(b"__import__('os')\n"), "provenance.bags: line 1: found "),
    "bag with a problem and a digest": (
        bag_lines(b'{"name":"walk","sha256":"' + b"0" * 64 + b'","problem":"x"}\n'),
        'provenance.bags: line 1: found \'{"name":"walk",',
    ),
    "bag cut off": (bag_lines(b'{"name":'), "provenance.bags: expected an end of line after the last bag"),
    "bag in UTF-8": (bag_lines(b"\xc3\xa4\n"), "provenance.bags: byte 0: expected ASCII"),
    "many bags": (
        document(provenance__bags=2**24),
        "manifest: key 'provenance.bags': found 16777216, expected at most 8388608",
    ),
    # As large as is read at all
    "large": (large(), "label pedestrian: computed 0.500000, expected"),
    "large and changed": (large(sign=False), "the content was changed"),
}
