"""`calibench.Client`: the Workbench of a server, with the things of `calibench.things` as answers."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from calibench.client.connection import KINDS, Connection
from calibench.client.following import OnEvent, follow
from calibench.client.following import unseen as unheard
from calibench.client.sending import OnBytes, model_files, send_file, send_folder, unseen
from calibench.errors import DatasetError, JobError
from calibench.things.asked import (
    AccuracyForm,
    AskCalibration,
    AskPick,
    Import,
    NewProject,
    Points,
    Rename,
    TrySettings,
)
from calibench.things.kept import Deletion, Hindrance, Job, KeptDataset, KeptModel, Project, Target, Upload


class Client:
    """A server, by its parts; usable as a context manager.

    >>> with Client("http://127.0.0.1:8642/?token=...") as client:
    ...     model = client.models.send(Path("model.onnx"))
    ...     dataset = client.datasets.send(Path("images/"))
    ...     project = client.projects.create(model.id, dataset.id)
    ...     client.wait(project.job_id)                                  # the baseline
    ...     int8 = client.projects.calibrate(project.id, AskCalibration(method="accuracy-aware", max_drop=0.5))
    ...     client.wait(int8.job_id)
    ...     client.projects.download(int8.id, Path("out"))
    """

    def __init__(self, url: str, token: str | None = None, verify: bool | str = True) -> None:
        """Take the address of a server: see `Connection`.

        Raises:
            SettingsError: no address, or httpx is not installed.
        """
        self.connection = Connection(url, token, verify)
        self.models = Models(self.connection)
        self.datasets = Datasets(self.connection)
        self.projects = Projects(self.connection)
        self.jobs = Jobs(self.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self.connection.close()

    def version(self) -> str:
        """Of the server's Calibench."""
        return str(self.connection.read("/version")["version"])

    def targets(self) -> tuple[Target, ...]:
        """The machines that the server knows."""
        return self.connection.things(Target, "/targets")

    def check_target(self, target_id: int) -> Job:
        """Look at a machine anew; a job."""
        return self.connection.ask(Job, "POST", f"/targets/{target_id}/check")

    def load(self, target_id: int) -> dict[str, Any]:
        """Processor, memory and disk of a machine at this moment."""
        return dict(self.connection.read(f"/targets/{target_id}/load"))

    def sample(self) -> Job:
        """Import the sample: a network and two datasets."""
        return self.connection.ask(Job, "POST", "/sample")

    def upload(self, path: Path, on_bytes: OnBytes = unseen) -> Upload:
        """Send one file, without importing it."""
        return send_file(self.connection, path, on_bytes)

    def compare(self, first: int, second: int) -> dict[str, Any]:
        """Two projects of a family side by side."""
        return dict(self.connection.read("/compare", a=first, b=second))

    def wait(self, job_id: int | None, on_event: OnEvent = unheard) -> Job:
        """Follow a job to its end.

        Raises:
            JobError: it failed or was cancelled, with its sentence; TargetError: the server is away.
        """
        if job_id is None:
            raise JobError("There is no job to wait for.")
        job = follow(self.connection, job_id, on_event)
        if job.state == "failed":
            raise JobError(job.failure.message if job.failure else f"Job {job_id} failed.")
        if job.state == "cancelled":
            raise JobError(f"Job {job_id} was cancelled.")
        return job


class Models:
    """Models of a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, search: str = "") -> tuple[KeptModel, ...]:
        """All of them, the newest first."""
        return self._connection.things(KeptModel, "/models", search=search)

    def get(self, id: int) -> KeptModel:
        """One model."""
        return self._connection.thing(KeptModel, f"/models/{id}")

    def family(self, id: int) -> tuple[KeptModel, ...]:
        """The FP32 parent first, then its INT8 children."""
        return tuple(KeptModel.model_validate(each) for each in self._connection.read(f"/models/{id}/family"))

    def send(
        self, path: Path, name: str | None = None, weights: Path | None = None, on_bytes: OnBytes = unseen
    ) -> KeptModel:
        """Upload a model file with what belongs to it (or a SavedModel folder), and import it; wait for its job.

        Raises:
            ModelError: there is no such file, or the server cannot read it.
        """
        if path.is_dir():
            uploads: tuple[Upload, ...] = (send_folder(self._connection, path, on_bytes),)
        else:
            files = model_files(path, weights)
            uploads = tuple(send_file(self._connection, file, on_bytes) for file in files)
        ids = tuple(upload.id for upload in uploads)
        return self.import_(Import(name=name or path.stem, uploads=ids, entry=None))

    def import_(self, asked: Import) -> KeptModel:
        """Import what was uploaded, or a path of the server's machine; the model when its job has ended."""
        model = self._connection.ask(KeptModel, "POST", "/models", asked)
        return Models.get(self, _ended(self._connection, model))

    def rename(self, id: int, name: str, version: int | None = None) -> KeptModel:
        """Another name; refused where `version` is not the newest."""
        return self._connection.ask(KeptModel, "PATCH", f"/models/{id}", Rename(name=name, version=version))

    def settings(self, id: int) -> dict[str, Any]:
        """Accuracy settings: how samples enter, how answers are read."""
        return dict(self._connection.read(f"/models/{id}/settings"))

    def set_settings(self, id: int, settings: dict[str, Any], version: int | None = None) -> KeptModel:
        """Take other accuracy settings."""
        form = AccuracyForm(settings=settings, version=version)
        return self._connection.ask(KeptModel, "PUT", f"/models/{id}/settings", form)

    def try_settings(self, id: int, asked: TrySettings) -> Job:
        """Try accuracy settings on a few samples; a job."""
        return self._connection.ask(Job, "POST", f"/models/{id}/settings/trials", asked)

    def would_delete(self, id: int) -> Deletion:
        """What would go with it."""
        return self._connection.thing(Deletion, f"/models/{id}/deletion")

    def delete(self, id: int) -> None:
        """Delete it, and what `would_delete` names."""
        self._connection.send("DELETE", f"/models/{id}")

    def download(self, id: int, to: Path) -> None:
        """Save its files as a zip archive."""
        self._connection.download(f"/models/{id}/download", to)


class Datasets:
    """Datasets of a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, search: str = "") -> tuple[KeptDataset, ...]:
        """All of them, the newest first."""
        return self._connection.things(KeptDataset, "/datasets", search=search)

    def get(self, id: int) -> KeptDataset:
        """One dataset."""
        return self._connection.thing(KeptDataset, f"/datasets/{id}")

    def send(
        self,
        path: Path,
        name: str | None = None,
        data: dict[str, Any] | None = None,
        on_bytes: OnBytes = unseen,
    ) -> KeptDataset:
        """Upload a folder, an archive or a table, and import it; wait for its job.

        Args:
            data: DataSettings, such as format or label_column.

        Raises:
            DatasetError: there is no such path, or the server cannot read it.
        """
        if not path.exists():
            raise DatasetError(f"{path}: there is no such file or folder. Give the path of a dataset.")
        send = send_folder if path.is_dir() else send_file
        upload = send(self._connection, path, on_bytes)
        return self.import_(Import(name=name or path.resolve().stem, uploads=(upload.id,), data=data or {}))

    def import_(self, asked: Import) -> KeptDataset:
        """Import what was uploaded, or a path of the server's machine; the dataset when its job has ended."""
        dataset = self._connection.ask(KeptDataset, "POST", "/datasets", asked)
        return Datasets.get(self, _ended(self._connection, dataset))

    def rename(self, id: int, name: str, version: int | None = None) -> KeptDataset:
        """Another name; refused where `version` is not the newest."""
        return self._connection.ask(KeptDataset, "PATCH", f"/datasets/{id}", Rename(name=name, version=version))

    def fits(self, id: int, model_id: int) -> Hindrance | None:
        """Why it does not suit a model; None: it does."""
        found = self._connection.read(f"/datasets/{id}/fit", model_id=model_id)["hindrance"]
        return None if found is None else Hindrance.model_validate(found)

    def would_delete(self, id: int) -> Deletion:
        """What would go with it."""
        return self._connection.thing(Deletion, f"/datasets/{id}/deletion")

    def delete(self, id: int) -> None:
        """Delete it, and what `would_delete` names."""
        self._connection.send("DELETE", f"/datasets/{id}")


class Projects:
    """Projects of a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, search: str = "", archived: bool = False) -> tuple[Project, ...]:
        """All of them, the newest first."""
        return self._connection.things(Project, "/projects", search=search, archived=archived)

    def get(self, id: int) -> Project:
        """One project."""
        return self._connection.thing(Project, f"/projects/{id}")

    def family(self, id: int) -> tuple[Project, ...]:
        """The FP32 project first, then the INT8 projects that were calibrated in it."""
        return tuple(Project.model_validate(each) for each in self._connection.read(f"/projects/{id}/family"))

    def create(self, model_id: int, dataset_id: int, device: str = "CPU", run_baseline: bool = True) -> Project:
        """A model with a dataset; the one that is there already, or a new one whose baseline runs."""
        asked = NewProject(model_id=model_id, dataset_id=dataset_id, device=device, run_baseline=run_baseline)
        return self._connection.ask(Project, "POST", "/projects", asked)

    def rename(self, id: int, name: str, version: int | None = None) -> Project:
        """Another name; refused where `version` is not the newest."""
        return self._connection.ask(Project, "PATCH", f"/projects/{id}", Rename(name=name, version=version))

    def archive(self, id: int, is_archived: bool = True) -> Project:
        """Put it away, or take it back."""
        answer = self._connection.send("PUT", f"/projects/{id}/archived", json={"is_archived": is_archived})
        return Project.model_validate(answer.json())

    def hindrances(self, id: int) -> tuple[Hindrance, ...]:
        """Why INT8 cannot be calibrated there; empty: it can."""
        found = self._connection.read(f"/projects/{id}/hindrances")["calibration"]
        return tuple(Hindrance.model_validate(each) for each in found)

    def baseline(self, id: int) -> Job:
        """Score and measure the FP32 model; a job."""
        return self._connection.ask(Job, "POST", f"/projects/{id}/baseline")

    def calibrate(self, id: int, asked: AskCalibration) -> Project:
        """Calibrate to INT8: the new project, whose `job_id` is to be waited for."""
        return self._connection.ask(Project, "POST", f"/projects/{id}/calibrations", asked)

    def benchmark(self, id: int, points: Points) -> Job:
        """Measure speed at batches and streams; a job."""
        return self._connection.ask(Job, "POST", f"/projects/{id}/benchmarks", points)

    def evaluate(self, id: int, dataset_id: int) -> Job:
        """Score its model on another dataset; a job."""
        answer = self._connection.send("POST", f"/projects/{id}/evaluations", json={"dataset_id": dataset_id})
        return Job.model_validate(answer.json())

    def pick(self, id: int, asked: AskPick) -> Project:
        """Take another model of its search; a new project."""
        return self._connection.ask(Project, "POST", f"/projects/{id}/picks", asked)

    def report(self, id: int) -> dict[str, Any]:
        """report.json of its newest result, or what its baseline found."""
        return dict(self._connection.read(f"/projects/{id}/report"))

    def points(self, id: int) -> list[dict[str, Any]]:
        """Throughput and latency by batch and streams."""
        return list(self._connection.read(f"/projects/{id}/points"))

    def layers(self, id: int) -> list[dict[str, Any]]:
        """Its layers with times and precisions."""
        return list(self._connection.read(f"/projects/{id}/layers"))

    def snippets(self, id: int) -> dict[str, str]:
        """`cli` and `python`: how to repeat its calibration."""
        return dict(self._connection.read(f"/projects/{id}/snippets"))

    def exports(self, id: int) -> tuple[str, ...]:
        """Names of the files that can be downloaded."""
        return tuple(each["name"] for each in self._connection.read(f"/projects/{id}/exports"))

    def download(self, id: int, folder: Path) -> tuple[Path, ...]:
        """Save all its files into a folder.

        Raises:
            JobError: it cannot be written.
        """
        saved = []
        for name in self.exports(id):
            to = folder / name
            to.parent.mkdir(parents=True, exist_ok=True)
            self._connection.download(f"/projects/{id}/exports/{name}", to)
            saved.append(to)
        return tuple(saved)

    def would_delete(self, id: int) -> Deletion:
        """What would go with it."""
        return self._connection.thing(Deletion, f"/projects/{id}/deletion")

    def delete(self, id: int) -> None:
        """Delete it, and what `would_delete` names."""
        self._connection.send("DELETE", f"/projects/{id}")


class Jobs:
    """Jobs of a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, states: tuple[str, ...] = (), project_id: int | None = None) -> tuple[Job, ...]:
        """All of them, the newest first."""
        return self._connection.things(Job, "/jobs", state=list(states), project_id=project_id)

    def get(self, id: int) -> Job:
        """One job as it is now."""
        return self._connection.thing(Job, f"/jobs/{id}")

    def cancel(self, id: int) -> Job:
        """Stop it within two seconds."""
        return self._connection.ask(Job, "POST", f"/jobs/{id}/cancel")

    def retry(self, id: int) -> Job:
        """A new job that does the same."""
        return self._connection.ask(Job, "POST", f"/jobs/{id}/retry")

    def log(self, id: int, last: int = 200) -> str:
        """The last lines of what it printed."""
        return self._connection.send("GET", f"/jobs/{id}/log", params={"last": last}).text

    def trials(self, id: int) -> list[dict[str, Any]]:
        """Of an accuracy-aware search: each model that was evaluated."""
        return list(self._connection.read(f"/jobs/{id}/trials"))

    def delete(self, id: int) -> None:
        """Delete it and its log; what it made stays."""
        self._connection.send("DELETE", f"/jobs/{id}")


def _ended(connection: Connection, thing: KeptModel | KeptDataset) -> int:
    """The id of a thing whose import has ended well.

    Raises:
        CalibenchError: of the kind by which the import failed.
    """
    if thing.job_id is not None:
        job = follow(connection, thing.job_id)
        if job.state != "done":
            failure = job.failure
            kind = KINDS.get(failure.kind, JobError) if failure else JobError
            raise kind(failure.message if failure else f"The import of {thing.name} was {job.state}.")
    return thing.id
