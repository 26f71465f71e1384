"""`calibench serve` as a person starts it, with the real queue behind it; it can be killed and started again."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from page_site import free_port

START = "import sys; from calibench.cli.app import main; sys.argv = ['calibench', *sys.argv[1:]]; main()"
PATIENCE_S = 120
"""How long a loaded machine may take; nothing is measured by it."""
ENDED = ("done", "failed", "cancelled")


class StoryServer:
    """One data folder and one port, whatever process serves them; `allowed`: a folder that it may read."""

    def __init__(self, data: Path) -> None:
        self.data, self.log = data, data.parent / f"{data.name}.log"
        self.allowed = data.parent / f"{data.name}-allowed"
        self.allowed.mkdir(exist_ok=True)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.link = ""
        self.process: subprocess.Popen[str] | None = None

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.link).query)["token"][0]

    def start(self) -> None:
        """Come back when it has said its link."""
        command = [sys.executable, "-c", START, "serve", "--port", str(self.port), "--json"]
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
        folders = ["--data-dir", str(self.data), "--allow-folder", str(self.allowed)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, *folders], stdout=subprocess.PIPE, stderr=log, text=True, env=outside
            )
        assert self.process.stdout is not None
        said = ""
        while not said.endswith("}\n"):
            line = self.process.stdout.readline()
            assert line, f"The server ended: {self.log.read_text()}"
            said += line
        self.link = json.loads(said)["link"]

    def kill(self) -> None:
        """As a crash does it: no goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """Jobs that still run are cancelled; what was said on the way must hold no traceback."""
        assert self.process is not None
        for job in self.read("/api/v1/jobs?limit=100"):
            if job["state"] not in ENDED:
                self.ask("POST", f"/api/v1/jobs/{job['id']}/cancel")
                self.ended(job["id"])
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE_S)
        said = self.log.read_text()
        assert "Traceback" not in said, said

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """One request with the token; a dict becomes JSON."""
        own = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): v for name, v in headers.items()}}
        if isinstance(body, dict):
            body, own["Content-Type"] = json.dumps(body).encode(), "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, own)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def read(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def send(self, path: str, body: dict[str, Any]) -> Any:
        status, found = self.ask("POST", path, body)
        assert status < 300, found
        return json.loads(found)

    def import_(self, what: str, file: Path) -> int:
        """Upload and import a file by REST; come back when it is ready."""
        status, found = self.ask("POST", "/api/v1/uploads/raw", file.read_bytes(), X_File_Name=file.name)
        assert status < 300, found
        asked = {"name": file.stem, "uploads": [json.loads(found)["id"]]}
        thing = self.send(f"/api/v1/{what}", asked)
        job = self.ended(thing["job_id"])
        assert job["state"] == "done", job
        return int(thing["id"])

    def ended(self, job_id: int) -> Any:
        """Wait until a job has ended."""
        last = time.monotonic() + 5 * PATIENCE_S
        while (job := self.read(f"/api/v1/jobs/{job_id}"))["state"] not in ENDED:
            assert time.monotonic() < last, job
            time.sleep(0.2)
        return job

    @contextmanager
    def held(self, job_id: int) -> Iterator[Any]:
        """A job past its first percent, which stands still meanwhile, however long pages take."""
        last = time.monotonic() + 5 * PATIENCE_S
        while not ((job := self.read(f"/api/v1/jobs/{job_id}"))["pid"] and (job["progress"] or 0) >= 0.01):
            assert job["state"] not in ENDED and time.monotonic() < last, job
            time.sleep(0.05)
        os.killpg(job["pid"], signal.SIGSTOP)
        try:
            yield job
        finally:
            let_go_on(job)


def let_go_on(job: Any) -> None:
    """The process of a job that was held."""
    with suppress(ProcessLookupError):
        os.killpg(job["pid"], signal.SIGCONT)
