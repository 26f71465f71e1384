"""What can be asked of the machines that a server knows, and of files on their way to it."""

from pathlib import Path
from typing import Any

from calibench.client.connection import Connection, understood
from calibench.client.contents import as_file, file_entry
from calibench.client.sending import send
from calibench.progress import Progress, silent
from calibench.things.kept import Job, Target, Upload


class Targets:
    """Machines that calibrate and measure. Each method raises NotThere for one that is not there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> tuple[Target, ...]:
        """All of them; the server's own is there from the start."""
        return self._connection.things(Target, "/targets")

    def get(self, id: int) -> Target:
        """One machine."""
        return self._connection.thing(Target, f"/targets/{id}")

    def check(self, id: int) -> Job:
        """Look at it anew; a job."""
        return self._connection.ask(Job, "POST", f"/targets/{id}/check")

    def load(self, id: int) -> dict[str, Any]:
        """Processor, memory and disk at this moment."""
        return dict(self._connection.read(f"/targets/{id}/load"))


class Uploads:
    """Files that were sent and are not imported yet. Each method raises NotThere for one that is not there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> tuple[Upload, ...]:
        """All of them, whole or not; what is left alone for a day is removed."""
        return self._connection.things(Upload, "/uploads")

    def get(self, id: str) -> Upload:
        """How much of it is there."""
        return self._connection.thing(Upload, f"/uploads/{id}")

    def send(self, path: Path | str, progress: Progress = silent) -> Upload:
        """Send one file; goes on where a broken connection stopped it.

        Raises:
            DatasetError: it cannot be read.
        """
        return send(self._connection, as_file(file_entry(Path(path))), progress)

    def send_bytes(self, name: str, content: bytes) -> Upload:
        """Send a small file in one request.

        Args:
            name: of the file; its ending says what it is.
        """
        answer = self._connection.plain("POST", "/uploads/raw", params={"name": name}, content=content)
        return understood(Upload, answer)

    def delete(self, id: str) -> None:
        """Remove it; what was imported from it stays."""
        self._connection.send("DELETE", f"/uploads/{id}")
