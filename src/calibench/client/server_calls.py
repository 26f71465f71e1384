"""What can be asked of the machines that a server knows, and of files on their way to it."""

from pathlib import Path

from calibench.client.connection import Connection, understood
from calibench.client.contents import as_file, file_entry
from calibench.client.sending import send
from calibench.errors import TargetError
from calibench.progress import Progress, silent
from calibench.things.asked import AskHost, AskTarget, ChangeTarget
from calibench.things.kept import Cleaned, HostKey, Job, Target, TargetCache, TargetLoad, Upload
from calibench.things.target_spec import TargetSpec


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

    def named(self, name: str) -> Target:
        """One machine, by its name.

        Raises:
            TargetError: none has it; the known ones are named.
        """
        there = self.all()
        for target in there:
            if target.name.casefold() == name.strip().casefold():
                return target
        known = ", ".join(target.name for target in there)
        raise TargetError(f"{name}: the server has no such target. Known: {known}.")

    def add(self, name: str, address: str = "", spec: TargetSpec | None = None) -> Target:
        """Add one, unchecked.

        Args:
            address: such as ssh://me@lab, slurm, or 'pbs ssh://me@login'; files in it are those of the server.
            spec: its fields that are set go over the address.

        Raises:
            SettingsError: the name is taken, or it is no address.
        """
        fields = {"address": address} | ({} if spec is None else {"spec": spec})
        return self._connection.ask(Target, "POST", "/targets", AskTarget(name=name, **fields))

    def change(self, id: int, asked: ChangeTarget) -> Target:
        """Give another name, or another way to reach it.

        Raises:
            Conflict: somebody changed it since `version`.
        """
        return self._connection.ask(Target, "PATCH", f"/targets/{id}", asked)

    def remove(self, id: int) -> None:
        """Forget it.

        Raises:
            Refused: projects are of it, or a job of it goes on.
        """
        self._connection.send("DELETE", f"/targets/{id}")

    def host_key(self, id: int) -> HostKey:
        """The key that its host shows to the server now."""
        return self._connection.thing(HostKey, f"/targets/{id}/host-key")

    def host_key_at(self, asked: AskHost) -> HostKey:
        """The key that the host of an address shows to the server."""
        return self._connection.ask(HostKey, "POST", "/host-keys", asked)

    def cache(self, id: int) -> TargetCache:
        """What `clean` would remove; takes seconds."""
        return self._connection.thing(TargetCache, f"/targets/{id}/cache")

    def clean(self, id: int) -> Cleaned:
        """Remove what Calibench keeps there, but what jobs need that go on."""
        return self._connection.ask(Cleaned, "POST", f"/targets/{id}/clean")

    def check(self, id: int) -> Job:
        """Look at it anew; a job."""
        return self._connection.ask(Job, "POST", f"/targets/{id}/check")

    def load(self, id: int, wait_s: float | None = None) -> TargetLoad:
        """How busy it is, and how old that is.

        Args:
            wait_s: seconds to wait for a look at another machine, where what is known is old; 0: none; None: a few.
        """
        asked = {} if wait_s is None else {"wait_s": wait_s}
        return self._connection.thing(TargetLoad, f"/targets/{id}/load", **asked)


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
