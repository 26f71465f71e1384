"""What only a real server shows: memory, broken connections, events over the line, how it stops."""

import json
import socket
import subprocess
import sys
import time

import psutil
import pytest
from real_server import PATIENCE_S, START, real_server

V1 = "/api/v1"
MB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with real_server(tmp_path_factory.mktemp("served") / "data") as server:
        yield server


def wait_for(condition) -> None:
    """Until it holds; a machine may be slow."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def begin(server, name="data.zip", **more) -> str:
    status, body = server.ask("POST", f"{V1}/uploads", {"name": name, **more})
    assert status == 201, body
    return f"{V1}/uploads/{json.loads(body)['id']}"


def test_a_large_upload_leaves_memory_flat(server):
    size = 300 * MB
    process, piece, seen = psutil.Process(server.process.pid), bytes(MB), []
    path = begin(server, size=size)

    def pieces():
        for _ in range(size // MB):
            seen.append(process.memory_info().rss)
            yield piece

    status, body = server.ask("PUT", path, pieces(), {"Content-Length": str(size)})
    assert (status, json.loads(body)["received"]) == (200, size)
    assert max(seen) - seen[0] < 40 * MB
    assert server.ask("DELETE", path)[0] == 204


def test_other_requests_are_answered_during_an_upload(server):
    path, answers = begin(server), []

    def pieces():
        for number in range(40):
            if number % 10 == 5:
                answers.append(server.ask("GET", f"{V1}/health")[0])
            yield bytes(MB)

    server.ask("PUT", path, pieces())
    assert answers == [200] * 4


def half_a_request(server, method, path, is_read) -> None:
    """Send five bytes of ten, and hang up once the server reads them."""
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\n"
        line.sendall(f"{head}Content-Length: 10\r\n\r\n12345".encode())
        wait_for(is_read)


def test_what_arrived_before_the_line_broke_stays(server):
    path = begin(server, size=10)
    half_a_request(server, "PUT", path, lambda: b"else is writing" in server.ask("POST", f"{path}/finish")[1])
    wait_for(lambda: server.read(path)["received"] == 5)
    status, body = server.ask("PUT", f"{path}?offset=5", b"67890")
    assert (status, json.loads(body)["received"]) == (200, 10)


def test_a_file_sent_at_once_that_breaks_off_leaves_nothing(server):
    def is_there():
        return "broken.zip" in [each["name"] for each in server.read(f"{V1}/uploads")]

    half_a_request(server, "POST", f"{V1}/uploads/raw?name=broken.zip", is_there)
    wait_for(lambda: not is_there())
    assert server.ask("GET", f"{V1}/health")[0] == 200


def follow(server):
    """An open line of events, past its `ready`."""
    connection = server.connect()
    connection.request("GET", f"{V1}/events", headers={"Authorization": f"Bearer {server.token}"})
    answer = connection.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    while answer.readline().strip() != b"event: ready":
        pass
    return connection, answer


def test_a_change_arrives_at_who_listens(server):
    connection, answer = follow(server)
    begin(server, "heard.zip")
    line = b""
    while b"heard.zip" not in line:
        line = answer.readline()
        assert line
    event = json.loads(line.removeprefix(b"data: "))
    assert (event["topic"], event["change"]) == ("upload", "created")
    connection.close()


def test_a_web_socket_of_the_pages_needs_the_session(server):
    def status(*headers):
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            lines = (
                "GET /_nicegui_ws/socket.io/?EIO=4&transport=websocket HTTP/1.1",
                f"Host: 127.0.0.1:{server.port}",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
                "Sec-WebSocket-Version: 13",
                *headers,
            )
            line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            return line.recv(200).split(b" ")[1]

    known = f"Authorization: Bearer {server.token}"
    assert status() == b"403"
    assert status(known, "Origin: http://evil.example") == b"403"
    assert status(known, f"Origin: http://127.0.0.1:{server.port}") == b"101"
    assert server.ask("GET", "/_nicegui_ws/socket.io/?EIO=4&transport=polling", headers={"Authorization": ""})[0] == 401


def test_pages_are_served_and_no_library_of_models_is_in_the_server(server):
    assert server.ask("GET", "/")[0] == 200
    maps = " ".join(entry.path for entry in psutil.Process(server.process.pid).memory_maps())
    assert "openvino" not in maps and "numpy" not in maps and "cv2" not in maps


def test_a_new_token_ends_the_old_one_of_a_running_server(server):
    old = server.token
    command = [sys.executable, "-c", START, "serve", "--new-token", "--print-link", "--json"]
    command += ["--port", str(server.port), "--data-dir", server.data_dir]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    server.link = json.loads(ended.stdout)["link"]
    assert server.ask("GET", f"{V1}/version", headers={"Authorization": f"Bearer {old}"})[0] == 401
    assert server.ask("GET", f"{V1}/version")[0] == 200


def test_it_stops_though_somebody_listens_and_goes_on_where_it_was(tmp_path):
    with real_server(tmp_path / "data") as server:
        connection, answer = follow(server)
        server.ask("POST", f"{V1}/uploads/raw?name=net.onnx", b"onnx")
        token = server.token
        code, said = server.stop()
        while answer.readline():  # the line ends
            pass
        connection.close()
    assert code == 0
    assert said.startswith("Stopped. ")
    with real_server(tmp_path / "data") as again:
        assert again.token == token
        assert [each["name"] for each in again.read(f"{V1}/uploads")] == ["net.onnx"]
