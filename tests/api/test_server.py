"""Where the server listens, its link, its TLS files."""

import shutil
import socket
import subprocess

import pytest

from calibench.errors import JobError, SettingsError
from calibench.server import Serving, check_tls, open_port


def test_a_link_carries_the_token():
    assert Serving().link("abc") == "http://127.0.0.1:8642/?token=abc"
    assert Serving(port=0).link("abc", 4242) == "http://127.0.0.1:4242/?token=abc"
    assert Serving("::1").link("abc") == "http://[::1]:8642/?token=abc"
    assert Serving("0.0.0.0").link("abc").startswith("http://127.0.0.1:")


def test_a_taken_port_names_the_next_free_one():
    with open_port(Serving(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(JobError, match=rf"Port {port} is taken.* Port (\d+) is free: --port \1\.$"):
            open_port(Serving(port=port))


def test_a_port_is_free_again_at_once():
    with open_port(Serving(port=0)) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), first.accept()[0]:
            pass
    open_port(Serving(port=port)).close()


@pytest.mark.parametrize("host", ["no.such.name.invalid", "192.0.2.1", "a" * 300])
def test_an_address_of_another_machine_is_refused(host):
    with pytest.raises(SettingsError, match=r"^--host .* Give an address of this machine\.$"):
        open_port(Serving(host, 0))


def test_tls_needs_two_files_that_fit(tmp_path):
    check_tls(Serving())
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    with pytest.raises(SettingsError, match="TLS needs both files"):
        check_tls(Serving(certificate=cert))
    with pytest.raises(SettingsError, match="there is no such file"):
        check_tls(Serving(certificate=cert, key=key))
    cert.write_text("no certificate")
    key.write_text("no key")
    with pytest.raises(SettingsError, match="TLS cannot be served with these"):
        check_tls(Serving(certificate=cert, key=key))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_with_its_key_is_taken(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    files = ["-keyout", str(key), "-out", str(cert)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    serving = Serving(certificate=cert, key=key)
    check_tls(serving)
    assert serving.link("abc").startswith("https://")
