# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The page keeps labels whatever happens to it, and answers to nobody but a browser on this machine."""

from __future__ import annotations

import http.client
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags.label_file import read_label_file
from test.helpers.page import PageServer, browser_page, needs_browser, open_recording, write_sensors, write_walk

SLOT = 200_000_000  # ns: each edit of the test has its own
KILLS = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("nicegui", reason="NiceGUI is not installed")
    write_sensors(tmp_path / "sensors.yaml")
    write_walk(tmp_path / "bags" / "walk", seconds=200.0, rate=1.0)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[PageServer]:
    with PageServer("bags", "--sensors", "sensors.yaml", folder=folder) as server:
        yield server


def kill_while_editing(folder: Path, delay: float) -> tuple[int, int, int]:
    """Kill the server while edits stream in; returns how many were confirmed, are in the file, and were sent."""
    file = folder / "bags" / "walk" / "labels.csv"
    file.unlink(missing_ok=True)
    with PageServer("bags", "--sensors", "sensors.yaml", folder=folder) as server, browser_page(server.url) as page:
        open_recording(page)
        page.evaluate(
            f"""() => {{
                window.sent = 0;
                const add = () => {{
                    const start = window.sent * {SLOT};
                    window.labelling.request({{type: "add", label: "near", start, end: start + {SLOT // 2}}});
                    window.sent += 1;
                }};
                setInterval(add, 4);
            }}"""
        )
        page.wait_for_function("window.labelling.state.tracks.near.length > 0")
        time.sleep(delay)
        server.kill()
        confirmed = page.evaluate("window.labelling.state.tracks.near.length")
        sent = page.evaluate("window.sent")
    rows = [row for row in read_label_file(file, ("near", "loud")).rows if row[2] == "near"]
    assert rows == [(index * SLOT, index * SLOT + SLOT // 2, "near") for index in range(len(rows))], "in order, whole"
    return confirmed, len(rows), sent


def test_killing_the_server_loses_no_confirmed_edit(folder: Path) -> None:
    needs_browser()
    generator = random.Random(7)
    for _ in range(KILLS):
        confirmed, written, sent = kill_while_editing(folder, generator.uniform(0.0, 1.0))
        assert 1 <= confirmed <= written <= sent


def ask(server: PageServer, path: str, host: str | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", f"127.0.0.1:{server.port}" if host is None else host)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport="
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_requests_for_another_host_are_refused(server: PageServer) -> None:
    mine = f"localhost:{server.port}"
    frames = "/recordings/0/frames?start=0&end=1000000000&count=5"
    assert [ask(server, path, mine)[0] for path in ("/", frames, "/labelling/style.css")] == [200] * 3
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1", "127.0.0.1:1", ""):
        for path in ("/", frames, "/labelling/style.css", SOCKET + "polling"):
            assert ask(server, path, host)[0] == 403, (host, path)
    assert ask(server, "/", mine, Origin="http://evil.example")[0] == 403
    assert ask(server, "/", mine, Origin=f"http://{mine}")[0] == 200


def test_websockets_for_another_host_or_from_another_page_are_refused(server: PageServer) -> None:
    mine = f"127.0.0.1:{server.port}"
    path = SOCKET + "websocket"
    assert handshake(server, path, mine) == 101
    assert handshake(server, path, mine, Origin=f"http://{mine}") == 101
    assert handshake(server, path, f"evil.example:{server.port}") == 403
    assert handshake(server, path, mine, Origin="http://evil.example") == 403


def handshake(server: PageServer, path: str, host: str, **headers: str) -> int:
    """The status that opening a websocket gives."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in {**UPGRADE, **headers}.items()]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(100).split()[1])


def test_it_listens_on_loopback_only(server: PageServer) -> None:
    psutil = pytest.importorskip("psutil", reason="psutil is not installed")
    listening = [
        each.laddr.ip for each in psutil.Process(server.process.pid).net_connections() if each.status == "LISTEN"
    ]
    assert listening == ["127.0.0.1"]


def test_nothing_but_the_recordings_is_read(folder: Path, server: PageServer) -> None:
    (folder / "secret.txt").write_text("secret")
    paths = [
        "/recordings/1/frames?start=0&end=1000000000&count=5",
        "/recordings/-1/frames?start=0&end=1000000000&count=5",
        "/recordings/..%2Fsecret.txt/frames?start=0&end=1&count=5",
        "/recordings/0/picture?camera=../secret.txt&time=0",
        "/recordings/0/picture?camera=/distance&time=0",
        "/labelling/../secret.txt",
        "/labelling/%2e%2e/%2e%2e/secret.txt",
        "/labelling/..%2f..%2fpage.py",
        "/secret.txt",
    ]
    for path in paths:
        status, content = ask(server, path)
        assert status in (404, 422), path
        assert b"secret" not in content.replace(b"secret.txt", b""), path
    assert ask(server, "/recordings/0/picture?camera=/camera&time=3000000000")[0] == 200
