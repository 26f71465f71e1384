"""What can be asked of the models of a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calibench.client.connection import Connection, understood
from calibench.client.imports import brought, imported
from calibench.client.parcels import model_parcel
from calibench.progress import Progress, silent
from calibench.things.asked import AccuracyForm, AskMachines, Import, Rename, TrySettings
from calibench.things.kept import Deletion, Job, KeptModel, Project
from calibench.things.machine_row import MachineRow


class Models:
    """Models of a server. Each method raises NotThere for a model that is not there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, search: str = "") -> tuple[KeptModel, ...]:
        """All of them, the newest first; `search`: part of the name."""
        return self._connection.things(KeptModel, "/models", search=search)

    def get(self, id: int) -> KeptModel:
        """One model."""
        return self._connection.thing(KeptModel, f"/models/{id}")

    def family(self, id: int) -> tuple[KeptModel, ...]:
        """The FP32 parent first, then its INT8 children."""
        return tuple(understood(KeptModel, each) for each in self._connection.read(f"/models/{id}/family"))

    def machines(self, id: int) -> tuple[MachineRow, ...]:
        """Where its family was measured, the fastest first, and why INT8 does not pay where it does not."""
        return tuple(understood(MachineRow, each) for each in self._connection.read(f"/models/{id}/machines"))

    def measure_elsewhere(self, id: int, target_ids: Sequence[int]) -> tuple[Project, ...]:
        """Measure it on further targets: the projects that were missing, each with its `job_id` to be waited for."""
        asked = AskMachines(target_ids=tuple(target_ids))
        found = self._connection.ask_plain("POST", f"/models/{id}/machines", asked)
        return tuple(understood(Project, each) for each in found)

    def send(
        self,
        path: Path | str,
        name: str | None = None,
        weights: Path | str | None = None,
        progress: Progress = silent,
    ) -> KeptModel:
        """The model of a file on the server: the one with the same files that is there, else it is sent and imported.

        Args:
            path: a model file, a SavedModel folder, or an archive (which is always sent).
            name: of a new one; None: that of the file.
            weights: of a .prototxt; None: found beside it.
            progress: hears of megabytes that are looked at and sent, and of the steps of the import.

        Raises:
            ModelError: there is no such file, or the server cannot read it.
        """
        parcel = model_parcel(Path(path), None if weights is None else Path(weights))
        return brought(self._connection, KeptModel, parcel, name, {}, progress)

    def import_(self, asked: Import, progress: Progress = silent) -> KeptModel:
        """Import what was uploaded, or a path of the server's machine; the model when its job has ended."""
        return imported(self._connection, KeptModel, asked, progress)

    def rename(self, id: int, name: str, version: int | None = None) -> KeptModel:
        """Another name; refused (Conflict) where `version` is not the newest."""
        return self._connection.ask(KeptModel, "PATCH", f"/models/{id}", Rename(name=name, version=version))

    def settings(self, id: int) -> dict[str, Any]:
        """How samples enter it and how its answers are read: inputs, task, metric, data."""
        return dict(self._connection.read(f"/models/{id}/settings"))

    def set_settings(self, id: int, settings: dict[str, Any], version: int | None = None) -> KeptModel:
        """Take other accuracy settings, in place of all that it has."""
        form = AccuracyForm(settings=settings, version=version)
        return self._connection.ask(KeptModel, "PUT", f"/models/{id}/settings", form)

    def try_settings(self, id: int, asked: TrySettings) -> Job:
        """Try accuracy settings on a few samples; the `result` of the job has predictions and the likely mistake."""
        return self._connection.ask(Job, "POST", f"/models/{id}/settings/trials", asked)

    def would_delete(self, id: int) -> Deletion:
        """What would go with it."""
        return self._connection.thing(Deletion, f"/models/{id}/deletion")

    def delete(self, id: int, leave: bool = False) -> None:
        """Delete it, and what `would_delete` names; what jobs left on targets is removed there first.

        Args:
            leave: also where that cannot be removed now.

        Raises:
            Refused: a job of it goes on, or left something on a target that could not be removed.
        """
        self._connection.delete(f"/models/{id}", leave)

    def download(self, id: int, to: Path) -> None:
        """Save all its files as a zip archive."""
        self._connection.download(f"/models/{id}/download", to)
