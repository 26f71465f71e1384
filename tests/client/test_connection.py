"""How errors come back, what of an address counts, and what is said where no Calibench answers."""

import json
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from calibench.client.client import Client
from calibench.client.connection import Connection, Refused
from calibench.errors import DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.store.refused import Conflict, NotThere

ERROR = {"kind": "ModelError", "message": "m.xml: is broken. Export it again."}


@contextmanager
def program(status, body, kind="application/json", certificate=None):
    """Some program that answers every request alike."""
    seen, scheme = [], "https" if certificate else "http"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, dict(self.headers)))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def error_body(**values):
    return json.dumps({"error": {**ERROR, **values}}).encode()


@pytest.mark.parametrize(
    ("kind", "is_here"),
    [
        ("ModelError", ModelError),
        ("DatasetError", DatasetError),
        ("SettingsError", SettingsError),
        ("TargetError", TargetError),
        ("JobError", JobError),
        ("NotThere", NotThere),
        ("Conflict", Conflict),
        ("NoAccess", SettingsError),
        ("InternalError", JobError),
        ("SomethingNew", JobError),
    ],
)
def test_an_error_of_the_server_is_the_same_error_here(kind, is_here):
    with program(422, error_body(kind=kind)) as (url, _), pytest.raises(is_here) as caught:
        Client(url).jobs.get(1)
    assert (type(caught.value), str(caught.value)) == (is_here, ERROR["message"])


def test_a_hindrance_comes_with_the_error():
    hindrance = {"code": "baseline-missing", "sentence": "Run it.", "action": "Run the baseline", "link": "POST /x"}
    with program(409, error_body(kind="NotPossible", hindrance=hindrance)) as (url, _), pytest.raises(Refused) as told:
        Client(url).jobs.get(1)
    assert told.value.hindrance.code == "baseline-missing"


def test_the_token_is_that_of_the_link_else_that_of_the_variable(monkeypatch):
    monkeypatch.setenv("CALIBENCH_TOKEN", "from-the-variable")
    with program(200, b'{"version": "1", "api": "v1"}') as (url, seen):
        for address, given, token in (
            (f"{url}/?token=from-the-link", None, "from-the-link"),
            (f"{url}/projects/3?token=from-the-link", None, "from-the-link"),
            (url, "given", "given"),
            (url, None, "from-the-variable"),
            (url.removeprefix("http://"), None, "from-the-variable"),
        ):
            client = Client(address, given)
            assert client.version() == "1"
            assert client.url == url
            assert seen[-1][1]["Authorization"] == f"Bearer {token}"
            assert seen[-1][0] == "/api/v1/version"


def test_a_missing_and_a_wrong_token_are_told_apart(monkeypatch):
    monkeypatch.delenv("CALIBENCH_TOKEN", raising=False)
    with program(401, error_body(kind="NoAccess")) as (url, _):
        with pytest.raises(SettingsError, match=r"wants its token\. Give the whole link"):
            Client(url).version()
        with pytest.raises(SettingsError, match="has another token than this one"):
            Client(url, "wrong").version()
        with pytest.raises(SettingsError, match="letters that no token has"):
            Client(url, "grün")


@pytest.mark.parametrize("address", ["", "ftp://host", "http://", "http://[", "http://host:99999", "http://host:0"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(SettingsError, match="is no address of a server"):
        Client(address)


def test_where_nothing_answers_it_is_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}")
        assert not client.is_there()
        with pytest.raises(TargetError, match=rf"127\.0\.0\.1:{port}: does not answer .*Is `calibench serve` running"):
            client.version()


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>hello</html>"), (404, b"not here"), (302, b""), (500, b'{"error": "x"}')]
)
def test_another_program_at_that_address_is_told_apart(status, body):
    with program(status, body, "text/html") as (url, _), pytest.raises(TargetError) as told:
        Client(f"{url}/?token=secret").version()
    assert f"answers {status} to /api/v1/version, and not as Calibench does. Is this its address?" in str(told.value)
    assert "secret" not in str(told.value)


def test_a_proxy_that_is_set_for_others_is_not_asked_about_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with program(200, b'{"version": "1", "api": "v1"}') as (url, _):
        assert Client(url).version() == "1"


def test_a_certificate_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read as a certificate"):
        Connection("https://127.0.0.1", verify=str(tmp_path / "absent.pem"))


def test_without_httpx_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(SettingsError, match=r"needs httpx\. Install it: pip install 'calibench\[client\]'"):
        Client("http://127.0.0.1:8642")
    assert httpx


def test_a_certificate_that_is_not_trusted_is_told_apart(tmp_path, monkeypatch):
    made = tmp_path / "cert.pem", tmp_path / "key.pem"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names)
    subprocess.run([*command, "-out", made[0], "-keyout", made[1]], check=True, capture_output=True)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with program(200, b'{"version": "1", "api": "v1"}', certificate=made) as (url, _):
        url = url.replace("127.0.0.1", "localhost")
        with pytest.raises(TargetError, match=r"its certificate is not trusted here.*SSL_CERT_FILE"):
            Client(url).version()
        assert Client(url, verify=str(made[0])).version() == "1"
        monkeypatch.setenv("SSL_CERT_FILE", str(made[0]))
        assert Client(url).version() == "1"
