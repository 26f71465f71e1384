"""What can be asked of the datasets of a server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calibench.client.connection import Connection, understood
from calibench.client.imports import brought, imported
from calibench.client.parcels import dataset_parcel
from calibench.progress import Progress, silent
from calibench.things.asked import Import, Rename
from calibench.things.kept import Deletion, Hindrance, KeptDataset


class Datasets:
    """Datasets of a server. Each method raises NotThere for a dataset that is not there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, search: str = "") -> tuple[KeptDataset, ...]:
        """All of them, the newest first; `search`: part of the name."""
        return self._connection.things(KeptDataset, "/datasets", search=search)

    def get(self, id: int) -> KeptDataset:
        """One dataset."""
        return self._connection.thing(KeptDataset, f"/datasets/{id}")

    def send(
        self,
        path: Path | str,
        name: str | None = None,
        data: Mapping[str, Any] | None = None,
        progress: Progress = silent,
    ) -> KeptDataset:
        """The dataset of a folder on the server: the one with the same files that is there, else it is sent and
        imported. A folder goes as an archive that is made while it is sent.

        Args:
            path: a folder, a table, an array, or an archive (which is always sent).
            name: of a new one; None: that of the folder.
            data: DataSettings, such as format or label_column.
            progress: hears of megabytes that are looked at and sent, and of the steps of the import.

        Raises:
            DatasetError: there is no such path, or the server cannot read it.
        """
        return brought(self._connection, KeptDataset, dataset_parcel(Path(path)), name, data or {}, progress)

    def import_(self, asked: Import, progress: Progress = silent) -> KeptDataset:
        """Import what was uploaded, or a path of the server's machine; the dataset when its job has ended."""
        return imported(self._connection, KeptDataset, asked, progress)

    def rename(self, id: int, name: str, version: int | None = None) -> KeptDataset:
        """Another name; refused (Conflict) where `version` is not the newest."""
        return self._connection.ask(KeptDataset, "PATCH", f"/datasets/{id}", Rename(name=name, version=version))

    def files(self, id: int, limit: int = 1000) -> tuple[str, ...]:
        """The first of its files, in order: paths inside the dataset."""
        return tuple(self._connection.read(f"/datasets/{id}/files", limit=limit))

    def fits(self, id: int, model_id: int) -> Hindrance | None:
        """Why it does not suit a model; None: it does."""
        found = self._connection.read(f"/datasets/{id}/fit", model_id=model_id)["hindrance"]
        return None if found is None else understood(Hindrance, found)

    def doubts(self, id: int, model_id: int) -> tuple[str, ...]:
        """What to look at before accuracy is measured on it, a sentence each."""
        return tuple(self._connection.read(f"/datasets/{id}/fit", model_id=model_id)["doubts"])

    def would_delete(self, id: int) -> Deletion:
        """What would go with it."""
        return self._connection.thing(Deletion, f"/datasets/{id}/deletion")

    def delete(self, id: int, leave: bool = False) -> None:
        """Delete it, and what `would_delete` names; what jobs left on targets is removed there first.

        Args:
            leave: also where that cannot be removed now.

        Raises:
            Refused: a job of it goes on, or left something on a target that could not be removed.
        """
        self._connection.delete(f"/datasets/{id}", leave)
