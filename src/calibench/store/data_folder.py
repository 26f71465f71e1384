"""The one folder that holds all that the Workbench keeps."""

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from calibench.errors import JobError
from calibench.store.disk import FULL

OURS = frozenset(("workbench.db", "queue.db", "token", "blobs", "trees", "uploads", "jobs", "lock"))
"""Names by which a data folder is known."""

HARMLESS = frozenset((".DS_Store", "lost+found", ".directory", "desktop.ini", "Thumbs.db"))
"""What systems put into folders by themselves."""


def usual_place() -> Path:
    """$XDG_DATA_HOME/calibench, else ~/.local/share/calibench."""
    shared = os.environ.get("XDG_DATA_HOME", "")
    return (Path(shared) if Path(shared).is_absolute() else Path.home() / ".local/share") / "calibench"


class DataFolder:
    """Where things are, below one path."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.database = self.path / "workbench.db"
        self.queue = self.path / "queue.db"
        self.token = self.path / "token"
        self.blobs = self.path / "blobs"
        self.trees = self.path / "trees"
        self.uploads = self.path / "uploads"
        self.jobs = self.path / "jobs"
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """Of the SQLite database in it, for `Store`."""
        return f"sqlite:///{self.database}"

    def make(self) -> None:
        """Make the folder and its parts where they are not there; nobody else may look into it.

        Raises:
            JobError: it cannot be written, has a path that is not UTF-8, or holds other things and none of Calibench.
        """
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            shown = str(self.path).encode("utf-8", "backslashreplace").decode()
            raise JobError(f"{shown}: the path of the data folder is not UTF-8. Give another --data-dir.") from None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            names = {entry.name for entry in os.scandir(self.path)} - HARMLESS
            if names and not names & OURS:
                raise JobError(
                    f"{self.path}: holds other things, such as {min(names)!r}, and no data of Calibench. "
                    "Give an empty or a new folder as --data-dir."
                )
            self.path.chmod(0o700)
            for part in (self.blobs, self.trees, self.uploads, self.jobs):
                part.mkdir(mode=0o700, exist_ok=True)
            self._try_to_write()
        except OSError as error:
            advice = "Free some room there" if error.errno in FULL else "Give another --data-dir"
            raise JobError(f"{self.path}: the data folder cannot be written ({error.strerror}). {advice}.") from None

    def _try_to_write(self) -> None:
        probe = self.path / f".written-{os.getpid()}"
        try:
            probe.write_bytes(b"x")
        finally:
            with suppress(OSError):
                probe.unlink()

    def lock(self) -> None:
        """Hold the folder until `unlock`, or until this process ends, however it does.

        The lock goes with this value: keep it.

        Raises:
            JobError: another process holds it; names that one. Or the folder is not there.
        """
        try:
            file = (self.path / "lock").open("a+", encoding="ascii")
        except OSError as error:
            raise JobError(f"{self.path}: cannot be locked ({error.strerror}). Give another --data-dir.") from None
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self.holder()
            file.close()
            who = f" (process {holder})" if holder else ""
            raise JobError(
                f"{self.path}: another Calibench works in this data folder{who}. Stop it, or give another --data-dir."
            ) from None
        except (ImportError, OSError):  # systems and disks without locks are trusted
            pass
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._lock = file

    def belong_to(self, database: str) -> None:
        """Note which database knows of the files, where it is not the one in the folder ('').

        Raises:
            JobError: another one did.
        """
        note = self.path / "database"
        try:
            known = note.read_text(encoding="utf-8").strip() if note.exists() else None
            if known is None:
                note.write_text(f"{database}\n", encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise JobError(f"{note}: cannot be read or written ({error}). Delete it.") from None
        if known not in (None, database):
            raise JobError(
                f"{self.path}: its files belong to the database {known or self.database}, not to "
                f"{database or self.database}. Give that one, or another --data-dir; if it only moved, delete {note}."
            )

    def unlock(self) -> None:
        """Let others have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def holder(self) -> int | None:
        """The process that locked the folder last; it may have ended since."""
        try:
            number = (self.path / "lock").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return int(number) if number.isdecimal() else None
