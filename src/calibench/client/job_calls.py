"""What can be asked of the jobs of a server."""

from typing import Any

from calibench.client.connection import Connection
from calibench.things.kept import Job, JobKind, JobState


class Jobs:
    """Jobs of a server. Each method raises NotThere for a job that is not there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(
        self, states: tuple[JobState, ...] = (), kind: JobKind | None = None, project_id: int | None = None
    ) -> tuple[Job, ...]:
        """All of them, the newest first; without `states`, in any state."""
        return self._connection.things(Job, "/jobs", state=list(states), kind=kind, project_id=project_id)

    def get(self, id: int) -> Job:
        """One job as it is now."""
        return self._connection.thing(Job, f"/jobs/{id}")

    def place(self, id: int) -> int | None:
        """How many jobs start until this one does, itself counted; None: it does not wait."""
        found = self._connection.read(f"/jobs/{id}/place")["place"]
        return None if found is None else int(found)

    def cancel(self, id: int) -> Job:
        """Stop it within two seconds; refused (Conflict) when it has ended."""
        return self._connection.ask(Job, "POST", f"/jobs/{id}/cancel")

    def retry(self, id: int) -> Job:
        """A new job that does the same."""
        return self._connection.ask(Job, "POST", f"/jobs/{id}/retry")

    def log(self, id: int, last: int = 200) -> str:
        """The last lines of what it printed."""
        return self._connection.send("GET", f"/jobs/{id}/log", params={"last": last}).text

    def trials(self, id: int) -> list[dict[str, Any]]:
        """Of an accuracy-aware search, while it runs too: each model that was evaluated."""
        return list(self._connection.read(f"/jobs/{id}/trials"))

    def delete(self, id: int, leave: bool = False) -> None:
        """Delete it and its log; what it made stays. What it left on its target is ended and removed there first.

        Args:
            leave: also where that cannot be removed now.

        Raises:
            Refused: that could not be removed, and nothing was deleted.
            Conflict: it has not ended.
        """
        self._connection.delete(f"/jobs/{id}", leave)
