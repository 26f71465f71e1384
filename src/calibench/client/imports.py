"""Bring a model or a dataset to a server: what it has already is taken, the rest is sent and imported."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import ValidationError

from calibench.client.connection import Connection
from calibench.client.following import as_progress, follow, unless_done
from calibench.client.parcels import Parcel
from calibench.client.same_files import tree_of
from calibench.client.sending import send
from calibench.errors import CalibenchError, Cancelled, SettingsError
from calibench.progress import Progress, silent
from calibench.settings import explain
from calibench.things.asked import Import
from calibench.things.kept import KeptDataset, KeptModel, Upload

Kept = TypeVar("Kept", KeptModel, KeptDataset)

LISTS: Mapping[type, str] = {KeptModel: "/models", KeptDataset: "/datasets"}


def brought(
    connection: Connection,
    kind: type[Kept],
    parcel: Parcel,
    name: str | None,
    data: Mapping[str, Any],
    progress: Progress,
) -> Kept:
    """A ready model or dataset with the files of a parcel.

    Args:
        name: of a new one; None: from the file.
        data: how a dataset is read, as in Settings.

    Raises:
        CalibenchError: a file cannot be read, the server refuses it, or its import failed.
    """
    asked = _asked(name or parcel.name, (), parcel.entry if kind is KeptModel else None, data)
    there = _there(connection, kind, parcel, data, progress)
    if there is not None:
        return there
    uploads = tuple(send(connection, content, progress) for content in parcel.contents)
    return imported(connection, kind, asked.model_copy(update={"uploads": _ids(uploads)}), progress)


def imported(connection: Connection, kind: type[Kept], asked: Import, progress: Progress = silent) -> Kept:
    """What an import gave when its job has ended; who interrupts that leaves nothing behind.

    Raises:
        CalibenchError: of the kind by which the import failed.
    """
    path = LISTS[kind]
    thing = connection.ask(kind, "POST", path, _values(asked))
    try:
        if thing.job_id is not None:
            unless_done(follow(connection, thing.job_id, as_progress(progress)))
    except (KeyboardInterrupt, Cancelled):
        _take_back(connection, f"{path}/{thing.id}", thing.job_id)
        raise
    return connection.thing(kind, f"{path}/{thing.id}")


def _there(
    connection: Connection, kind: type[Kept], parcel: Parcel, data: Mapping[str, Any], progress: Progress
) -> Kept | None:
    """One with the same files that the server has already; None: it has none."""
    if parcel.entries is None:
        return None
    ready = [thing for thing in connection.things(kind, LISTS[kind]) if thing.state == "ready" and thing.tree]
    if not ready:
        return None
    tree = tree_of(parcel.entries, progress)
    same = (thing for thing in ready if thing.tree == tree)
    return next((thing for thing in same if _is_read_alike(thing, parcel, data)), None)


def _is_read_alike(thing: KeptModel | KeptDataset, parcel: Parcel, data: Mapping[str, Any]) -> bool:
    if isinstance(thing, KeptModel):
        return thing.entry == parcel.entry
    return bool(thing.facts.get("data", {}) == dict(data))


def _take_back(connection: Connection, path: str, job_id: int | None) -> None:
    with suppress(CalibenchError):
        if job_id is not None:
            connection.send("POST", f"/jobs/{job_id}/cancel")
            follow(connection, job_id)
    with suppress(CalibenchError):
        connection.send("DELETE", path)


def _asked(name: str, uploads: tuple[str, ...], entry: str | None, data: Mapping[str, Any]) -> Import:
    try:
        return Import(name=name, uploads=uploads, entry=entry, data=dict(data))
    except ValidationError as error:
        raise SettingsError(explain(error)) from None


def _values(asked: Import) -> dict[str, Any]:
    values: dict[str, Any] = asked.model_dump(mode="json", exclude_defaults=True)
    return values


def _ids(uploads: tuple[Upload, ...]) -> tuple[str, ...]:
    return tuple(upload.id for upload in uploads)
