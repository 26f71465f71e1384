"""`calibench serve` as a process, for tests of what only a real server shows."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

START = "import sys; from calibench.cli.app import main; sys.argv = ['calibench', *sys.argv[1:]]; main()"
PATIENCE_S = 120
"""How long a loaded machine may take; nothing is measured by it."""


@dataclass
class RealServer:
    process: subprocess.Popen[str]
    link: str
    data_dir: str

    @property
    def port(self) -> int:
        return int(urlsplit(self.link).port or 0)

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.link).query)["token"][0]

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """One request with the token; a dict becomes JSON, chunks are streamed."""
        own = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if isinstance(body, dict):
            body, own["Content-Type"] = json.dumps(body).encode(), "application/json"
        connection = self.connect()
        connection.request(method, path, body, own, encode_chunked=_is_streamed(body, own))
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found

    def read(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def stop(self) -> tuple[int, str]:
        """SIGTERM; how it ended and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, said


def _is_streamed(body: Any, headers: Mapping[str, str]) -> bool:
    return isinstance(body, Iterable) and not isinstance(body, bytes) and "Content-Length" not in headers


@contextmanager
def real_server(data: Path, *options: str) -> Iterator[RealServer]:
    """A server on a free port, killed at the end where it still runs."""
    command = [sys.executable, "-c", START, "serve", "--port", "0", "--json", "--data-dir", str(data), *options]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}  # NiceGUI looks
    process = subprocess.Popen(command, env=outside, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline()
            if not line:
                raise AssertionError(f"The server ended: {process.communicate()[1]}")
            said += line
        yield RealServer(process, **json.loads(said))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
