# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a recording shows: points, pictures, curves, each from the span that is asked for."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")
pytest.importorskip("PIL", reason="Pillow is not installed")

from PIL import Image

from obstacle_classifier.features import load_sensors
from obstacle_classifier.labelling.pictures import picture
from obstacle_classifier.labelling.points import MAX_POINTS, points
from obstacle_classifier.labelling.scene import Scene
from test.helpers.bags import cdr, truncate
from test.helpers.messages import make_cloud, make_range, make_scan
from test.helpers.page import write_sensors, write_walk

S = 10**9
SCAN, CLOUD, RANGE = (f"sensor_msgs/msg/{name}" for name in ("LaserScan", "PointCloud2", "Range"))


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    sensors = load_sensors(write_sensors(tmp_path / "sensors.yaml"))
    found = Scene(write_walk(tmp_path / "walk"), sensors)
    yield found
    found.close()


def unpack(data: bytes) -> tuple[Any, bytes]:
    (length,) = struct.unpack_from("<I", data)
    assert length % 4 == 0
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def test_frames_are_those_of_the_span_in_order(scene: Scene) -> None:
    listed, body = unpack(scene.frames(3 * S, 4 * S, 40))
    assert [(name, time) for name, time, _ in listed] == [("scan", 3 * S + k * S // 10) for k in range(10)]
    xy = np.frombuffer(body, "<i2").reshape(-1, 2)
    assert len(xy) == sum(count for _, _, count in listed) == 900
    assert np.hypot(*xy[:90].T.astype(float)) == pytest.approx(100 + 10 * np.sin(15), abs=1.5)


def test_of_many_frames_the_newest_of_equal_parts_are_given(scene: Scene) -> None:
    listed, _ = unpack(scene.frames(3 * S, 4 * S, 5))
    assert [time for _, time, _ in listed] == [round((3.1 + 0.2 * k) * S) for k in range(5)]


def test_outside_of_the_recording_there_is_nothing(scene: Scene) -> None:
    assert unpack(scene.frames(99 * S, 100 * S, 5)) == ([], b"")
    assert unpack(scene.frames(-5 * S, 0, 5)) == ([], b"")


def test_the_picture_is_the_last_before_the_cursor(scene: Scene) -> None:
    dark, bright = (scene.picture("/camera", time) for time in (S, 3 * S))
    assert dark[1] == bright[1] == "image/jpeg"
    assert [pixel(each[0])[0] for each in (dark, bright)] == [pytest.approx(40, abs=6), pytest.approx(200, abs=6)]
    with pytest.raises(ValueError, match="found camera '/scan'"):
        scene.picture("/scan", S)
    with pytest.raises(ValueError, match="no picture at this time"):
        scene.picture("/camera", 30 * S)


def test_curves_are_least_and_greatest_values(scene: Scene) -> None:
    listed, body = unpack(scene.curve_tile(0, 10 * S, 10))
    assert listed == [["distance", 1, 0], ["noise", 1, 0]]
    values = np.frombuffer(body, "<f4").reshape(2, 2, 10)
    assert values[1] == pytest.approx(50.0)
    near = [1.0 if k in (2, 3, 6) else 3.0 for k in range(10)]
    assert values[0].mean(axis=0) == pytest.approx(near, abs=0.1)
    assert (values[0, 0] <= values[0, 1]).all()


def test_a_damaged_recording_shows_what_can_be_read(tmp_path: Path) -> None:
    sensors = load_sensors(write_sensors(tmp_path / "sensors.yaml"))
    path = write_walk(tmp_path / "walk", seconds=60.0)
    (file,) = path.glob("*.mcap")
    truncate(file, file.stat().st_size // 2)
    found = Scene(path, sensors)
    assert found.bag.problems
    assert len(unpack(found.frames(S, 2 * S, 40))[0]) == 10
    found.close()


def test_points_of_a_scan_leave_out_what_is_no_return() -> None:
    scan = make_scan([1.0, 2.0, np.inf, np.nan, 0.0, 50.0], angle_min=0.0, angle_increment=np.pi / 2)
    assert points(SCAN, scan).tolist() == [[100, 0], [0, 200]]


def test_points_of_a_cloud() -> None:
    cloud = make_cloud([[1.0, -2.0, 0.5], [np.nan, 0.0, 0.0], [3.0, 4.0, 9.0]])
    assert points(CLOUD, cloud).tolist() == [[100, -200], [300, 400]]
    many = make_cloud(np.ones((3 * MAX_POINTS, 3)))
    assert len(points(CLOUD, many)) == MAX_POINTS


def test_a_range_is_an_arc_ahead() -> None:
    arc = points(RANGE, make_range(2.0)).astype(float)
    assert np.hypot(*arc.T) == pytest.approx(200, abs=1)
    assert arc[0, 1] < 0 < arc[-1, 1]
    assert len(points(RANGE, make_range(4.0))) == 0, "no return"


def test_bytes_that_do_not_decode_show_nothing() -> None:
    assert all(len(points(kind, b"\x00\x01\x00\x00\x07")) == 0 for kind in (SCAN, CLOUD, RANGE))


def pixel(content: bytes) -> list[int]:
    """Red, green and blue in the middle of a picture."""
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)
    found: list[int] = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].tolist()
    return found


def image(encoding: str, pixels: Any, **more: Any) -> bytes:
    height, width = pixels.shape[:2]
    header = {"stamp": {"sec": 0, "nanosec": 0}, "frame_id": ""}
    step = pixels.nbytes // height
    fields = {"height": height, "width": width, "encoding": encoding, "is_bigendian": 0, "step": step, **more}
    return cdr("sensor_msgs/msg/Image", header=header, data=pixels.reshape(-1), **fields)


@pytest.mark.parametrize(
    ("encoding", "value", "expected"),
    [
        ("rgb8", [200, 100, 50], [200, 100, 50]),
        ("bgr8", [50, 100, 200], [200, 100, 50]),
        ("bgra8", [50, 100, 200, 0], [200, 100, 50]),
        ("mono8", [120], [120] * 3),
    ],
)
def test_pictures_of_each_encoding(encoding: str, value: list[int], expected: list[int]) -> None:
    pixels = np.tile(np.array(value, np.uint8), (16, 16, 1))
    content, kind = picture("sensor_msgs/msg/Image", image(encoding, pixels))
    assert kind == "image/jpeg"
    assert pixel(content) == pytest.approx(expected, abs=4)


def test_a_compressed_picture_is_handed_on() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, "PNG")
    header = {"stamp": {"sec": 0, "nanosec": 0}, "frame_id": ""}
    data = np.frombuffer(stream.getvalue(), np.uint8)
    message = cdr("sensor_msgs/msg/CompressedImage", header=header, format="png", data=data)
    assert picture("sensor_msgs/msg/CompressedImage", message) == (stream.getvalue(), "image/png")


def test_pictures_that_cannot_be_shown_say_why() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="found encoding 'yuv422', expected one of rgb8"):
        picture("sensor_msgs/msg/Image", image("yuv422", pixels))
    with pytest.raises(ValueError, match="found 48 bytes for 4 rows of 99 bytes"):
        picture("sensor_msgs/msg/Image", image("rgb8", pixels, step=99))
    with pytest.raises(ValueError, match="does not decode"):
        picture("sensor_msgs/msg/Image", b"\x00\x01\x00\x00")
