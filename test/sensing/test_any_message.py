# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages of any type, by a definition: every number by its path, against values written byte by byte and rosbags."""

from __future__ import annotations

import math
import struct
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obstacle_classifier.sensing import OptionError, make_decoder
from obstacle_classifier.sensing.cdr import DecodeError
from obstacle_classifier.sensing.definition import MAX_DEPTH, DefinitionError, difference, parse_definition
from obstacle_classifier.sensing.field_layout import Walk, plain_sizes, repeat
from obstacle_classifier.sensing.field_path import numeric_paths, resolve_path
from obstacle_classifier.sensing.schema import Array, Primitive, Schema, Sequence, String, Struct
from test.helpers.messages import encode_schema, random_fields, values_of

pytestmark = pytest.mark.runtime

PACK = """\
# a pack of cells
std_msgs/Header header
string name "none # of them"
uint8 FULL=1
string WHO = "a#b"
Cell[] cells
float32[3] currents
int64 ticks 7   # since the start
bool charging
Cell[2] pair
================================================================================
MSG: my_msgs/Cell
float64 voltage
string<=8 label
uint8[<=4] flags
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
TYPE = "my_msgs/msg/Pack"
LITTLE = b"\x00\x01\x00\x00"


def cell(voltage: float, label: str = "", flags: tuple[int, ...] = ()) -> dict[str, Any]:
    return {"voltage": voltage, "label": label, "flags": list(flags)}


def pack(*cells: dict[str, Any], name: str = "a", ticks: int = 5, little_endian: bool = True) -> bytes:
    fields = {
        "header": {"stamp": {"sec": 3, "nanosec": 4}, "frame_id": "base"},
        "name": name,
        "cells": list(cells),
        "currents": [0.5, 1.5, math.nan],
        "ticks": ticks,
        "charging": True,
        "pair": [cell(10.0, "left"), cell(20.0, "right", (1, 2))],
    }
    return encode_schema(parse_definition(PACK), fields, little_endian=little_endian)


def decode(*messages: bytes, channels: list[str]) -> list[list[float]]:
    samples = make_decoder(TYPE, {"channels": channels, "definition": PACK}).decode(messages)
    assert not samples.errors
    rows: list[list[float]] = samples.values.tolist()
    return rows


# --- Numbers by their paths -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_message_written_by_hand(order: str) -> None:
    text = "uint8 a\nfloat64[2] b\nInner[] c\nuint16 d\n===\nMSG: x/Inner\nfloat64 p\nuint8 q\n"
    # a, 7 of padding, b, 2 items of 8 + 1, the first with 4 of padding before and 7 after it, 1 of padding, d
    body = struct.pack(f"{order}B7x2dI4xdB7xdBxH", 7, 1.5, 2.5, 2, 3.5, 4, 5.5, 6, 65535)
    channels = ["a", "b[1]", "c[0].q", "c[1].p", "c[1].q", "c[2].p", "d"]
    decoder = make_decoder("x/msg/T", {"channels": channels, "definition": text})
    samples = decoder.decode([(LITTLE if order == "<" else b"\0\0\0\0") + body])
    assert samples.errors == ()
    np.testing.assert_array_equal(samples.values, [[7, 2.5, 4, 5.5, 6, math.nan, 65535]])
    assert samples.stamps is None


def test_items_are_read_where_a_message_has_them() -> None:
    rows = decode(
        pack(cell(1.0, "x"), cell(2.0, "longer")),
        pack(cell(3.0, "longer", (1, 2, 3))),
        pack(little_endian=False),
        channels=["cells[1].voltage", "cells[0].flags[2]", "pair[1].voltage", "pair[1].flags[1]", "currents[1]"],
    )
    np.testing.assert_array_equal(
        rows, [[2.0, math.nan, 20.0, 2.0, 1.5], [math.nan, 3.0, 20.0, 2.0, 1.5], [math.nan, math.nan, 20.0, 2.0, 1.5]]
    )


def test_booleans_are_0_or_1_and_nan_stays() -> None:
    np.testing.assert_array_equal(decode(pack(), channels=["charging", "currents[2]"]), [[1.0, math.nan]])


def test_integers_beyond_2_to_53_are_rounded_to_the_nearest_float64() -> None:
    ticks = [2**53, 2**53 + 1, 2**53 + 3, -(2**63), 2**63 - 1]
    rows = decode(*(pack(ticks=each) for each in ticks), channels=["ticks"])
    assert [row[0] for row in rows] == [2.0**53, 2.0**53, 2.0**53 + 4, -(2.0**63), 2.0**63]


def test_stamps_are_those_of_the_header() -> None:
    decoder = make_decoder(TYPE, {"channels": ["ticks"], "definition": PACK})
    assert decoder.decode([pack()]).stamps == np.array([3 * 10**9 + 4])
    no_header = "Header header\nint8 x\n===\nMSG: my_msgs/Header\nint8 y\n"
    decoder = make_decoder("my_msgs/msg/T", {"channels": ["header.y", "x"], "definition": no_header})
    samples = decoder.decode([LITTLE + b"\x01\xff"])
    assert (samples.stamps, samples.values.tolist()) == (None, [[1.0, -1.0]])


def test_texts_that_change_need_no_new_layout() -> None:
    walk = Walk(parse_definition(PACK), [("ticks",)])
    first, other = (walk.layout(pack(name=name)) for name in ("abc", "xyz"))
    assert first.fits(np.frombuffer(pack(name="xyz"), np.uint8)[np.newaxis]) is None
    assert first.channels == other.channels


def test_a_long_array_costs_no_more_than_a_short_one() -> None:
    """The ratio of two times of the same run: a walk item by item would take a thousand times as long."""
    schemas = [
        parse_definition(f"C[{count}] c\nfloat32 x\n===\nMSG: x/C\nfloat64 a\nuint8 b") for count in (30, 30_000)
    ]
    messages = [encode_schema(schema, random_fields(schema, np.random.default_rng(0))) for schema in schemas]
    took = []
    for schema, message in zip(schemas, messages, strict=True):
        walk = Walk(schema, [("x",)])
        began = time.perf_counter()
        for _ in range(200):
            walk.layout(message)
        took.append(time.perf_counter() - began)
    assert took[1] < 30 * took[0]


# --- Any schema -------------------------------------------------------------------------------------------------------

_NUMBERS = [Primitive(code) for code in "?bBhHiIqQfd"]


def _schemas(depth: int) -> st.SearchStrategy[Struct]:
    items: st.SearchStrategy[Any] = st.sampled_from([*_NUMBERS, String()])
    if depth:
        items = st.one_of(items, _schemas(depth - 1))
    children: st.SearchStrategy[Schema] = st.one_of(
        items, st.builds(Array, items, st.integers(2, 3)), st.builds(Sequence, items)
    )
    return st.lists(children, min_size=1, max_size=4).map(
        lambda each: Struct(tuple((f"f{number}", child) for number, child in enumerate(each)))
    )


def _pick(fields: Any, path: tuple[str | int, ...]) -> float:
    for step in path:
        if isinstance(step, int) and step >= len(fields):
            return math.nan
        fields = fields[step]
    return float(fields)


def _paths(schema: Struct) -> list[str]:
    """Paths to all numbers, of sequences the second item too."""
    listed = list(numeric_paths(schema))
    return [path for path, _ in listed] + [path.replace("[0]", "[1]") for path, count in listed if count is None]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.data(), st.booleans())
def test_every_number_of_every_type_is_found(data: st.DataObject, little_endian: bool) -> None:
    schema = data.draw(_schemas(2))
    fields = data.draw(values_of(schema))
    paths = [resolve_path(schema, text) for text in _paths(schema)]
    layout = Walk(schema, paths).layout(message := encode_schema(schema, fields, little_endian=little_endian))
    assert layout.size == len(message)
    rows = np.frombuffer(message, np.uint8)[np.newaxis]
    for path, field in zip(paths, layout.channels, strict=True):
        found = math.nan if field is None else float(field.of(rows)[0, 0])
        assert struct.pack("<d", found) == struct.pack("<d", _pick(fields, path)) or found != found, path


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 7), st.integers(0, 40), st.data())
def test_many_items_are_passed_over_at_once(start: int, count: int, data: st.DataObject) -> None:
    items = st.sampled_from(_NUMBERS)
    schema = Struct(tuple((f"f{n}", child) for n, child in enumerate(data.draw(st.lists(items, min_size=1)))))
    sizes = plain_sizes(schema)
    assert sizes is not None
    total = 0
    for _ in range(count):
        total += sizes[(start + total) % 8]
    assert repeat(sizes, start, count) == total


# --- Hostile messages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "encapsulation header: found ''"),
        (b"\x00\x03\x00\x00", "encapsulation header"),
        (pack()[:20], "header.frame_id: 5 bytes needed at 16, 4 left"),
        (pack() + bytes(4), "4 bytes follow"),
        (pack().replace(b"base\0", b"basex"), "header.frame_id: string of 5 bytes at 16 without its terminating zero"),
        (pack()[:32] + b"\xff\xff\xff\xff" + pack()[36:], "cells: 4294967295 items announced at 36"),
    ],
)
def test_bytes_that_are_no_message_are_refused(data: bytes, reason: str) -> None:
    samples = make_decoder(TYPE, {"channels": ["ticks"], "definition": PACK}).decode([data])
    assert len(samples.values) == 0
    ((_, error),) = samples.errors
    assert reason in str(error)


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 150), st.integers(1, 40))
def test_damaged_messages_are_decoded_or_refused(noise: bytes, place: int, cut: int) -> None:
    whole = pack(cell(1.0, "x", (1, 2)), cell(2.0))
    decoder = make_decoder(TYPE, {"channels": ["cells[1].voltage", "pair[1].flags[0]"], "definition": PACK})
    damaged = [LITTLE + noise, whole[:place] + noise[:cut] + whole[place + cut :], whole[:place], whole[:place] + noise]
    samples = decoder.decode(damaged)
    assert len(samples.values) + len(samples.errors) == len(damaged)
    for row, position in enumerate(samples.kept):
        alone = make_decoder(TYPE, {"channels": list(decoder.channels), "definition": PACK})
        assert alone.decode([damaged[position]]).values.tobytes() == samples.values[row].tobytes()


@pytest.mark.parametrize("text", ["string[2000000000] x\nint8 y", "float64[2000000000] x\nint8 y"])
def test_large_arrays_allocate_nothing(text: str) -> None:
    walk = Walk(parse_definition(text), [("y",)])
    with pytest.raises(DecodeError):
        walk.layout(LITTLE + bytes(100))


# --- Definitions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("float32", "line 1: found 'float32', expected a type and the name of a field"),
        ("int8 a\nint8 a", "line 2: found a second field 'a'"),
        ("Cell a", "type Cell is not defined"),
        ("float128 a", "type float128 is not defined"),
        ("A a\n===\nMSG: x/A\nB b\n===\nMSG: x/B\nA a", "type x/A contains itself"),
        ("int8[0] a", "field a: found an array of 0 items, expected 1 to 2147483647"),
        ("int8 a\n===\nint8 b", "line 3: found 'int8 b', expected 'MSG: package/Type'"),
        ("int8 a\n" * 40_000, "found 280000 characters, expected at most 262144"),
        (
            "A0 a\n"
            + "".join(f"===\nMSG: x/A{n}\nA{n + 1} a\nA{n + 1} b\n" for n in range(20))
            + "===\nMSG: x/A20\nint8 c",
            "found 32768 fields in 16 levels, expected at most 20000 in 32",
        ),
        (
            "A0 a\n" + "".join(f"===\nMSG: x/A{n}\nA{n + 1} a\n" for n in range(MAX_DEPTH)) + "===\nMSG: x/A32\nint8 c",
            "found more than 32 types within each other",
        ),
    ],
)
def test_bad_definitions_are_refused(text: str, reason: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_definition(text)
    assert reason in str(caught.value)


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("int8 float[]<=3\n=MSG:/ax#_"), max_size=120))
def test_any_text_is_a_definition_or_refused(text: str) -> None:
    try:
        schema = parse_definition(text)
    except DefinitionError:
        return
    assert schema.fields


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("int8 a\nfloat64[2] b\nA c\n===\nMSG: y/A\nint8 d", None),
        ("int8 a\nfloat64[2] b\nA c\n===\nMSG: y/A\nuint8 d", "field c.d: found uint8, expected int8"),
        ("int8 a\nfloat64[3] b\nA c\n===\nMSG: y/A\nint8 d", "field b: found float64[3], expected float64[2]"),
        ("int8 a\nfloat64[] b\nA c\n===\nMSG: y/A\nint8 d", "field b: found float64[], expected float64[2]"),
        ("int8 a\nfloat64[2] b", "found no field c, expected a message"),
        ("int8 a\nint8 x\nfloat64[2] b", "found field x, expected b"),
        ("int8 a\nfloat64[2] b\nA c\nint8 z\n===\nMSG: y/A\nint8 d", "found field z, expected none"),
    ],
)
def test_the_first_difference_of_two_definitions(other: str, said: str | None) -> None:
    expected = parse_definition("int8 a\nfloat64[2] b\nB c\n===\nMSG: x/B\nint8 d")
    assert difference(parse_definition(other), expected) == said


# --- Channels that do not exist ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("tick", "a numeric field, such as ticks"),
        ("cells[0].voltag", "a numeric field, such as cells[0].voltage"),
        ("cells.voltage", "an index such as cells[0]"),
        ("currents", "an index such as currents[0]"),
        ("currents[3]", "an index from 0 to 2 for currents"),
        ("ticks[0]", "no index, since ticks is not an array"),
        ("name", "a number, as header.stamp.sec, header.stamp.nanosec, cells[0].voltage"),
        ("cells[0]", "a number, as "),
        ("cells[-1].voltage", "a field such as twist.linear.x or cells[3].voltage"),
        ("a..b", "a field such as"),
        ("cells[123456].voltage", "a field such as"),
    ],
)
def test_channels_that_do_not_exist_are_told_with_the_nearest(channel: str, expected: str) -> None:
    with pytest.raises(OptionError) as caught:
        make_decoder(TYPE, {"channels": [channel], "definition": PACK})
    assert (caught.value.key, caught.value.found) == ("channels", channel)
    assert caught.value.expected.startswith(expected)


def test_a_type_without_definition_cannot_be_decoded() -> None:
    with pytest.raises(OptionError, match=r"type: found 'my_msgs/msg/Pack', expected a definition of it, or one of "):
        make_decoder(TYPE, {"channels": ["ticks"]})


@pytest.mark.parametrize(
    ("text", "channel", "works"),
    [
        ("int8 a\nwstring b\nint8 c", "a", True),
        ("int8 a\nwstring b\nint8 c", "c", False),
        ("W[] w\n===\nMSG: x/W\nint8 a\nwstring b", "w[0].a", True),
        ("W[] w\n===\nMSG: x/W\nint8 a\nwstring b", "w[1].a", False),
        ("wstring[] w\nint8 a", "a", False),
    ],
)
def test_fields_before_a_wide_string_can_be_read(text: str, channel: str, works: bool) -> None:
    options = {"channels": [channel], "definition": text}
    if not works:
        with pytest.raises(OptionError, match="a field before the first wstring"):
            make_decoder("x/msg/T", options)
        return
    decoder = make_decoder("x/msg/T", options)
    count = b"\1\0\0\0" if "[" in channel else b""
    assert decoder.decode([LITTLE + count + b"\7" + b"whatever follows"]).values.tolist() == [[7.0]]
